/* The estimators for Python. */
#include "python/core_module.h"

#include <string.h>

static PyObject *estimate_of(const rdc_py_state *state, rdc_status status, rdc_estimate estimate) {
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    return Py_BuildValue("dd", estimate.value, estimate.error);
}

static const char *const methods[] = {
    [RDC_ENTROPY_PLUGIN] = "plugin",       [RDC_ENTROPY_MILLER_MADOW] = "miller-madow", [RDC_ENTROPY_GRASSBERGER] = "grassberger",
    [RDC_ENTROPY_CHAO_SHEN] = "chao-shen", [RDC_ENTROPY_NSB] = "nsb",
};

/* The method of a name; -1 with an error for an unknown one. */
static int method_of(const rdc_py_state *state, const char *name) {
    for (int method = RDC_ENTROPY_PLUGIN; method <= RDC_ENTROPY_NSB; method++) {
        if (strcmp(name, methods[method]) == 0) return method;
    }
    PyErr_Format(state->rdcodec_error, "method: expected plugin, miller-madow, grassberger, chao-shen or nsb, got '%.50s'", name);
    return -1;
}

static PyObject *entropy_of_counts(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *counts_object;
    const char *name;
    Py_ssize_t alphabet;
    rdc_estimate entropy;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "Osn:entropy_of_counts", &counts_object, &name, &alphabet)) return NULL;
    PyArrayObject *counts = rdc_py_array(counts_object, "counts", NPY_INT64, "int64");
    const int method = counts ? method_of(state, name) : -1;
    if (method < 0) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_entropy_of_counts(PyArray_DATA(counts), (size_t)PyArray_SIZE(counts), (rdc_entropy_method)method,
                                   alphabet < 0 ? 0 : (uint64_t)alphabet, &entropy);
    Py_END_ALLOW_THREADS
    return estimate_of(state, status, entropy);
}

static PyMethodDef functions[] = {
    {"entropy_of_counts", entropy_of_counts, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int rdc_py_add_estimators(PyObject *module) {
    return PyModule_AddFunctions(module, functions);
}

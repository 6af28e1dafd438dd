#define RDC_PY_IMPORTS_NUMPY
#include "python/core_module.h"

#include "base/threads.h"

static int import_errors(rdc_py_state *state) {
    PyObject *errors = PyImport_ImportModule("rdcodec.errors");
    if (!errors) return -1;
    state->rdcodec_error = PyObject_GetAttrString(errors, "RdcodecError");
    state->corrupt_error = PyObject_GetAttrString(errors, "CorruptStreamError");
    state->version_error = PyObject_GetAttrString(errors, "UnsupportedVersionError");
    state->limit_error = PyObject_GetAttrString(errors, "LimitError");
    Py_DECREF(errors);
    return state->rdcodec_error && state->corrupt_error && state->version_error && state->limit_error ? 0 : -1;
}

static int choose_kernels(rdc_py_state *state) {
    const char *name = getenv("RDCODEC_CPU");
    const rdc_status status = rdc_cpu_choose(name, &state->cpu);
    if (status.error != RDC_OK) {
        char text[128];
        rdc_error_text(status, text, sizeof text);
        PyErr_Format(state->rdcodec_error, "%s, got '%.50s'", text, name);
        return -1;
    }
    state->rans = rdc_rans_kernels_of(state->cpu);
    return 0;
}

static const char *compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

static PyObject *core_info(PyObject *module, PyObject *Py_UNUSED(unused)) {
#ifdef _OPENMP
    PyObject *openmp = Py_True;
#else
    PyObject *openmp = Py_False;
#endif
    return Py_BuildValue("{s:s, s:s, s:s, s:O, s:i}", "version", RDC_VERSION, "kernels",
                         rdc_cpu_name(rdc_py_state_of(module)->cpu), "compiler", compiler(), "openmp", openmp, "threads",
                         rdc_threads_allowed(0));
}

static PyMethodDef functions[] = {
    {"info", core_info, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static int core_exec(PyObject *module) {
    rdc_py_state *state = rdc_py_state_of(module);
    if (_import_array() < 0 || import_errors(state) < 0 || choose_kernels(state) < 0) return -1;
    if (rdc_py_add_entropy(module) < 0 || rdc_py_add_stream(module) < 0) return -1;
    if (rdc_py_add_quant(module) < 0 || rdc_py_add_dense(module) < 0 || rdc_py_add_net(module) < 0) return -1;
    if (rdc_py_add_levels(module) < 0 || rdc_py_add_prediction(module) < 0 || rdc_py_add_codec(module) < 0) return -1;
    return rdc_py_add_estimators(module);
}

static int core_traverse(PyObject *module, visitproc visit, void *arg) {
    const rdc_py_state *state = rdc_py_state_of(module);
    Py_VISIT(state->rdcodec_error);
    Py_VISIT(state->corrupt_error);
    Py_VISIT(state->version_error);
    Py_VISIT(state->limit_error);
    Py_VISIT(state->tables_type);
    Py_VISIT(state->decoder_type);
    Py_VISIT(state->exact_matrix_type);
    Py_VISIT(state->net_type);
    Py_VISIT(state->net_state_type);
    Py_VISIT(state->predictor_type);
    Py_VISIT(state->prediction_type);
    Py_VISIT(state->codec_type);
    return 0;
}

static int core_clear(PyObject *module) {
    rdc_py_state *state = rdc_py_state_of(module);
    Py_CLEAR(state->rdcodec_error);
    Py_CLEAR(state->corrupt_error);
    Py_CLEAR(state->version_error);
    Py_CLEAR(state->limit_error);
    Py_CLEAR(state->tables_type);
    Py_CLEAR(state->decoder_type);
    Py_CLEAR(state->exact_matrix_type);
    Py_CLEAR(state->net_type);
    Py_CLEAR(state->net_state_type);
    Py_CLEAR(state->predictor_type);
    Py_CLEAR(state->prediction_type);
    Py_CLEAR(state->codec_type);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, core_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* nor does NumPy's array interface, which is one a process */
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED}, /* what is read of lists and arrays while they are checked must not change */
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The C core of rdcodec. Private: use rdcodec.entropy and rdcodec.stream.",
    .m_size = sizeof(rdc_py_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&definition);
}

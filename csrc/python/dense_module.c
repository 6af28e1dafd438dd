/* Exact products for Python. */
#include "python/core_module.h"

typedef struct exact_matrix_object {
    PyObject_HEAD
    rdc_exact_matrix *matrix;
} exact_matrix_object;

static void exact_matrix_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    rdc_exact_matrix_free(((exact_matrix_object *)self)->matrix);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot exact_matrix_slots[] = {
    {Py_tp_dealloc, exact_matrix_dealloc},
    {Py_tp_doc, "A matrix of integers, made by exact_matrix_make."},
    {0, NULL},
};

static PyType_Spec exact_matrix_spec = {
    .name = "rdcodec._core.ExactMatrix",
    .basicsize = sizeof(exact_matrix_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = exact_matrix_slots,
};

const rdc_exact_matrix *rdc_py_exact_matrix(const rdc_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->exact_matrix_type)) return ((exact_matrix_object *)object)->matrix;
    PyErr_Format(PyExc_TypeError, "matrix: expected ExactMatrix, got %.100s", Py_TYPE(object)->tp_name);
    return NULL;
}

/* The object that holds a matrix from now on, or the exception of its status. */
static PyObject *exact_matrix_object_of(const rdc_py_state *state, rdc_exact_matrix *matrix, rdc_status status) {
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    exact_matrix_object *self = (exact_matrix_object *)state->exact_matrix_type->tp_alloc(state->exact_matrix_type, 0);
    if (!self) {
        rdc_exact_matrix_free(matrix);
        return NULL;
    }
    self->matrix = matrix;
    return (PyObject *)self;
}

static PyObject *exact_matrix_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    rdc_exact_format format;
    if (!PyArg_ParseTuple(args, "Oiii:exact_matrix_make", &object, &format.matrix_bits, &format.value_bits, &format.value_range_bits))
        return NULL;
    PyArrayObject *integers = rdc_py_matrix(state, object, "integers");
    if (!integers) return NULL;
    rdc_exact_matrix *matrix;
    const npy_intp *shape = PyArray_DIMS(integers);
    const rdc_status status = rdc_exact_matrix_make(&matrix, PyArray_DATA(integers), (size_t)shape[0], (size_t)shape[1], format);
    return exact_matrix_object_of(state, matrix, status);
}

/* Formats of stages, [stages, 2] of matrix_bits and value_bits; others go with any number of them. */
static int formats_of(const rdc_py_state *state, PyArrayObject *bits, int value_range_bits, npy_intp stages, rdc_exact_format *formats) {
    if (PyArray_NDIM(bits) != 2 || PyArray_DIM(bits, 0) != stages || PyArray_DIM(bits, 1) != 2) {
        PyErr_Format(state->rdcodec_error, "formats: expected shape [%zd, 2]", (Py_ssize_t)stages);
        return -1;
    }
    const int32_t *of = PyArray_DATA(bits);
    for (npy_intp s = 0; s < stages; s++) formats[s] = (rdc_exact_format){of[2 * s], of[2 * s + 1], value_range_bits};
    return 0;
}

static PyObject *exact_blocks_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *formats_object;
    Py_ssize_t stride;
    int value_range_bits;
    if (!PyArg_ParseTuple(args, "OnOi:exact_blocks_make", &object, &stride, &formats_object, &value_range_bits)) return NULL;
    PyArrayObject *integers = rdc_py_array(object, "blocks", NPY_INT16, "int16");
    PyArrayObject *bits = integers ? rdc_py_array(formats_object, "formats", NPY_INT32, "int32") : NULL;
    if (!bits) return NULL;
    const npy_intp *axes = PyArray_DIMS(integers);
    if (PyArray_NDIM(integers) != 3 || axes[0] > RDC_EXACT_MOST_STAGES) {
        PyErr_Format(state->rdcodec_error, "blocks: expected shape [stages, channels, width], at most %d stages", RDC_EXACT_MOST_STAGES);
        return NULL;
    }
    rdc_exact_format formats[RDC_EXACT_MOST_STAGES];
    if (formats_of(state, bits, value_range_bits, axes[0], formats) < 0) return NULL;
    const rdc_exact_shape shape = {(size_t)axes[0], (size_t)axes[1], (size_t)axes[2], stride < 0 ? 0 : (size_t)stride};
    rdc_exact_matrix *matrix;
    const rdc_status status = rdc_exact_blocks_make(&matrix, PyArray_DATA(integers), shape, formats);
    return exact_matrix_object_of(state, matrix, status);
}

static PyObject *exact_multiply(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *values_object;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    if (!PyArg_ParseTuple(args, "O!O|s:exact_multiply", state->exact_matrix_type, &object, &values_object, &cpu_name)) return NULL;
    const rdc_exact_matrix *matrix = ((exact_matrix_object *)object)->matrix;
    PyArrayObject *values = rdc_py_cpu(state, cpu_name, &cpu) < 0 ? NULL : rdc_py_matrix(state, values_object, "values");
    if (!values) return NULL;
    if ((size_t)PyArray_DIM(values, 1) != rdc_exact_matrix_inputs(matrix)) {
        PyErr_Format(state->rdcodec_error, "values: expected shape [tokens, %zd], got %zd columns",
                     (Py_ssize_t)rdc_exact_matrix_inputs(matrix), (Py_ssize_t)PyArray_DIM(values, 1));
        return NULL;
    }
    npy_intp shape[2] = {PyArray_DIM(values, 0), (npy_intp)rdc_exact_matrix_outputs(matrix)};
    PyArrayObject *products = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (!products) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_exact_multiply(cpu, matrix, PyArray_DATA(values), (size_t)shape[0], PyArray_DATA(products));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)products;
    Py_DECREF(products);
    return rdc_py_raise(state, status);
}

static PyMethodDef functions[] = {
    {"exact_matrix_make", exact_matrix_make, METH_VARARGS, NULL},
    {"exact_blocks_make", exact_blocks_make, METH_VARARGS, NULL},
    {"exact_multiply", exact_multiply, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_dense_part = {functions, {{&exact_matrix_spec, offsetof(rdc_py_state, exact_matrix_type)}}};

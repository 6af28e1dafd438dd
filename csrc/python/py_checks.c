/* Errors of the C core as exceptions, and the checks of array arguments. */
#include "python/core_module.h"

#include <stdlib.h>

#include "base/bytes.h"

PyObject *rdc_py_raise(const rdc_py_state *state, rdc_status status) {
    if (status.error == RDC_ERROR_MEMORY) return PyErr_NoMemory();
    char text[256];
    rdc_error_text(status, text, sizeof text);
    PyObject *class = state->rdcodec_error;
    if (status.error >= 100 && status.error < 200) class = state->corrupt_error;
    if (status.error >= 200 && status.error < 300) class = state->version_error;
    if (status.error >= 300) class = state->limit_error;
    PyErr_SetString(class, text);
    return NULL;
}

static PyArrayObject *rdc_py_plain_array(PyObject *object) {
    if (!PyArray_Check(object)) return NULL;
    PyArrayObject *array = (PyArrayObject *)object;
    return PyArray_ISCARRAY_RO(array) ? array : NULL;
}

/* What an array lacks to be plain. */
static const char *rdc_py_lacking(PyArrayObject *array) {
    if (!PyArray_ISNOTSWAPPED(array)) return ", not of native byte order";
    if (!PyArray_IS_C_CONTIGUOUS(array)) return ", not contiguous";
    return PyArray_ISALIGNED(array) ? "" : ", not aligned";
}

static PyArrayObject *rdc_py_array_refused(PyObject *object, const char *name, const char *expected) {
    if (PyArray_Check(object)) {
        PyErr_Format(PyExc_TypeError, "%s: expected a C-contiguous array of %s, got one of %R%s", name, expected,
                     PyArray_DESCR((PyArrayObject *)object), rdc_py_lacking((PyArrayObject *)object));
    } else {
        PyErr_Format(PyExc_TypeError, "%s: expected a C-contiguous array of %s, got %.100s", name, expected, Py_TYPE(object)->tp_name);
    }
    return NULL;
}

PyArrayObject *rdc_py_array(PyObject *object, const char *name, int type, const char *type_name) {
    PyArrayObject *array = rdc_py_plain_array(object);
    if (array && PyArray_EquivTypenums(PyArray_TYPE(array), type)) return array;
    return rdc_py_array_refused(object, name, type_name);
}

PyArrayObject *rdc_py_own(PyArrayObject *array) {
    return array ? (PyArrayObject *)PyArray_NewCopy(array, NPY_CORDER) : NULL;
}

PyArrayObject *rdc_py_matrix(const rdc_py_state *state, PyObject *object, const char *name) {
    PyArrayObject *matrix = rdc_py_array(object, name, NPY_FLOAT64, "float64");
    if (!matrix || PyArray_NDIM(matrix) == 2) return matrix;
    PyErr_Format(state->rdcodec_error, "%s: expected two axes, got %d", name, PyArray_NDIM(matrix));
    return NULL;
}

PyArrayObject *rdc_py_index(PyObject *object, rdc_index *index) {
    PyArrayObject *array = rdc_py_plain_array(object);
    const int type = array ? PyArray_TYPE(array) : NPY_NOTYPE;
    if (type != NPY_UINT8 && type != NPY_UINT16) return rdc_py_array_refused(object, "index", "uint8 or uint16");
    *index = (rdc_index){PyArray_DATA(array), type == NPY_UINT8 ? 1 : 2};
    return array;
}

int rdc_py_take(const rdc_py_state *state, atomic_int *busy, const char *name) {
    if (atomic_exchange(busy, 1) == 0) return 0;
    PyErr_Format(state->rdcodec_error, "%s: another thread is using it", name);
    return -1;
}

void rdc_py_give_back(atomic_int *busy) {
    atomic_store(busy, 0);
}

PyObject *rdc_py_bytes_of(const int16_t *numbers, size_t count) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(2 * count));
    if (!bytes) return NULL;
    uint8_t *to = (uint8_t *)PyBytes_AS_STRING(bytes);
    for (size_t i = 0; i < count; i++) rdc_store16(to + 2 * i, (uint16_t)numbers[i]);
    return bytes;
}

int16_t *rdc_py_numbers_of(const rdc_py_state *state, const Py_buffer *bytes, const char *name, size_t count) {
    if ((size_t)bytes->len != 2 * count) {
        PyErr_Format(state->rdcodec_error, "%s: expected %zd bytes, got %zd", name, (Py_ssize_t)(2 * count), bytes->len);
        return NULL;
    }
    int16_t *numbers = malloc(2 * count + 1);
    if (!numbers) PyErr_NoMemory();
    for (size_t i = 0; numbers && i < count; i++) numbers[i] = (int16_t)rdc_load16((const uint8_t *)bytes->buf + 2 * i);
    return numbers;
}

int rdc_py_cpu(const rdc_py_state *state, const char *name, rdc_cpu_level *cpu) {
    *cpu = state->cpu;
    const rdc_status status = name ? rdc_cpu_choose(name, cpu) : (rdc_status){RDC_OK, 0, 0};
    if (status.error == RDC_OK) return 0;
    rdc_py_raise(state, status);
    return -1;
}

/* The quantisers for Python. */
#include "python/core_module.h"
#include "quant/trellis.h"

/* The length of an array's last axis, and the product of the others; -1 with an error for an array without axes. */
static int rows_of(const rdc_py_state *state, PyArrayObject *array, const char *name, size_t *rows, size_t *columns) {
    if (PyArray_NDIM(array) < 1) {
        PyErr_Format(state->rdcodec_error, "%s: expected an array with at least one axis", name);
        return -1;
    }
    *columns = (size_t)PyArray_DIM(array, PyArray_NDIM(array) - 1);
    *rows = *columns ? (size_t)PyArray_SIZE(array) / *columns : 0;
    return 0;
}

/* Steps, one a channel. */
static PyArrayObject *steps_of(const rdc_py_state *state, PyObject *object, size_t channels) {
    PyArrayObject *steps = rdc_py_array(object, "steps", NPY_FLOAT64, "float64");
    if (steps && (size_t)PyArray_SIZE(steps) != channels) {
        PyErr_Format(state->rdcodec_error, "steps: expected one a channel, %zd, got %zd", (Py_ssize_t)channels, (Py_ssize_t)PyArray_SIZE(steps));
        return NULL;
    }
    return steps;
}

/* float32, float16, or uint16 as the bits of bfloat16, which NumPy does not have. */
static PyArrayObject *floats_of(PyObject *object, rdc_float_type *type) {
    const int number = PyArray_Check(object) ? PyArray_TYPE((PyArrayObject *)object) : NPY_FLOAT32;
    *type = number == NPY_FLOAT16 ? RDC_FLOAT16 : number == NPY_UINT16 ? RDC_BFLOAT16 : RDC_FLOAT32;
    if (*type == RDC_FLOAT32) return rdc_py_array(object, "values", NPY_FLOAT32, "float32, float16 or uint16 (bfloat16 bits)");
    return rdc_py_array(object, "values", number, "float32, float16 or uint16 (bfloat16 bits)");
}

static PyArrayObject *shaped_like(PyArrayObject *array, int type) {
    return (PyArrayObject *)PyArray_SimpleNew(PyArray_NDIM(array), PyArray_DIMS(array), type);
}

/* The one exit: the result, or the error of the status. */
static PyObject *finish(const rdc_py_state *state, PyArrayObject *result, rdc_status status) {
    if (status.error == RDC_OK) return (PyObject *)result;
    Py_DECREF(result);
    return rdc_py_raise(state, status);
}

static PyObject *quantise(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *values_object, *steps_object;
    double dead_zone;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    rdc_float_type type;
    size_t tokens, channels;
    if (!PyArg_ParseTuple(args, "OOd|s:quantise", &values_object, &steps_object, &dead_zone, &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *values = floats_of(values_object, &type);
    if (!values || rows_of(state, values, "values", &tokens, &channels) < 0) return NULL;
    PyArrayObject *steps = steps_of(state, steps_object, channels);
    PyArrayObject *symbols = steps ? shaped_like(values, NPY_INT32) : NULL;
    if (!symbols) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_quantise(cpu, PyArray_DATA(values), type, tokens, channels, PyArray_DATA(steps), dead_zone, PyArray_DATA(symbols));
    Py_END_ALLOW_THREADS
    return finish(state, symbols, status);
}

static PyObject *dequantise(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *symbols_object, *steps_object;
    double inward[2];
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    size_t tokens, channels;
    if (!PyArg_ParseTuple(args, "OO(dd)|s:dequantise", &symbols_object, &steps_object, &inward[0], &inward[1], &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *symbols = rdc_py_array(symbols_object, "symbols", NPY_INT32, "int32");
    if (!symbols || rows_of(state, symbols, "symbols", &tokens, &channels) < 0) return NULL;
    PyArrayObject *steps = steps_of(state, steps_object, channels);
    PyArrayObject *values = steps ? shaped_like(symbols, NPY_FLOAT32) : NULL;
    if (!values) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_dequantise(cpu, PyArray_DATA(symbols), tokens, channels, PyArray_DATA(steps), inward, PyArray_DATA(values));
    Py_END_ALLOW_THREADS
    return finish(state, values, status);
}

static PyObject *trellis_quantise(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *values_object;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    size_t tokens, components;
    if (!PyArg_ParseTuple(args, "O|s:trellis_quantise", &values_object, &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *values = rdc_py_array(values_object, "values", NPY_FLOAT64, "float64");
    if (!values || rows_of(state, values, "values", &tokens, &components) < 0) return NULL;
    PyArrayObject *levels = shaped_like(values, NPY_INT32);
    if (!levels) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_trellis_quantise(cpu, PyArray_DATA(values), tokens, components, PyArray_DATA(levels));
    Py_END_ALLOW_THREADS
    return finish(state, levels, status);
}

/* The tables of components, each one of those that costs are of; -1 with an error where they are not. */
static int check_rows(const rdc_py_state *state, PyArrayObject *rows, PyArrayObject *values, PyArrayObject *costs) {
    const npy_intp table = 2 * RDC_RATED_MAGNITUDES, tables = PyArray_SIZE(costs) / table;
    if (PyArray_SIZE(costs) != tables * table || PyArray_SIZE(rows) != PyArray_SIZE(values)) {
        PyErr_Format(state->rdcodec_error, "costs and rows: expected %d costs a table and a row a value, got %zd and %zd", (int)table,
                     (Py_ssize_t)PyArray_SIZE(costs), (Py_ssize_t)PyArray_SIZE(rows));
        return -1;
    }
    const uint32_t *row = PyArray_DATA(rows);
    for (npy_intp i = 0; i < PyArray_SIZE(rows); i++) {
        if (row[i] < (npy_uint32)tables) continue;
        PyErr_Format(state->rdcodec_error, "rows: expected 0 to %zd, got %lu at position %zd", (Py_ssize_t)tables - 1,
                     (unsigned long)row[i], (Py_ssize_t)i);
        return -1;
    }
    return 0;
}

static PyObject *trellis_quantise_rated(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *values_object, *costs_object, *rows_object;
    rdc_level_rates rates;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    size_t tokens, components;
    if (!PyArg_ParseTuple(args, "OOOd|s:trellis_quantise_rated", &values_object, &costs_object, &rows_object, &rates.weight, &cpu_name)) {
        return NULL;
    }
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *values = rdc_py_array(values_object, "values", NPY_FLOAT64, "float64");
    PyArrayObject *costs = values ? rdc_py_array(costs_object, "costs", NPY_UINT16, "uint16") : NULL;
    PyArrayObject *rows = costs ? rdc_py_array(rows_object, "rows", NPY_UINT32, "uint32") : NULL;
    if (!rows || rows_of(state, values, "values", &tokens, &components) < 0 || check_rows(state, rows, values, costs) < 0) return NULL;
    PyArrayObject *levels = shaped_like(values, NPY_INT32);
    if (!levels) return NULL;
    double *work = PyMem_Calloc(rdc_trellis_rated_room(components), sizeof *work);
    if (!work) {
        Py_DECREF(levels);
        return PyErr_NoMemory();
    }
    rates.costs = PyArray_DATA(costs);
    rdc_status status = {.error = RDC_OK};
    for (size_t t = 0; t < tokens && status.error == RDC_OK; t++) {
        rates.rows = (const uint32_t *)PyArray_DATA(rows) + t * components;
        const double *from = (const double *)PyArray_DATA(values) + t * components;
        status = rdc_trellis_quantise_rated(cpu, from, components, &rates, work, (int32_t *)PyArray_DATA(levels) + t * components);
        if (status.error != RDC_OK) status.at += t * components;
    }
    PyMem_Free(work);
    return finish(state, levels, status);
}

static PyObject *trellis_odd(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *levels_object;
    size_t tokens, components;
    if (!PyArg_ParseTuple(args, "O:trellis_odd", &levels_object)) return NULL;
    PyArrayObject *levels = rdc_py_array(levels_object, "levels", NPY_INT32, "int32");
    if (!levels || rows_of(state, levels, "levels", &tokens, &components) < 0) return NULL;
    PyArrayObject *odd = shaped_like(levels, NPY_UINT8);
    if (!odd) return NULL;
    Py_BEGIN_ALLOW_THREADS
    rdc_trellis_odd_levels(PyArray_DATA(levels), tokens, components, PyArray_DATA(odd));
    Py_END_ALLOW_THREADS
    return (PyObject *)odd;
}

/* float16 or bfloat16; -1 with an error set for another number. */
static int half_type_of(const rdc_py_state *state, int number, rdc_float_type *type) {
    *type = (rdc_float_type)number;
    if (number == RDC_FLOAT16 || number == RDC_BFLOAT16) return 0;
    PyErr_Format(state->rdcodec_error, "type: expected %d or %d, got %d", RDC_FLOAT16, RDC_BFLOAT16, number);
    return -1;
}

/* Refuses another number of bytes than two a value. */
static int check_planes(const rdc_py_state *state, const Py_buffer *bytes, Py_ssize_t tokens, Py_ssize_t channels) {
    if (tokens < 0 || channels < 1 || tokens > PY_SSIZE_T_MAX / 4 / channels) {
        PyErr_Format(state->rdcodec_error, "shape: expected tokens and channels, got %zd and %zd", tokens, channels);
        return -1;
    }
    if (bytes->len == 2 * tokens * channels) return 0;
    PyErr_Format(state->corrupt_error, "the payload has %zd bytes, its tokens take %zd", bytes->len, 2 * tokens * channels);
    return -1;
}

static PyObject *halves_pack(PyObject *module, PyObject *args) {
    PyObject *object;
    int number;
    rdc_float_type type;
    if (!PyArg_ParseTuple(args, "Oi:halves_pack", &object, &number)) return NULL;
    if (half_type_of(rdc_py_state_of(module), number, &type) < 0) return NULL;
    PyArrayObject *values = rdc_py_array(object, "values", NPY_FLOAT32, "float32");
    const size_t n = values ? (size_t)PyArray_SIZE(values) : 0;
    PyObject *bytes = values ? PyBytes_FromStringAndSize(NULL, (Py_ssize_t)(2 * n)) : NULL;
    if (!bytes) return NULL;
    PyThreadState *thread = rdc_py_let_go(4 * n);
    rdc_halves_pack(PyArray_DATA(values), n, type, (uint8_t *)PyBytes_AS_STRING(bytes));
    rdc_py_go_on(thread);
    return bytes;
}

static PyObject *halves_unpack(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    Py_buffer bytes;
    int number;
    Py_ssize_t tokens, channels;
    rdc_float_type type;
    if (!PyArg_ParseTuple(args, "y*inn:halves_unpack", &bytes, &number, &tokens, &channels)) return NULL;
    PyArrayObject *values = NULL;
    rdc_status status = {RDC_OK, 0, 0};
    if (half_type_of(state, number, &type) == 0 && check_planes(state, &bytes, tokens, channels) == 0) {
        npy_intp shape[2] = {tokens, channels};
        values = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT32);
    }
    if (values) {
        PyThreadState *thread = rdc_py_let_go((size_t)bytes.len);
        status = rdc_halves_unpack(bytes.buf, (size_t)bytes.len / 2, type, PyArray_DATA(values));
        rdc_py_go_on(thread);
    }
    PyBuffer_Release(&bytes);
    return values ? finish(state, values, status) : NULL;
}

static PyObject *first_not_finite(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:first_not_finite", &object)) return NULL;
    PyArrayObject *values = rdc_py_array(object, "values", NPY_FLOAT32, "float32");
    if (!values) return NULL;
    (void)module;
    const size_t n = (size_t)PyArray_SIZE(values), first = rdc_first_not_finite(PyArray_DATA(values), n);
    return PyLong_FromSsize_t(first == n ? -1 : (Py_ssize_t)first);
}

static PyMethodDef functions[] = {
    {"halves_pack", halves_pack, METH_VARARGS, NULL},
    {"halves_unpack", halves_unpack, METH_VARARGS, NULL},
    {"first_not_finite", first_not_finite, METH_VARARGS, NULL},
    {"quantise", quantise, METH_VARARGS, NULL},
    {"dequantise", dequantise, METH_VARARGS, NULL},
    {"trellis_quantise", trellis_quantise, METH_VARARGS, NULL},
    {"trellis_quantise_rated", trellis_quantise_rated, METH_VARARGS, NULL},
    {"trellis_odd", trellis_odd, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_quant_part = {functions, {{NULL, 0}}};

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
    counts = method < 0 ? NULL : rdc_py_own(counts);
    if (!counts) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_entropy_of_counts(PyArray_DATA(counts), (size_t)PyArray_SIZE(counts), (rdc_entropy_method)method,
                                   alphabet < 0 ? 0 : (uint64_t)alphabet, &entropy);
    Py_END_ALLOW_THREADS
    Py_DECREF(counts);
    return estimate_of(state, status, entropy);
}

/* One that is written to, [n, n]. */
static PyArrayObject *square_of(const rdc_py_state *state, PyObject *object, const char *name) {
    PyArrayObject *matrix = rdc_py_matrix(state, object, name);
    if (!matrix || (PyArray_DIM(matrix, 0) == PyArray_DIM(matrix, 1) && PyArray_ISWRITEABLE(matrix))) return matrix;
    PyErr_Format(state->rdcodec_error, "%s: expected a square matrix that may be written to", name);
    return NULL;
}

static PyObject *gram_add(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *x_object, *gram_object;
    int of_columns;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "OpO|s:gram_add", &x_object, &of_columns, &gram_object, &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *x = rdc_py_matrix(state, x_object, "x");
    PyArrayObject *gram = x ? square_of(state, gram_object, "gram") : NULL;
    if (!gram) return NULL;
    const npy_intp rows = PyArray_DIM(x, 0), columns = PyArray_DIM(x, 1), vectors = of_columns ? columns : rows;
    if (PyArray_DIM(gram, 0) != vectors) return PyErr_Format(state->rdcodec_error, "gram: expected %zd rows", vectors);
    Py_BEGIN_ALLOW_THREADS
    status = rdc_gram_add(cpu, PyArray_DATA(x), (size_t)rows, (size_t)columns, of_columns, PyArray_DATA(gram));
    Py_END_ALLOW_THREADS
    return status.error == RDC_OK ? Py_NewRef(Py_None) : rdc_py_raise(state, status);
}

static PyObject *cholesky(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *matrix_object;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "O:cholesky", &matrix_object)) return NULL;
    PyArrayObject *matrix = square_of(state, matrix_object, "matrix");
    if (!matrix) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_cholesky(state->cpu, PyArray_DATA(matrix), (size_t)PyArray_DIM(matrix, 0));
    Py_END_ALLOW_THREADS
    return status.error == RDC_OK ? Py_NewRef(Py_None) : rdc_py_raise(state, status);
}

static PyObject *solve_lower(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *factor_object, *right_object;
    if (!PyArg_ParseTuple(args, "OO:solve_lower", &factor_object, &right_object)) return NULL;
    PyArrayObject *factor = square_of(state, factor_object, "factor");
    PyArrayObject *right = factor ? rdc_py_matrix(state, right_object, "right") : NULL;
    if (!right) return NULL;
    const npy_intp n = PyArray_DIM(factor, 0), rows = PyArray_DIM(right, 0);
    if (rows != n || !PyArray_ISWRITEABLE(right)) {
        return PyErr_Format(state->rdcodec_error, "right: expected %zd rows that may be written to, got %zd", n, rows);
    }
    Py_BEGIN_ALLOW_THREADS
    rdc_solve_lower(PyArray_DATA(factor), (size_t)n, PyArray_DATA(right), (size_t)PyArray_DIM(right, 1));
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

/* The product of a matrix, or its transpose, with vectors. */
static PyObject *matrix_vectors(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *matrix_object, *vectors_object;
    int transposed;
    if (!PyArg_ParseTuple(args, "OOp:matrix_vectors", &matrix_object, &vectors_object, &transposed)) return NULL;
    PyArrayObject *matrix = rdc_py_matrix(state, matrix_object, "matrix");
    PyArrayObject *vectors = matrix ? rdc_py_matrix(state, vectors_object, "vectors") : NULL;
    if (!vectors) return NULL;
    const npy_intp rows = PyArray_DIM(matrix, 0), columns = PyArray_DIM(matrix, 1), expected = transposed ? rows : columns;
    npy_intp shape[2] = {PyArray_DIM(vectors, 0), transposed ? columns : rows};
    if (PyArray_DIM(vectors, 1) != expected) {
        return PyErr_Format(state->rdcodec_error, "vectors: expected length %zd, got %zd", expected, PyArray_DIM(vectors, 1));
    }
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (!out) return NULL;
    Py_BEGIN_ALLOW_THREADS
    const double *from = PyArray_DATA(matrix), *by = PyArray_DATA(vectors);
    const size_t count = (size_t)shape[0];
    if (transposed) rdc_transpose_times_vectors(from, (size_t)rows, (size_t)columns, by, count, PyArray_DATA(out));
    else rdc_matrix_times_vectors(from, (size_t)rows, (size_t)columns, by, count, PyArray_DATA(out));
    Py_END_ALLOW_THREADS
    return (PyObject *)out;
}

static PyObject *neighbour_distances(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *x_object;
    Py_ssize_t k;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "On|s:neighbour_distances", &x_object, &k, &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *x = rdc_py_matrix(state, x_object, "x");
    if (!x) return NULL;
    if (k < 0 || k > PyArray_DIM(x, 0)) k = 0; /* refused below */
    npy_intp shape[2] = {PyArray_DIM(x, 0), k};
    PyArrayObject *distances = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    x = distances ? rdc_py_own(x) : NULL;
    status = (rdc_status){RDC_ERROR_MEMORY, 0, 0};
    if (x) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_neighbour_distances(cpu, PyArray_DATA(x), (size_t)PyArray_DIM(x, 0), (size_t)PyArray_DIM(x, 1), (size_t)k,
                                         PyArray_DATA(distances));
        Py_END_ALLOW_THREADS
        Py_DECREF(x);
    }
    if (status.error == RDC_OK) return (PyObject *)distances;
    Py_XDECREF(distances);
    return rdc_py_raise(state, status);
}

static PyObject *philox(PyObject *Py_UNUSED(module), PyObject *args) {
    uint32_t c[4], key[2], out[4];
    if (!PyArg_ParseTuple(args, "(IIII)(II):philox", &c[0], &c[1], &c[2], &c[3], &key[0], &key[1])) return NULL;
    rdc_philox(c, key, out);
    return Py_BuildValue("IIII", out[0], out[1], out[2], out[3]);
}

static PyObject *random_signs(PyObject *Py_UNUSED(module), PyObject *args) {
    unsigned long long seed, draw;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "KKn:random_signs", &seed, &draw, &n)) return NULL;
    const npy_intp shape = n;
    PyArrayObject *signs = (PyArrayObject *)PyArray_SimpleNew(1, &shape, NPY_FLOAT64);
    if (signs) rdc_random_signs(seed, draw, (size_t)n, PyArray_DATA(signs));
    return (PyObject *)signs;
}

/* Eigenvalues, in the place of the diagonal, and eigenvectors. */
static PyObject *tridiagonal_eigen(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *diagonal_object, *beside_object;
    if (!PyArg_ParseTuple(args, "OO:tridiagonal_eigen", &diagonal_object, &beside_object)) return NULL;
    PyArrayObject *diagonal = rdc_py_array(diagonal_object, "diagonal", NPY_FLOAT64, "float64");
    PyArrayObject *beside = diagonal ? rdc_py_array(beside_object, "beside", NPY_FLOAT64, "float64") : NULL;
    if (!beside) return NULL;
    const npy_intp n = PyArray_SIZE(diagonal);
    const npy_intp shape[2] = {n, n};
    if (PyArray_SIZE(beside) + 1 != n || !PyArray_ISWRITEABLE(diagonal) || !PyArray_ISWRITEABLE(beside)) {
        return PyErr_Format(state->rdcodec_error, "beside: expected %zd elements that may be written to", n - 1);
    }
    PyArrayObject *vectors = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (!vectors) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_tridiagonal_eigen(PyArray_DATA(diagonal), PyArray_DATA(beside), (size_t)n, PyArray_DATA(vectors));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)vectors;
    Py_DECREF(vectors);
    return rdc_py_raise(state, status);
}

static PyObject *digamma(PyObject *Py_UNUSED(module), PyObject *args) {
    double x;
    return PyArg_ParseTuple(args, "d:digamma", &x) ? PyFloat_FromDouble(rdc_digamma(x)) : NULL;
}

static PyObject *trigamma(PyObject *Py_UNUSED(module), PyObject *args) {
    double x;
    return PyArg_ParseTuple(args, "d:trigamma", &x) ? PyFloat_FromDouble(rdc_trigamma(x)) : NULL;
}

static PyObject *rademacher_maxima(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *x_object, *maxima_object;
    unsigned long long seed;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "OKO|s:rademacher_maxima", &x_object, &seed, &maxima_object, &cpu_name)) return NULL;
    if (rdc_py_cpu(state, cpu_name, &cpu) < 0) return NULL;
    PyArrayObject *x = rdc_py_array(x_object, "x", NPY_FLOAT32, "float32");
    PyArrayObject *maxima = x ? rdc_py_array(maxima_object, "maxima", NPY_FLOAT32, "float32") : NULL;
    if (!maxima) return NULL;
    if (PyArray_NDIM(x) != 2 || !PyArray_ISWRITEABLE(maxima)) {
        PyErr_Format(state->rdcodec_error, "x, maxima: expected 2 axes, got %d, and room for maxima", PyArray_NDIM(x));
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = rdc_rademacher_maxima(cpu, PyArray_DATA(x), (size_t)PyArray_DIM(x, 0), (size_t)PyArray_DIM(x, 1), seed,
                                   (size_t)PyArray_SIZE(maxima), PyArray_DATA(maxima));
    Py_END_ALLOW_THREADS
    return status.error == RDC_OK ? Py_NewRef(Py_None) : rdc_py_raise(state, status);
}

static PyObject *rademacher_forms(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *gram_object;
    unsigned long long seed;
    Py_ssize_t draws;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "OKn:rademacher_forms", &gram_object, &seed, &draws)) return NULL;
    PyArrayObject *gram = square_of(state, gram_object, "gram");
    const npy_intp shape = draws;
    PyArrayObject *forms = gram ? (PyArrayObject *)PyArray_SimpleNew(1, &shape, NPY_FLOAT64) : NULL;
    if (!forms) return NULL;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_rademacher_forms(state->cpu, PyArray_DATA(gram), (size_t)PyArray_DIM(gram, 0), seed, (size_t)draws,
                                  PyArray_DATA(forms));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)forms;
    Py_DECREF(forms);
    return rdc_py_raise(state, status);
}

static PyObject *tridiagonal_form(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *matrix_object;
    if (!PyArg_ParseTuple(args, "O:tridiagonal_form", &matrix_object)) return NULL;
    PyArrayObject *matrix = square_of(state, matrix_object, "matrix");
    if (!matrix) return NULL;
    const npy_intp n = PyArray_DIM(matrix, 0), beside_size = n ? n - 1 : 0;
    PyArrayObject *diagonal = (PyArrayObject *)PyArray_SimpleNew(1, &n, NPY_FLOAT64);
    PyArrayObject *beside = (PyArrayObject *)PyArray_SimpleNew(1, &beside_size, NPY_FLOAT64);
    if (diagonal && beside) {
        Py_BEGIN_ALLOW_THREADS
        rdc_tridiagonal_form(PyArray_DATA(matrix), (size_t)n, PyArray_DATA(diagonal), PyArray_DATA(beside));
        Py_END_ALLOW_THREADS
        return Py_BuildValue("NN", diagonal, beside);
    }
    Py_XDECREF(diagonal);
    Py_XDECREF(beside);
    return NULL;
}

static PyObject *blahut_arimoto(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *p_object, *distortion_object, *q_object;
    double slope, tolerance;
    unsigned long long iterations;
    rdc_rate_point point;
    rdc_status status;
    if (!PyArg_ParseTuple(args, "OOddKO:blahut_arimoto", &p_object, &distortion_object, &slope, &tolerance, &iterations,
                          &q_object)) return NULL;
    PyArrayObject *p = rdc_py_array(p_object, "p", NPY_FLOAT64, "float64");
    PyArrayObject *distortion = p ? rdc_py_matrix(state, distortion_object, "distortion") : NULL;
    PyArrayObject *q = distortion ? rdc_py_array(q_object, "q", NPY_FLOAT64, "float64") : NULL;
    if (!q) return NULL;
    const npy_intp sources = PyArray_SIZE(p), outputs = PyArray_SIZE(q);
    const int fits = sources == PyArray_DIM(distortion, 0) && outputs == PyArray_DIM(distortion, 1) && sources && outputs;
    if (!fits || !iterations || !PyArray_ISWRITEABLE(q)) {
        return PyErr_Format(state->rdcodec_error, "distortion: expected [%zd, %zd], not empty; iterations: at least 1", sources,
                            outputs);
    }
    const rdc_source source = {PyArray_DATA(p), PyArray_DATA(distortion), (size_t)sources, (size_t)outputs};
    Py_BEGIN_ALLOW_THREADS
    status = rdc_blahut_arimoto(&source, slope, tolerance, iterations, PyArray_DATA(q), &point);
    Py_END_ALLOW_THREADS
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    return Py_BuildValue("ddd", point.distortion, point.rate, point.intercept);
}

static PyMethodDef functions[] = {
    {"entropy_of_counts", entropy_of_counts, METH_VARARGS, NULL},
    {"gram_add", gram_add, METH_VARARGS, NULL},
    {"cholesky", cholesky, METH_VARARGS, NULL},
    {"solve_lower", solve_lower, METH_VARARGS, NULL},
    {"matrix_vectors", matrix_vectors, METH_VARARGS, NULL},
    {"neighbour_distances", neighbour_distances, METH_VARARGS, NULL},
    {"tridiagonal_eigen", tridiagonal_eigen, METH_VARARGS, NULL},
    {"digamma", digamma, METH_VARARGS, NULL},
    {"trigamma", trigamma, METH_VARARGS, NULL},
    {"rademacher_maxima", rademacher_maxima, METH_VARARGS, NULL},
    {"rademacher_forms", rademacher_forms, METH_VARARGS, NULL},
    {"tridiagonal_form", tridiagonal_form, METH_VARARGS, NULL},
    {"blahut_arimoto", blahut_arimoto, METH_VARARGS, NULL},
    {"philox", philox, METH_VARARGS, NULL},
    {"random_signs", random_signs, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_estimators_part = {functions, {{NULL, 0}}};

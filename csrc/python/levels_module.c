/* Levels under the scale grid, for Python. A grid is the tuple (component_scale int32, component_shape uint8, scales, first_table). */
#include "python/core_module.h"

#include <stdlib.h>
#include <string.h>

int rdc_py_grid(const rdc_py_state *state, PyObject *tuple, rdc_level_grid *grid) {
    PyObject *scale_object, *shape_object;
    unsigned scales, first_table;
    if (!PyArg_ParseTuple(tuple, "OOII;grid", &scale_object, &shape_object, &scales, &first_table)) return -1;
    PyArrayObject *scale = rdc_py_array(scale_object, "component_scale", NPY_INT32, "int32");
    PyArrayObject *shape = scale ? rdc_py_array(shape_object, "component_shape", NPY_UINT8, "uint8") : NULL;
    if (!shape) return -1;
    if (PyArray_SIZE(scale) != PyArray_SIZE(shape)) {
        PyErr_Format(state->rdcodec_error, "component_shape: expected one a component, %zd, got %zd", (Py_ssize_t)PyArray_SIZE(scale),
                     (Py_ssize_t)PyArray_SIZE(shape));
        return -1;
    }
    const size_t components = (size_t)PyArray_SIZE(scale);
    int32_t *copy = malloc(components * (sizeof(int32_t) + sizeof(uint8_t)) + 1);
    if (!copy) {
        PyErr_NoMemory();
        return -1;
    }
    uint8_t *const shapes = (uint8_t *)(copy + components);
    memcpy(copy, PyArray_DATA(scale), components * sizeof *copy);
    memcpy(shapes, PyArray_DATA(shape), components);
    *grid = (rdc_level_grid){copy, shapes, components, scales, first_table};
    return 0;
}

void rdc_py_grid_free(rdc_level_grid *grid) {
    free((void *)grid->component_scale); /* and the shapes behind it */
}

/* The grid, to be freed, and levels [tokens, components] with a scale for each token. */
typedef struct levels_args {
    rdc_level_grid grid;
    PyArrayObject *levels;
    PyArrayObject *token_scale;
    size_t tokens;
} levels_args;

static int levels_check(const rdc_py_state *state, PyObject *levels, PyObject *token_scale, levels_args *a) {
    a->levels = rdc_py_array(levels, "levels", NPY_INT32, "int32");
    a->token_scale = a->levels ? rdc_py_array(token_scale, "token_scale", NPY_INT32, "int32") : NULL;
    if (!a->token_scale) return -1;
    a->tokens = (size_t)PyArray_SIZE(a->token_scale);
    if (PyArray_NDIM(a->levels) != 2 || (size_t)PyArray_DIM(a->levels, 0) != a->tokens ||
        (size_t)PyArray_DIM(a->levels, 1) != a->grid.components) {
        PyErr_Format(state->rdcodec_error, "levels: expected shape [%zd, %zd]", (Py_ssize_t)a->tokens, (Py_ssize_t)a->grid.components);
        return -1;
    }
    return 0;
}

/* Returns -1 with an error set, and then there is nothing to free. */
static int levels_parse(const rdc_py_state *state, PyObject *grid, PyObject *levels, PyObject *token_scale, levels_args *a) {
    if (rdc_py_grid(state, grid, &a->grid) < 0) return -1;
    if (levels_check(state, levels, token_scale, a) == 0) return 0;
    rdc_py_grid_free(&a->grid);
    return -1;
}

static PyObject *levels_count(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *grid, *levels, *token_scale;
    unsigned rows, reach;
    levels_args a;
    if (!PyArg_ParseTuple(args, "O!OOII:levels_count", &PyTuple_Type, &grid, &levels, &token_scale, &rows, &reach)) return NULL;
    if (levels_parse(state, grid, levels, token_scale, &a) < 0) return NULL;
    npy_intp shape[2] = {rows, 2 * (npy_intp)reach + 1};
    PyArrayObject *counts = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT64);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (counts) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_levels_count(&a.grid, PyArray_DATA(a.levels), PyArray_DATA(a.token_scale), a.tokens, reach, rows, PyArray_DATA(counts));
        Py_END_ALLOW_THREADS
    }
    rdc_py_grid_free(&a.grid);
    if (status.error == RDC_OK) return (PyObject *)counts;
    Py_XDECREF(counts);
    return rdc_py_raise(state, status);
}

static PyMethodDef functions[] = {
    {"levels_count", levels_count, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_levels_part = {functions, {{NULL, 0}}};

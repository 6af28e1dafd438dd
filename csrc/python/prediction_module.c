/* Levels under predicted means and scales, for Python. */
#include "python/core_module.h"

#include <stdlib.h>
#include <string.h>

/* A predictor with arrays of its own, and the network that it points into. */
typedef struct predictor_object {
    PyObject_HEAD
    rdc_predictor predictor;
    PyObject *net;
} predictor_object;

static void predictor_clear(rdc_predictor *predictor) {
    rdc_py_grid_free(&predictor->grid);
    free((void *)predictor->unit);
    free((void *)predictor->references.scale);
    free((void *)predictor->costs.costs);
    free((void *)predictor->costs.candidates);
}

static void predictor_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    predictor_object *self = (predictor_object *)object;
    predictor_clear(&self->predictor);
    Py_XDECREF(self->net);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot predictor_slots[] = {
    {Py_tp_dealloc, predictor_dealloc},
    {Py_tp_doc, "A network that predicts components of tokens, made by predictor_make."},
    {0, NULL},
};

static PyType_Spec predictor_spec = {
    .name = "rdcodec._core.Predictor",
    .basicsize = sizeof(predictor_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = predictor_slots,
};

const rdc_predictor *rdc_py_predictor(const rdc_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->predictor_type)) return &((predictor_object *)object)->predictor;
    PyErr_Format(PyExc_TypeError, "predictor: expected Predictor, got %.100s", Py_TYPE(object)->tp_name);
    return NULL;
}

static int inward_of(const rdc_py_state *state, const int given[2], uint8_t inward[2]) {
    for (int k = 0; k < 2; k++) {
        if (given[k] < 0 || given[k] > 15) {
            PyErr_Format(state->rdcodec_error, "inward: expected 0 to 15, got %d", given[k]);
            return -1;
        }
        inward[k] = (uint8_t)given[k];
    }
    return 0;
}

/* A copy of the units, one a component, to be freed; NULL with an error set. */
static const int8_t *units_of(const rdc_py_state *state, PyObject *object, size_t components) {
    PyArrayObject *unit = rdc_py_array(object, "unit", NPY_INT8, "int8");
    if (!unit) return NULL;
    if ((size_t)PyArray_SIZE(unit) != components) {
        PyErr_Format(state->rdcodec_error, "unit: expected one a component, %zd, got %zd", (Py_ssize_t)components,
                     (Py_ssize_t)PyArray_SIZE(unit));
        return NULL;
    }
    int8_t *copy = malloc(components + 1);
    if (copy) memcpy(copy, PyArray_DATA(unit), components);
    else PyErr_NoMemory();
    return copy;
}

/* Rules from (tokens, most, int32 [components]), with a copy of the latter to be freed. */
static int rules_of(const rdc_py_state *state, PyObject *object, size_t components, rdc_reference_rules *rules) {
    Py_ssize_t tokens, most;
    PyObject *scale_object;
    if (!PyArg_ParseTuple(object, "nnO:references", &tokens, &most, &scale_object)) return -1;
    PyArrayObject *scale = rdc_py_array(scale_object, "reference scale", NPY_INT32, "int32");
    if (!scale) return -1;
    if ((size_t)PyArray_SIZE(scale) != components || tokens < 0 || most < 0) {
        PyErr_Format(state->rdcodec_error, "references: expected numbers of tokens and one scale a component, %zd, got %zd",
                     (Py_ssize_t)components, (Py_ssize_t)PyArray_SIZE(scale));
        return -1;
    }
    int32_t *copy = malloc((components + 1) * sizeof *copy);
    if (!copy) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(copy, PyArray_DATA(scale), components * sizeof *copy);
    *rules = (rdc_reference_rules){(size_t)tokens, (size_t)most, copy};
    return 0;
}

/* A copy of an array, to be freed; NULL with an error set. */
static void *copy_of(PyArrayObject *array) {
    void *copy = malloc((size_t)PyArray_NBYTES(array) + 1);
    if (copy) memcpy(copy, PyArray_DATA(array), (size_t)PyArray_NBYTES(array));
    else PyErr_NoMemory();
    return copy;
}

/* Costs from (uint16 [tables, levels], int32 [candidates]), with copies of both to be freed. Returns -1 with an error set. */
static int costs_of(const rdc_py_state *state, PyObject *object, rdc_scale_costs *costs) {
    PyObject *costs_object, *candidates_object;
    if (!PyArg_ParseTuple(object, "OO:costs", &costs_object, &candidates_object)) return -1;
    PyArrayObject *array = rdc_py_array(costs_object, "costs", NPY_UINT16, "uint16");
    PyArrayObject *candidates = array ? rdc_py_array(candidates_object, "candidates", NPY_INT32, "int32") : NULL;
    if (!candidates) return -1;
    if (PyArray_NDIM(array) != 2) {
        PyErr_SetString(state->rdcodec_error, "costs: expected shape [tables, levels]");
        return -1;
    }
    costs->rows = (size_t)PyArray_DIM(array, 0);
    costs->cost_levels = (size_t)PyArray_DIM(array, 1);
    costs->candidate_count = (size_t)PyArray_SIZE(candidates);
    costs->costs = copy_of(array);
    costs->candidates = costs->costs ? copy_of(candidates) : NULL;
    return costs->candidates ? 0 : -1;
}

static PyObject *predictor_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *grid_object, *net_object, *unit_object, *rules_object, *costs_object;
    int inward[2];
    rdc_predictor made = {0};
    if (!PyArg_ParseTuple(args, "O!OOp(ii)O!O!I:predictor_make", &PyTuple_Type, &grid_object, &net_object, &unit_object,
                          &made.uses_context, &inward[0], &inward[1], &PyTuple_Type, &rules_object, &PyTuple_Type, &costs_object,
                          &made.adaptation)) return NULL;
    if (inward_of(state, inward, made.inward) < 0 || rdc_py_grid(state, grid_object, &made.grid) < 0) return NULL;
    const size_t components = made.grid.components;
    int is_given = net_object == Py_None || (made.net = rdc_py_net(state, net_object));
    is_given = is_given && (made.unit = units_of(state, unit_object, components));
    is_given = is_given && rules_of(state, rules_object, components, &made.references) == 0;
    is_given = is_given && costs_of(state, costs_object, &made.costs) == 0;
    const rdc_status status = is_given ? rdc_predictor_check(&made) : (rdc_status){RDC_OK, 0, 0};
    predictor_object *self = NULL;
    if (status.error != RDC_OK) rdc_py_raise(state, status);
    else if (is_given) self = (predictor_object *)state->predictor_type->tp_alloc(state->predictor_type, 0);
    if (!self) {
        predictor_clear(&made);
        return NULL;
    }
    self->predictor = made;
    self->net = Py_NewRef(net_object);
    return (PyObject *)self;
}

/* ---- Where a row of tokens has come to ---- */

typedef struct prediction_object {
    PyObject_HEAD
    rdc_prediction *prediction;
    PyObject *predictor; /* which the prediction points into */
    atomic_int busy;
} prediction_object;

static void prediction_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    prediction_object *self = (prediction_object *)object;
    rdc_prediction_free(self->prediction);
    Py_XDECREF(self->predictor);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot prediction_slots[] = {
    {Py_tp_dealloc, prediction_dealloc},
    {Py_tp_doc, "What a predictor remembers of earlier tokens, made by prediction_make."},
    {0, NULL},
};

static PyType_Spec prediction_spec = {
    .name = "rdcodec._core.Prediction",
    .basicsize = sizeof(prediction_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = prediction_slots,
};

/* Taken for a call until release; NULL with an error when another thread has it or the object is of another type. */
static prediction_object *acquire(const rdc_py_state *state, PyObject *object) {
    if (!PyObject_TypeCheck(object, state->prediction_type)) {
        PyErr_Format(PyExc_TypeError, "prediction: expected Prediction, got %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    prediction_object *self = (prediction_object *)object;
    return rdc_py_take(state, &self->busy, "prediction") < 0 ? NULL : self;
}

static void release(prediction_object *self) {
    rdc_py_give_back(&self->busy);
}

rdc_prediction *rdc_py_prediction_acquire(const rdc_py_state *state, PyObject *object) {
    prediction_object *self = acquire(state, object);
    return self ? self->prediction : NULL;
}

void rdc_py_prediction_release(PyObject *object) {
    release((prediction_object *)object);
}

static PyObject *wrap(const rdc_py_state *state, rdc_status status, rdc_prediction *made, PyObject *predictor) {
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    prediction_object *self = (prediction_object *)state->prediction_type->tp_alloc(state->prediction_type, 0);
    if (!self) {
        rdc_prediction_free(made);
        return NULL;
    }
    self->prediction = made;
    self->predictor = Py_NewRef(predictor);
    return (PyObject *)self;
}

static PyObject *prediction_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *predictor;
    if (!PyArg_ParseTuple(args, "O!:prediction_make", state->predictor_type, &predictor)) return NULL;
    rdc_prediction *made;
    const rdc_status status = rdc_prediction_make(&made, &((predictor_object *)predictor)->predictor);
    return wrap(state, status, made, predictor);
}

static PyObject *prediction_copy(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:prediction_copy", &object)) return NULL;
    prediction_object *from = acquire(state, object);
    if (!from) return NULL;
    rdc_prediction *made;
    const rdc_status status = rdc_prediction_copy(&made, from->prediction);
    release(from);
    return wrap(state, status, made, from->predictor);
}

static const rdc_predictor *predictor_of(const prediction_object *self) {
    return &((predictor_object *)self->predictor)->predictor;
}

static PyObject *prediction_save(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:prediction_save", &object)) return NULL;
    prediction_object *self = acquire(rdc_py_state_of(module), object);
    if (!self) return NULL;
    const size_t size = rdc_prediction_size(self->prediction);
    int16_t *numbers = malloc(2 * size + 1);
    if (numbers) rdc_prediction_save(self->prediction, numbers);
    release(self);
    PyObject *bytes = numbers ? rdc_py_bytes_of(numbers, size) : PyErr_NoMemory();
    free(numbers);
    return bytes;
}

static PyObject *prediction_load(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    Py_buffer saved;
    if (!PyArg_ParseTuple(args, "O!y*:prediction_load", state->predictor_type, &object, &saved)) return NULL;
    const rdc_predictor *predictor = &((predictor_object *)object)->predictor;
    const size_t size = (size_t)saved.len / 2;
    int16_t *numbers = rdc_py_numbers_of(state, &saved, "prediction", size);
    PyBuffer_Release(&saved);
    if (!numbers) return NULL;
    rdc_prediction *made;
    rdc_status status = rdc_prediction_make(&made, predictor);
    if (status.error == RDC_OK) status = rdc_prediction_load(made, numbers, size);
    free(numbers);
    if (status.error != RDC_OK) rdc_prediction_free(made);
    return wrap(state, status, made, object);
}

static PyObject *prediction_referable(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:prediction_referable", &object)) return NULL;
    prediction_object *self = acquire(rdc_py_state_of(module), object);
    if (!self) return NULL;
    const size_t tokens = rdc_prediction_referable(self->prediction);
    release(self);
    return PyLong_FromSize_t(tokens);
}

static PyObject *prediction_begin(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:prediction_begin", &object)) return NULL;
    prediction_object *self = acquire(rdc_py_state_of(module), object);
    if (!self) return NULL;
    rdc_prediction_begin(self->prediction);
    release(self);
    Py_RETURN_NONE;
}

static PyObject *prediction_rollback(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:prediction_rollback", &object)) return NULL;
    prediction_object *self = acquire(rdc_py_state_of(module), object);
    if (!self) return NULL;
    rdc_prediction_rollback(self->prediction);
    release(self);
    Py_RETURN_NONE;
}

/* An array [tokens, columns]. */
static PyArrayObject *token_rows(const rdc_py_state *state, PyObject *object, const char *name, int type, const char *type_name,
                                 size_t tokens, size_t columns) {
    PyArrayObject *array = rdc_py_array(object, name, type, type_name);
    if (!array) return NULL;
    const npy_intp *shape = PyArray_DIMS(array);
    if (PyArray_NDIM(array) == 2 && (size_t)shape[0] == tokens && (size_t)shape[1] == columns) return array;
    PyErr_Format(state->rdcodec_error, "%s: expected shape [%zd, %zd]", name, (Py_ssize_t)tokens, (Py_ssize_t)columns);
    return NULL;
}

/* An array [tokens]. */
static PyArrayObject *token_numbers(const rdc_py_state *state, PyObject *object, const char *name, size_t tokens) {
    PyArrayObject *array = rdc_py_array(object, name, NPY_INT32, "int32");
    if (!array || (PyArray_NDIM(array) == 1 && (size_t)PyArray_DIM(array, 0) == tokens)) return array;
    PyErr_Format(state->rdcodec_error, "%s: expected shape [%zd]", name, (Py_ssize_t)tokens);
    return NULL;
}

/* Side information of tokens: side, base, exponent, token_scale. */
static int side_info_of(const rdc_py_state *state, const rdc_predictor *predictor, PyObject *const objects[4], rdc_side_info *info) {
    const size_t inputs = rdc_predictor_side(predictor), components = predictor->grid.components;
    PyArrayObject *exponent = rdc_py_array(objects[2], "exponent", NPY_INT32, "int32");
    if (!exponent) return -1;
    const size_t tokens = (size_t)PyArray_SIZE(exponent);
    PyArrayObject *side = token_rows(state, objects[0], "side", NPY_INT16, "int16", tokens, inputs);
    PyArrayObject *base = side ? token_rows(state, objects[1], "base", NPY_INT16, "int16", tokens, components) : NULL;
    PyArrayObject *token_scale = base ? token_numbers(state, objects[3], "token_scale", tokens) : NULL;
    if (!token_scale) return -1;
    *info = (rdc_side_info){PyArray_DATA(side), PyArray_DATA(base), PyArray_DATA(exponent), PyArray_DATA(token_scale), tokens};
    return 0;
}

static PyObject *encode(const rdc_py_state *state, rdc_cpu_level cpu, prediction_object *self, PyObject *y_object,
                        PyObject *const info_objects[4]) {
    const rdc_predictor *predictor = predictor_of(self);
    rdc_side_info info;
    if (side_info_of(state, predictor, info_objects, &info) < 0) return NULL;
    PyArrayObject *y = token_rows(state, y_object, "y", NPY_FLOAT64, "float64", info.tokens, predictor->grid.components);
    if (!y) return NULL;
    const npy_intp tokens = (npy_intp)info.tokens, components = (npy_intp)predictor->grid.components;
    const npy_intp most = (npy_intp)predictor->references.most;
    PyArrayObject *levels = (PyArrayObject *)PyArray_SimpleNew(2, ((npy_intp[]){tokens, components}), NPY_INT32);
    PyArrayObject *index = (PyArrayObject *)PyArray_SimpleNew(2, ((npy_intp[]){tokens, components}), NPY_UINT16);
    PyArrayObject *distance = (PyArrayObject *)PyArray_SimpleNew(2, ((npy_intp[]){tokens, most}), NPY_INT32);
    PyArrayObject *weight = (PyArrayObject *)PyArray_SimpleNew(2, ((npy_intp[]){tokens, most}), NPY_INT32);
    PyArrayObject *choice = (PyArrayObject *)PyArray_SimpleNew(1, &tokens, NPY_INT32);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (levels && index && distance && weight && choice) {
        const rdc_references references = {PyArray_DATA(distance), PyArray_DATA(weight)};
        Py_BEGIN_ALLOW_THREADS
        status = rdc_prediction_encode(cpu, self->prediction, &info, PyArray_DATA(y), PyArray_DATA(levels), PyArray_DATA(index),
                                       references, PyArray_DATA(choice));
        Py_END_ALLOW_THREADS
    }
    if (status.error == RDC_OK) return Py_BuildValue("NNNNN", levels, index, distance, weight, choice);
    Py_XDECREF(levels);
    Py_XDECREF(index);
    Py_XDECREF(distance);
    Py_XDECREF(weight);
    Py_XDECREF(choice);
    return rdc_py_raise(state, status);
}

static PyObject *prediction_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *y, *info[4];
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    if (!PyArg_ParseTuple(args, "OOOOOO|s:prediction_encode", &object, &y, &info[0], &info[1], &info[2], &info[3],
                          &cpu_name)) return NULL;
    prediction_object *self = rdc_py_cpu(state, cpu_name, &cpu) < 0 ? NULL : acquire(state, object);
    if (!self) return NULL;
    PyObject *result = encode(state, cpu, self, y, info);
    release(self);
    return result;
}

/* What tokens refer to: distance and weight. */
static int references_of(const rdc_py_state *state, const rdc_predictor *predictor, PyObject *const objects[2], size_t tokens,
                         rdc_references *references) {
    const size_t most = predictor->references.most;
    PyArrayObject *distance = token_rows(state, objects[0], "distance", NPY_INT32, "int32", tokens, most);
    PyArrayObject *weight = distance ? token_rows(state, objects[1], "weight", NPY_INT32, "int32", tokens, most) : NULL;
    if (!weight) return -1;
    *references = (rdc_references){PyArray_DATA(distance), PyArray_DATA(weight)};
    return 0;
}

static PyObject *decode(const rdc_py_state *state, rdc_cpu_level cpu, prediction_object *self, PyObject *decoder_object,
                        PyObject *const info_objects[4], PyObject *const reference_objects[2]) {
    const rdc_predictor *predictor = predictor_of(self);
    rdc_side_info info;
    rdc_references references;
    if (side_info_of(state, predictor, info_objects, &info) < 0) return NULL;
    if (references_of(state, predictor, reference_objects, info.tokens, &references) < 0) return NULL;
    npy_intp shape[2] = {(npy_intp)info.tokens, (npy_intp)predictor->grid.components};
    PyArrayObject *values = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    rdc_block_decoder *decoder = values ? rdc_py_decoder_acquire(state, decoder_object) : NULL;
    if (!decoder) {
        Py_XDECREF(values);
        return NULL;
    }
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_prediction_decode(cpu, self->prediction, &info, references, decoder, PyArray_DATA(values));
    Py_END_ALLOW_THREADS
    rdc_py_decoder_release(decoder_object);
    if (status.error == RDC_OK) return (PyObject *)values;
    Py_DECREF(values);
    return rdc_py_raise(state, status);
}

static PyObject *prediction_decode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *decoder, *info[4], *references[2];
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    if (!PyArg_ParseTuple(args, "OOOOOOOO|s:prediction_decode", &object, &decoder, &info[0], &info[1], &info[2], &info[3],
                          &references[0], &references[1], &cpu_name)) return NULL;
    prediction_object *self = rdc_py_cpu(state, cpu_name, &cpu) < 0 ? NULL : acquire(state, object);
    if (!self) return NULL;
    PyObject *result = decode(state, cpu, self, decoder, info, references);
    release(self);
    return result;
}

static PyMethodDef functions[] = {
    {"predictor_make", predictor_make, METH_VARARGS, NULL},
    {"prediction_make", prediction_make, METH_VARARGS, NULL},
    {"prediction_copy", prediction_copy, METH_VARARGS, NULL},
    {"prediction_save", prediction_save, METH_VARARGS, NULL},
    {"prediction_load", prediction_load, METH_VARARGS, NULL},
    {"prediction_referable", prediction_referable, METH_VARARGS, NULL},
    {"prediction_begin", prediction_begin, METH_VARARGS, NULL},
    {"prediction_rollback", prediction_rollback, METH_VARARGS, NULL},
    {"prediction_encode", prediction_encode, METH_VARARGS, NULL},
    {"prediction_decode", prediction_decode, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_prediction_part = {
    functions,
    {{&predictor_spec, offsetof(rdc_py_state, predictor_type)}, {&prediction_spec, offsetof(rdc_py_state, prediction_type)}},
};

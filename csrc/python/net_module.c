/* Integer networks for Python. A layer is the tuple (weights int16 [outputs, taps, inputs], bias int32, shift uint8, lowest,
 * highest, dilation, table int16 or None). */
#include "python/core_module.h"

#include <stdlib.h>

typedef struct net_object {
    PyObject_HEAD
    rdc_net *net;
} net_object;

static void net_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    rdc_net_free(((net_object *)self)->net);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot net_slots[] = {
    {Py_tp_dealloc, net_dealloc},
    {Py_tp_doc, "An integer network, made by net_make."},
    {0, NULL},
};

static PyType_Spec net_spec = {
    .name = "rdcodec._core.Net",
    .basicsize = sizeof(net_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = net_slots,
};

/* A layer of the tuple; its arrays stay the tuple's. */
static int layer_of(const rdc_py_state *state, PyObject *tuple, rdc_net_layer *layer) {
    PyObject *weights_object, *bias_object, *shift_object, *table_object;
    short lowest, highest;
    int dilation;
    if (!PyTuple_Check(tuple)) {
        PyErr_Format(PyExc_TypeError, "layers: expected tuples, got %.100s", Py_TYPE(tuple)->tp_name);
        return -1;
    }
    if (!PyArg_ParseTuple(tuple, "OOOhhiO;layer", &weights_object, &bias_object, &shift_object, &lowest, &highest, &dilation,
                          &table_object)) return -1;
    PyArrayObject *weights = rdc_py_array(weights_object, "weights", NPY_INT16, "int16");
    PyArrayObject *bias = weights ? rdc_py_array(bias_object, "bias", NPY_INT32, "int32") : NULL;
    PyArrayObject *shift = bias ? rdc_py_array(shift_object, "shift", NPY_UINT8, "uint8") : NULL;
    PyArrayObject *table = shift && table_object != Py_None ? rdc_py_array(table_object, "table", NPY_INT16, "int16") : NULL;
    if (!shift || (table_object != Py_None && !table)) return -1;
    const npy_intp *shape = PyArray_DIMS(weights);
    if (PyArray_NDIM(weights) != 3 || PyArray_SIZE(bias) != shape[0] || PyArray_SIZE(shift) != shape[0] ||
        shape[0] > UINT32_MAX || shape[1] > UINT32_MAX || shape[2] > UINT32_MAX) {
        PyErr_SetString(state->rdcodec_error,
                        "weights: expected shape [outputs, taps, inputs], and a bias and a shift for each output");
        return -1;
    }
    if (table && PyArray_SIZE(table) != (npy_intp)highest - lowest + 1) {
        PyErr_Format(state->rdcodec_error, "table: expected an entry for each value from %d to %d, got %zd", lowest, highest,
                     (Py_ssize_t)PyArray_SIZE(table));
        return -1;
    }
    *layer = (rdc_net_layer){
        .weights = PyArray_DATA(weights), .bias = PyArray_DATA(bias), .shift = PyArray_DATA(shift),
        .table = table ? PyArray_DATA(table) : NULL,
        .outputs = (uint32_t)shape[0], .taps = (uint32_t)shape[1], .inputs = (uint32_t)shape[2],
        .dilation = (uint32_t)dilation, .lowest = lowest, .highest = highest,
    };
    return 0;
}

static PyObject *net_wrap(const rdc_py_state *state, rdc_net *net) {
    net_object *self = (net_object *)state->net_type->tp_alloc(state->net_type, 0);
    if (!self) {
        rdc_net_free(net);
        return NULL;
    }
    self->net = net;
    return (PyObject *)self;
}

static PyObject *net_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *list;
    int input_limit;
    if (!PyArg_ParseTuple(args, "O!i:net_make", &PyList_Type, &list, &input_limit)) return NULL;
    const Py_ssize_t count = PyList_GET_SIZE(list);
    rdc_net_layer *layers = calloc((size_t)count + 1, sizeof *layers);
    if (!layers) return PyErr_NoMemory();
    for (Py_ssize_t k = 0; k < count; k++) {
        if (layer_of(state, PyList_GET_ITEM(list, k), &layers[k]) == 0) continue;
        free(layers);
        return NULL;
    }
    rdc_net *net;
    const rdc_status status = rdc_net_make(&net, layers, (size_t)count, input_limit);
    free(layers);
    return status.error == RDC_OK ? net_wrap(state, net) : rdc_py_raise(state, status);
}

/* What a network is given: int16 [tokens, inputs]. */
static PyArrayObject *inputs_of(const rdc_py_state *state, const rdc_net *net, PyObject *object) {
    PyArrayObject *x = rdc_py_array(object, "x", NPY_INT16, "int16");
    if (x && (PyArray_NDIM(x) != 2 || (size_t)PyArray_DIM(x, 1) != rdc_net_inputs(net))) {
        PyErr_Format(state->rdcodec_error, "x: expected shape [tokens, %zd]", (Py_ssize_t)rdc_net_inputs(net));
        return NULL;
    }
    return x;
}

/* The arguments of net_apply and net_best_row. Returns NULL with an error set. */
static const rdc_net *parse_call(const rdc_py_state *state, PyObject *args, const char *format, rdc_cpu_level *cpu,
                                 PyArrayObject **x) {
    PyObject *object, *x_object;
    const char *cpu_name = NULL;
    if (!PyArg_ParseTuple(args, format, state->net_type, &object, &x_object, &cpu_name)) return NULL;
    const rdc_net *net = ((net_object *)object)->net;
    *x = rdc_py_cpu(state, cpu_name, cpu) < 0 ? NULL : inputs_of(state, net, x_object);
    return *x ? net : NULL;
}

static PyObject *net_apply(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    rdc_cpu_level cpu;
    PyArrayObject *x;
    const rdc_net *net = parse_call(state, args, "O!O|s:net_apply", &cpu, &x);
    if (!net) return NULL;
    npy_intp shape[2] = {PyArray_DIM(x, 0), (npy_intp)rdc_net_outputs(net)};
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT16);
    if (!out) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_net_apply(cpu, net, PyArray_DATA(x), (size_t)shape[0], PyArray_DATA(out));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)out;
    Py_DECREF(out);
    return rdc_py_raise(state, status);
}

static PyObject *net_best_row(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    rdc_cpu_level cpu;
    PyArrayObject *x;
    const rdc_net *net = parse_call(state, args, "O!O|s:net_best_row", &cpu, &x);
    if (!net) return NULL;
    PyArrayObject *rows = (PyArrayObject *)PyArray_SimpleNew(1, PyArray_DIMS(x), NPY_INT32);
    if (!rows) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_net_best_row(cpu, net, PyArray_DATA(x), (size_t)PyArray_DIM(x, 0), PyArray_DATA(rows));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)rows;
    Py_DECREF(rows);
    return rdc_py_raise(state, status);
}

const rdc_net *rdc_py_net(const rdc_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->net_type)) return ((net_object *)object)->net;
    PyErr_Format(PyExc_TypeError, "net: expected Net, got %.100s", Py_TYPE(object)->tp_name);
    return NULL;
}

/* ---- States ---- */

typedef struct state_object {
    PyObject_HEAD
    PyObject *net; /* which the state points into */
    rdc_net_state *state;
    atomic_int busy;
} state_object;

static void state_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    rdc_net_state_free(((state_object *)self)->state);
    Py_XDECREF(((state_object *)self)->net);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot state_slots[] = {
    {Py_tp_dealloc, state_dealloc},
    {Py_tp_doc, "What a network remembers of earlier tokens, made by net_state."},
    {0, NULL},
};

static PyType_Spec state_spec = {
    .name = "rdcodec._core.NetState",
    .basicsize = sizeof(state_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = state_slots,
};

static PyObject *state_wrap(const rdc_py_state *state, PyObject *net, rdc_status status, rdc_net_state *made) {
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    state_object *self = (state_object *)state->net_state_type->tp_alloc(state->net_state_type, 0);
    if (!self) {
        rdc_net_state_free(made);
        return NULL;
    }
    self->net = Py_NewRef(net);
    self->state = made;
    return (PyObject *)self;
}

/* The state of a NetState, taken for a call until release; NULL with an error when another thread has it. */
static rdc_net_state *acquire(const rdc_py_state *state, PyObject *object) {
    state_object *self = (state_object *)object;
    return rdc_py_take(state, &self->busy, "state") < 0 ? NULL : self->state;
}

static void release(PyObject *object) {
    rdc_py_give_back(&((state_object *)object)->busy);
}

static PyObject *net_state(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *net_argument;
    if (!PyArg_ParseTuple(args, "O!:net_state", state->net_type, &net_argument)) return NULL;
    rdc_net_state *made;
    const rdc_status status = rdc_net_state_make(&made, ((net_object *)net_argument)->net);
    return state_wrap(state, net_argument, status, made);
}

static PyObject *net_state_copy(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O!:net_state_copy", state->net_state_type, &object)) return NULL;
    rdc_net_state *from = acquire(state, object), *made;
    if (!from) return NULL;
    const rdc_status status = rdc_net_state_copy(&made, from);
    release(object);
    return state_wrap(state, ((state_object *)object)->net, status, made);
}

static PyObject *net_state_save(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O!:net_state_save", state->net_state_type, &object)) return NULL;
    const size_t size = rdc_net_state_size(((net_object *)((state_object *)object)->net)->net);
    int16_t *numbers = malloc(2 * size + 1);
    if (!numbers) return PyErr_NoMemory();
    const rdc_net_state *from = acquire(state, object);
    if (from) {
        rdc_net_state_save(from, numbers);
        release(object);
    }
    PyObject *bytes = from ? rdc_py_bytes_of(numbers, size) : NULL;
    free(numbers);
    return bytes;
}

static PyObject *net_state_load(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    Py_buffer saved;
    if (!PyArg_ParseTuple(args, "O!y*:net_state_load", state->net_type, &object, &saved)) return NULL;
    const rdc_net *net = ((net_object *)object)->net;
    int16_t *numbers = rdc_py_numbers_of(state, &saved, "state", rdc_net_state_size(net));
    PyBuffer_Release(&saved);
    if (!numbers) return NULL;
    rdc_net_state *made = NULL;
    rdc_status status = rdc_net_state_check(net, numbers);
    if (status.error == RDC_OK) status = rdc_net_state_make(&made, net);
    if (status.error == RDC_OK) rdc_net_state_restore(made, numbers);
    free(numbers);
    return state_wrap(state, object, status, made);
}

static PyObject *net_run(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *x_object;
    const char *cpu_name = NULL;
    rdc_cpu_level cpu;
    if (!PyArg_ParseTuple(args, "O!O|s:net_run", state->net_state_type, &object, &x_object, &cpu_name)) return NULL;
    const rdc_net *net = ((net_object *)((state_object *)object)->net)->net;
    PyArrayObject *x = rdc_py_cpu(state, cpu_name, &cpu) < 0 ? NULL : inputs_of(state, net, x_object);
    if (!x) return NULL;
    npy_intp shape[2] = {PyArray_DIM(x, 0), (npy_intp)rdc_net_outputs(net)};
    PyArrayObject *out = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT16);
    rdc_net_state *memory = out ? acquire(state, object) : NULL;
    if (!memory) {
        Py_XDECREF(out);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    rdc_net_run(cpu, memory, PyArray_DATA(x), (size_t)shape[0], PyArray_DATA(out));
    Py_END_ALLOW_THREADS
    release(object);
    return (PyObject *)out;
}

static PyMethodDef functions[] = {
    {"net_make", net_make, METH_VARARGS, NULL},
    {"net_apply", net_apply, METH_VARARGS, NULL},
    {"net_best_row", net_best_row, METH_VARARGS, NULL},
    {"net_state", net_state, METH_VARARGS, NULL},
    {"net_state_copy", net_state_copy, METH_VARARGS, NULL},
    {"net_state_save", net_state_save, METH_VARARGS, NULL},
    {"net_state_load", net_state_load, METH_VARARGS, NULL},
    {"net_run", net_run, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_net_part = {
    functions,
    {{&net_spec, offsetof(rdc_py_state, net_type)}, {&state_spec, offsetof(rdc_py_state, net_state_type)}},
};

/* An end of a live link for Python: what an encoder or a decoder of one row of tokens goes on with from frame to frame. */
#include "python/link_steps.h"

#include <structmember.h>

static PyObject *quality_object(rdc_py_quality quality) {
    return quality.known ? PyLong_FromLong(quality.value) : Py_NewRef(Py_None);
}

static PyObject *end_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (kwargs && PyDict_GET_SIZE(kwargs)) {
        PyErr_Format(PyExc_TypeError, "%s: takes no arguments by name", type->tp_name);
        return NULL;
    }
    PyObject *codec, *row = NULL;
    rdc_py_quality quality = {0, 0}, announced = {0, 0};
    unsigned before = RDC_CHAIN_START, restarts = 0;
    int restarting = 0;
    if (!PyArg_ParseTuple(args, "OO&|OO&IIp", &codec, rdc_py_quality_of, &quality, &row, rdc_py_quality_of, &announced, &before, &restarts,
                          &restarting))
        return NULL;
    row = row ? Py_NewRef(row) : PyObject_CallMethod(codec, "_new_state", NULL);
    rdc_py_end *self = row ? (rdc_py_end *)type->tp_alloc(type, 0) : NULL;
    if (!self) {
        Py_XDECREF(row);
        return NULL;
    }
    self->codec = Py_NewRef(codec);
    self->row = row;
    self->quality = quality;
    self->announced = announced;
    self->before = before;
    self->restarts = restarts;
    self->restarting = restarting;
    return (PyObject *)self;
}

static int end_traverse(PyObject *object, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(((rdc_py_end *)object)->codec);
    Py_VISIT(((rdc_py_end *)object)->row);
    return 0;
}

static int end_clear(PyObject *object) {
    Py_CLEAR(((rdc_py_end *)object)->codec);
    Py_CLEAR(((rdc_py_end *)object)->row);
    return 0;
}

static void end_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    PyObject_GC_UnTrack(object);
    end_clear(object);
    type->tp_free(object);
    Py_DECREF(type);
}

static const rdc_py_state *state_of(PyTypeObject *kind) {
    return PyType_GetModuleState(kind);
}

/* What `type(end)` makes an end of that goes on from here; of a copy of its row, it goes on on its own. */
static PyObject *end_parts(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    if (count != 1) return PyErr_Format(PyExc_TypeError, "_parts: expected whether to copy the row");
    rdc_py_step step = {.end = (rdc_py_end *)object};
    if (rdc_py_steps_take(state_of(kind), &step, 1) < 0) return NULL;
    rdc_py_end *end = step.end;
    PyObject *row = end->row != Py_None && PyObject_IsTrue(args[0]) ? PyObject_CallMethod(end->row, "copy", NULL) : Py_NewRef(end->row);
    PyObject *parts = NULL;
    if (row) {
        parts = Py_BuildValue("ONNNIIi", end->codec, quality_object(end->quality), row, quality_object(end->announced),
                              (unsigned)end->before, (unsigned)end->restarts, end->restarting);
    }
    rdc_py_give_back(&end->busy);
    return parts;
}

static PyObject *end_restart(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)args, (void)names;
    if (count) return PyErr_Format(PyExc_TypeError, "_restart: takes no arguments");
    rdc_py_step step = {.end = (rdc_py_end *)object};
    if (rdc_py_steps_take(state_of(kind), &step, 1) < 0) return NULL;
    step.end->restarting = 1;
    rdc_py_give_back(&step.end->busy);
    return Py_NewRef(Py_None);
}

/* The next frame, of states as users hold them. */
static PyObject *end_encode(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 2) return PyErr_Format(PyExc_TypeError, "_encode: expected states and a quality");
    rdc_py_step step = {.end = (rdc_py_end *)object};
    rdc_py_quality quality;
    Py_ssize_t tokens = 0;
    PyObject *frame = NULL, *values = rdc_py_values_of(state, step.end->codec, args[0], 2, 1, &tokens);
    if (values && rdc_py_checked_quality(state, step.end->codec, args[1], &quality) == 0 && rdc_py_steps_take(state, &step, 1) == 0) {
        frame = rdc_py_step_encode(state, &step, values, tokens, quality);
        rdc_py_steps_leave(state, &step, 1, frame != NULL);
    }
    Py_XDECREF(values);
    return frame;
}

/* The next frame, of values that have been checked. */
static PyObject *end_encode_checked(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 1) return PyErr_Format(PyExc_TypeError, "_encode_checked: expected values");
    const Py_ssize_t tokens = PyObject_Size(args[0]);
    rdc_py_step step = {.end = (rdc_py_end *)object};
    if (tokens < 0 || rdc_py_steps_take(state, &step, 1) < 0) return NULL;
    PyObject *frame = rdc_py_step_encode(state, &step, args[0], tokens, (rdc_py_quality){0, 0});
    rdc_py_steps_leave(state, &step, 1, frame != NULL);
    return frame;
}

static PyObject *end_decode(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 3) return PyErr_Format(PyExc_TypeError, "_decode: expected a frame and two limits");
    rdc_py_step step = {.end = (rdc_py_end *)object};
    if (rdc_py_steps_take(state, &step, 1) < 0) return NULL;
    PyObject *h = rdc_py_step_take_frame(state, &step, args[0], args[1], args[2]) < 0 ? NULL : rdc_py_step_decode(state, &step);
    rdc_py_steps_leave(state, &step, 1, h != NULL);
    return h;
}

static PyObject *end_decode_read(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 1 || !PyTuple_Check(args[0])) return PyErr_Format(PyExc_TypeError, "_decode_read: expected a frame of frame_read");
    rdc_py_step step = {.end = (rdc_py_end *)object};
    if (rdc_py_steps_take(state, &step, 1) < 0) return NULL;
    PyObject *h = rdc_py_step_take_tuple(&step, args[0]) < 0 ? NULL : rdc_py_step_decode(state, &step);
    rdc_py_steps_leave(state, &step, 1, h != NULL);
    return h;
}

/* As METH_METHOD asks for it, through a type that C knows by no other name. */
#define END_METHOD(name, function) {name, (PyCFunction)(void (*)(void))(function), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL}

static PyMethodDef end_methods[] = {
    END_METHOD("_parts", end_parts),
    END_METHOD("_restart", end_restart),
    END_METHOD("_encode", end_encode),
    END_METHOD("_encode_checked", end_encode_checked),
    END_METHOD("_decode", end_decode),
    END_METHOD("_decode_read", end_decode_read),
    {NULL, NULL, 0, NULL},
};

static PyMemberDef end_members[] = {
    {"_codec", T_OBJECT, offsetof(rdc_py_end, codec), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot end_slots[] = {
    {Py_tp_new, end_new},
    {Py_tp_dealloc, end_dealloc},
    {Py_tp_traverse, end_traverse},
    {Py_tp_clear, end_clear},
    {Py_tp_methods, end_methods},
    {Py_tp_members, end_members},
    {Py_tp_doc, "What both ends of a link go on with."},
    {0, NULL},
};

static PyType_Spec end_spec = {
    .name = "rdcodec._core.End",
    .basicsize = sizeof(rdc_py_end),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = end_slots,
};

static PyMethodDef functions[] = {
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_end_part = {functions, {{&end_spec, offsetof(rdc_py_state, end_type)}}};

/* The next frames of several ends of live links for Python. */
#include "python/link_steps.h"

/* Steps of a tuple of ends, to be freed; NULL with an error set. */
static rdc_py_step *steps_of(PyObject *ends) {
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    rdc_py_step *steps = PyMem_Calloc((size_t)count, sizeof *steps);
    if (!steps) PyErr_NoMemory();
    for (Py_ssize_t i = 0; steps && i < count; i++) steps[i].end = (rdc_py_end *)PyTuple_GET_ITEM(ends, i);
    return steps;
}

/* Whether two codecs have one id; -1 with an error set. */
static int is_one_codec(PyObject *codec, PyObject *other) {
    if (codec == other) return 1;
    PyObject *id = PyObject_GetAttrString(codec, "codec_id"), *other_id = PyObject_GetAttrString(other, "codec_id");
    const int is_one = id && other_id ? PyObject_RichCompareBool(id, other_id, Py_EQ) : -1;
    Py_XDECREF(id);
    Py_XDECREF(other_id);
    return is_one;
}

/* The codec of a tuple of ends, which is checked: some, none twice, and of one codec. NULL with an error set. */
static PyObject *codec_of_ends(const rdc_py_state *state, PyObject *ends, const char *name) {
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    int is_proper = count > 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *end = PyTuple_GET_ITEM(ends, i);
        if (!PyObject_TypeCheck(end, state->end_type)) {
            return PyErr_Format(PyExc_TypeError, "%s: expected those that a codec makes, got %.100s", name, Py_TYPE(end)->tp_name);
        }
        for (Py_ssize_t j = 0; j < i; j++) is_proper &= PyTuple_GET_ITEM(ends, j) != end;
    }
    if (!is_proper) return PyErr_Format(state->rdcodec_error, "%s: expected at least one, and none twice", name);
    PyObject *codec = ((rdc_py_end *)PyTuple_GET_ITEM(ends, 0))->codec;
    for (Py_ssize_t i = 1; i < count; i++) {
        const int is_one = is_one_codec(codec, ((rdc_py_end *)PyTuple_GET_ITEM(ends, i))->codec);
        if (is_one == 0) PyErr_Format(state->rdcodec_error, "%s: expected those of one codec", name);
        if (is_one <= 0) return NULL;
    }
    return codec;
}

/* What encoders are asked for, once they are taken. */
typedef struct asked_frames {
    rdc_py_step *steps;
    Py_ssize_t count, tokens;
    PyObject *values;
    rdc_py_quality quality;
} asked_frames;

/* Takes encoders for frames of h at a quality, a number or None; -1 with an error set and none taken. */
static int ask_encoders(const rdc_py_state *state, PyObject *encoders, PyObject *h, PyObject *quality, asked_frames *asked) {
    *asked = (asked_frames){.count = PyTuple_GET_SIZE(encoders)};
    PyObject *codec = codec_of_ends(state, encoders, "encoders");
    if (codec) asked->values = rdc_py_values_of(state, codec, h, 3, asked->count, &asked->tokens);
    if (asked->values && rdc_py_checked_quality(state, codec, quality, &asked->quality) == 0) asked->steps = steps_of(encoders);
    if (asked->steps && rdc_py_steps_take(state, asked->steps, asked->count) == 0) return 0;
    PyMem_Free(asked->steps);
    Py_XDECREF(asked->values);
    return -1;
}

static PyObject *frames_of(const rdc_py_state *state, const asked_frames *asked) {
    return rdc_py_steps_encode(state, asked->steps, asked->count, asked->values, asked->tokens, asked->quality);
}

/* Gives encoders back, behind their frames or where they were. */
static void leave_encoders(const rdc_py_state *state, const asked_frames *asked, int is_done) {
    rdc_py_steps_leave(state, asked->steps, asked->count, is_done);
    PyMem_Free(asked->steps);
    Py_DECREF(asked->values);
}

/* Reads a frame of a list or tuple for each step, of as many tokens. */
static int take_frames(const rdc_py_state *state, rdc_py_step *steps, PyObject *frames) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(frames);
    size_t least = RDC_MAX_FRAME_TOKENS, most = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (rdc_py_step_take_frame(state, &steps[i], PySequence_Fast_GET_ITEM(frames, i), Py_None, Py_None) < 0) return -1;
        if (steps[i].tokens < least) least = steps[i].tokens;
        if (steps[i].tokens > most) most = steps[i].tokens;
    }
    if (count && least != most) PyErr_Format(state->rdcodec_error, "frames: expected as many tokens in each, got %zu to %zu", least, most);
    return count && least != most ? -1 : 0;
}

/* Values [rows, tokens, channels] of the next frames of decoders, a list or tuple. */
static PyObject *values_of_frames(const rdc_py_state *state, PyObject *decoders, PyObject *frames) {
    const Py_ssize_t count = PyTuple_GET_SIZE(decoders);
    if (!codec_of_ends(state, decoders, "decoders")) return NULL;
    if (PySequence_Fast_GET_SIZE(frames) != count) {
        return PyErr_Format(state->rdcodec_error, "frames: expected one a decoder, %zd, got %zd", count, PySequence_Fast_GET_SIZE(frames));
    }
    rdc_py_step *steps = steps_of(decoders);
    PyObject *h = NULL;
    if (steps && rdc_py_steps_take(state, steps, count) == 0) {
        if (take_frames(state, steps, frames) == 0) h = rdc_py_steps_decode(state, steps, count);
        rdc_py_steps_leave(state, steps, count, h != NULL);
    }
    PyMem_Free(steps);
    return h;
}

static PyObject *link_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *encoders, *h, *quality;
    asked_frames asked;
    if (!PyArg_ParseTuple(args, "O!OO:link_encode", &PyTuple_Type, &encoders, &h, &quality)) return NULL;
    if (ask_encoders(state, encoders, h, quality, &asked) < 0) return NULL;
    PyObject *frames = frames_of(state, &asked);
    leave_encoders(state, &asked, frames != NULL);
    return frames;
}

static PyObject *link_decode(PyObject *module, PyObject *args) {
    PyObject *decoders, *frames;
    if (!PyArg_ParseTuple(args, "O!O!:link_decode", &PyTuple_Type, &decoders, &PyTuple_Type, &frames)) return NULL;
    return values_of_frames(rdc_py_state_of(module), decoders, frames);
}

/* What a clock says, a function of Python that returns seconds; -1 with an error set. */
static double now_of(PyObject *clock) {
    PyObject *seconds = PyObject_CallNoArgs(clock);
    const double now = seconds ? PyFloat_AsDouble(seconds) : -1;
    Py_XDECREF(seconds);
    return now;
}

static Py_ssize_t size_of(PyObject *frames) {
    Py_ssize_t size = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(frames); i++) size += PyBytes_GET_SIZE(PyList_GET_ITEM(frames, i));
    return size;
}

/* What arrives at decoders of what is asked of encoders that are taken, the bytes that it took, and the seconds of either end. */
static PyObject *transmitted(const rdc_py_state *state, const asked_frames *asked, PyObject *decoders, PyObject *clock, double began) {
    PyObject *frames = frames_of(state, asked);
    const double sent = frames ? now_of(clock) : -1;
    PyObject *values = frames && !PyErr_Occurred() ? values_of_frames(state, decoders, frames) : NULL;
    const double arrived = values ? now_of(clock) : -1;
    PyObject *result = NULL;
    if (values && !PyErr_Occurred()) result = Py_BuildValue("Ondd", values, size_of(frames), sent - began, arrived - sent);
    Py_XDECREF(frames);
    Py_XDECREF(values);
    return result;
}

static PyObject *link_transmit(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *encoders, *decoders, *h, *clock;
    asked_frames asked;
    if (!PyArg_ParseTuple(args, "O!O!OO:link_transmit", &PyTuple_Type, &encoders, &PyTuple_Type, &decoders, &h, &clock)) return NULL;
    const double began = now_of(clock);
    if (PyErr_Occurred() || ask_encoders(state, encoders, h, Py_None, &asked) < 0) return NULL;
    PyObject *result = transmitted(state, &asked, decoders, clock, began);
    leave_encoders(state, &asked, result != NULL);
    return result;
}

static PyMethodDef functions[] = {
    {"link_encode", link_encode, METH_VARARGS, NULL},
    {"link_decode", link_decode, METH_VARARGS, NULL},
    {"link_transmit", link_transmit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_link_part = {functions, {{NULL, 0}}};

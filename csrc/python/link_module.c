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

static PyObject *link_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *ends, *h, *asked, *frames = NULL;
    rdc_py_quality quality;
    if (!PyArg_ParseTuple(args, "O!OO:link_encode", &PyTuple_Type, &ends, &h, &asked)) return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    Py_ssize_t tokens = 0;
    PyObject *codec = codec_of_ends(state, ends, "encoders");
    PyObject *values = codec ? rdc_py_values_of(state, codec, h, 3, count, &tokens) : NULL;
    rdc_py_step *steps = values && rdc_py_checked_quality(state, codec, asked, &quality) == 0 ? steps_of(ends) : NULL;
    if (steps && rdc_py_steps_take(state, steps, count) == 0) {
        frames = rdc_py_steps_encode(state, steps, count, values, tokens, quality);
        rdc_py_steps_leave(state, steps, count, frames != NULL);
    }
    PyMem_Free(steps);
    Py_XDECREF(values);
    return frames;
}

/* Reads a frame of a tuple for each step, of as many tokens. */
static int take_frames(const rdc_py_state *state, rdc_py_step *steps, PyObject *frames) {
    const Py_ssize_t count = PyTuple_GET_SIZE(frames);
    size_t least = RDC_MAX_FRAME_TOKENS, most = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (rdc_py_step_take_frame(state, &steps[i], PyTuple_GET_ITEM(frames, i), Py_None, Py_None) < 0) return -1;
        if (steps[i].tokens < least) least = steps[i].tokens;
        if (steps[i].tokens > most) most = steps[i].tokens;
    }
    if (count && least != most) PyErr_Format(state->rdcodec_error, "frames: expected as many tokens in each, got %zu to %zu", least, most);
    return count && least != most ? -1 : 0;
}

static PyObject *link_decode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *ends, *frames;
    if (!PyArg_ParseTuple(args, "O!O!:link_decode", &PyTuple_Type, &ends, &PyTuple_Type, &frames)) return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    if (!codec_of_ends(state, ends, "decoders")) return NULL;
    if (PyTuple_GET_SIZE(frames) != count) {
        return PyErr_Format(state->rdcodec_error, "frames: expected one a decoder, %zd, got %zd", count, PyTuple_GET_SIZE(frames));
    }
    rdc_py_step *steps = steps_of(ends);
    PyObject *h = NULL;
    if (steps && rdc_py_steps_take(state, steps, count) == 0) {
        if (take_frames(state, steps, frames) == 0) h = rdc_py_steps_decode(state, steps, count);
        rdc_py_steps_leave(state, steps, count, h != NULL);
    }
    PyMem_Free(steps);
    return h;
}

static PyMethodDef functions[] = {
    {"link_encode", link_encode, METH_VARARGS, NULL},
    {"link_decode", link_decode, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_link_part = {functions, {{NULL, 0}}};

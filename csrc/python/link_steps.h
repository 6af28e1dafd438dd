/* The next frames of ends of live links: what is known of an end, and of a frame while it is coded.
 *
 * What payloads mean is the codec's affair, a Python object whose methods are called for them. A call happens whole for all of its rows
 * or leaves all ends as they were: it takes the ends, asks for or reads their frames, begins, codes, and leaves. */
#ifndef RDC_PYTHON_LINK_STEPS_H
#define RDC_PYTHON_LINK_STEPS_H

#include "python/core_module.h"

/* A quality, or none. */
typedef struct rdc_py_quality {
    int known;
    int32_t value;
} rdc_py_quality;

typedef struct rdc_py_end {
    PyObject_HEAD
    PyObject *codec;
    PyObject *row;            /* what the codec remembers of the tokens so far; None of a codec that remembers nothing */
    rdc_py_quality quality;   /* that the next frame goes on with */
    rdc_py_quality announced; /* that the last frame had, of an encoder */
    uint32_t before;          /* checksum of the last frame */
    uint32_t restarts;        /* number of the last new start */
    int restarting;           /* whether the next frame is one, of an encoder */
    atomic_int busy;
} rdc_py_end;

/* The next frame of an end, while it is coded. */
typedef struct rdc_py_step {
    rdc_py_end *end;
    PyObject *row; /* what the codec goes on with; NULL until the step has begun */
    PyObject *mark; /* where the row stood */
    PyObject *payload;
    size_t tokens;
    rdc_py_quality quality;
    uint32_t restart; /* its number, if it is a new start */
    uint32_t checksum;
} rdc_py_step;

/* Converter of an int32 or None for PyArg_ParseTuple. */
int rdc_py_quality_of(PyObject *object, void *to);

/* Takes the ends of all steps for a call; -1 with an error set and none taken, where another thread has one. */
int rdc_py_steps_take(const rdc_py_state *state, const rdc_py_step *steps, Py_ssize_t count);

/* Gives the ends back, which stand behind their frames or where they were. */
void rdc_py_steps_leave(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, int is_done);

/* ---- Encoding: the functions below return -1 with an error set */

/* Values of h as the codec's place has them, of `axes` axes, checked: float32, finite, of the codec's channels, no more tokens than a
 * frame holds. *tokens are those of a row. A new reference, or NULL. */
PyObject *rdc_py_values_of(const rdc_py_state *state, PyObject *codec, PyObject *h, int axes, Py_ssize_t rows, Py_ssize_t *tokens);

/* The quality that a caller asks a codec for, a number or None. */
int rdc_py_checked_quality(const rdc_py_state *state, PyObject *codec, PyObject *object, rdc_py_quality *quality);

/* Codes the next frame of an end that is taken, of values [tokens, channels]. A new reference, or NULL. */
PyObject *rdc_py_step_encode(const rdc_py_state *state, rdc_py_step *step, PyObject *values, Py_ssize_t tokens, rdc_py_quality quality);

/* The frames of ends that are taken, a list, of values [rows, tokens, channels]. A new reference, or NULL. */
PyObject *rdc_py_steps_encode(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, PyObject *values, Py_ssize_t tokens,
                              rdc_py_quality quality);

/* ---- Decoding: ends that are taken, frames that are read, then their values */

/* The frame of the tuple that frame_read made. */
int rdc_py_step_take_tuple(rdc_py_step *step, PyObject *tuple);

/* The next frame, which takes all of the data, and decodes to no more than the limits, numbers or None. */
int rdc_py_step_take_frame(const rdc_py_state *state, rdc_py_step *step, PyObject *data, PyObject *max_tokens, PyObject *max_bytes);

/* Values [tokens, channels] of a frame that was read, an array or a tensor as the codec's place has them. A new reference, or NULL. */
PyObject *rdc_py_step_decode(const rdc_py_state *state, rdc_py_step *step);

/* Values [rows, tokens, channels] of frames of as many tokens likewise. */
PyObject *rdc_py_steps_decode(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count);

#endif

/* The extension module rdcodec._core: thin wrappers. Only csrc/python includes Python.h.
 * A wrapper parses, checks, allocates, gives the interpreter free around the C work, maps the error. */
#ifndef RDC_PYTHON_CORE_MODULE_H
#define RDC_PYTHON_CORE_MODULE_H

/* Slots of types and the NumPy API keep functions in object pointers, which ISO C does not allow but every system with dlopen does. */
#ifdef __GNUC__
#pragma GCC diagnostic ignored "-Wpedantic"
#endif

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL rdc_numpy_api
#ifndef RDC_PY_IMPORTS_NUMPY /* by core_module.c alone */
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include <stdatomic.h>
#include <stddef.h>

#include "rdc.h"

/* Names that the core asks codecs and their states for: a string made of a literal for each call takes as long as what it calls. */
typedef enum rdc_py_name {
    RDC_PY_CHANNELS,
    RDC_PY_MIN_QUALITY,
    RDC_PY_MAX_QUALITY,
    RDC_PY_PLACE,
    RDC_PY_SHAPE,
    RDC_PY_VALUES_OF,
    RDC_PY_CHECKED_QUALITY,
    RDC_PY_NEW_STATE,
    RDC_PY_MARK,
    RDC_PY_ROLLBACK,
    RDC_PY_ENCODE_TOKENS,
    RDC_PY_DECODE_TOKENS,
    RDC_PY_ENCODE_ROWS,
    RDC_PY_DECODE_ROWS,
    RDC_PY_NAMES,
} rdc_py_name;

/* All that the module remembers. */
typedef struct rdc_py_state {
    PyObject *rdcodec_error; /* the classes of rdcodec.errors */
    PyObject *corrupt_error;
    PyObject *version_error;
    PyObject *limit_error;
    PyObject *names[RDC_PY_NAMES];
    PyTypeObject *tables_type;
    PyTypeObject *decoder_type;
    PyTypeObject *exact_matrix_type;
    PyTypeObject *net_type;
    PyTypeObject *net_state_type;
    PyTypeObject *predictor_type;
    PyTypeObject *prediction_type;
    PyTypeObject *codec_type;
    PyTypeObject *end_type;
    rdc_cpu_level cpu;
    const rdc_rans_kernels *rans;
} rdc_py_state;

static inline rdc_py_state *rdc_py_state_of(PyObject *module) {
    return PyModule_GetState(module);
}

/* Gives the interpreter free around plain work on so many bytes, where that is more than giving it free takes. */
static inline PyThreadState *rdc_py_let_go(size_t bytes) {
    return bytes < 1 << 15 ? NULL : PyEval_SaveThread();
}

static inline void rdc_py_go_on(PyThreadState *thread) {
    if (thread) PyEval_RestoreThread(thread);
}

/* A type of the module, and where the state keeps it. */
typedef struct rdc_py_type {
    PyType_Spec *spec;
    size_t place; /* offset in rdc_py_state */
} rdc_py_type;

/* What a file of this folder adds to the module: functions, and up to two types. core_module.c has the list of all. */
typedef struct rdc_py_part {
    PyMethodDef *functions;
    rdc_py_type types[3]; /* ends with one that has no specification */
} rdc_py_part;

extern const rdc_py_part rdc_py_entropy_part, rdc_py_quant_part, rdc_py_dense_part, rdc_py_net_part, rdc_py_levels_part;
extern const rdc_py_part rdc_py_prediction_part, rdc_py_stream_part, rdc_py_codec_part, rdc_py_end_part, rdc_py_link_part;
extern const rdc_py_part rdc_py_estimators_part;

/* Raises the exception of a status; always NULL. */
PyObject *rdc_py_raise(const rdc_py_state *state, rdc_status status);

/* A C-contiguous, aligned array of native byte order and of this NumPy type, or NULL with a TypeError that names the argument. */
PyArrayObject *rdc_py_array(PyObject *object, const char *name, int type, const char *type_name);

/* A copy of an array that leads to addresses, which other threads cannot change once it is checked. A new reference, or NULL. */
PyArrayObject *rdc_py_own(PyArrayObject *array);

/* Such an array of float64 with two axes; NULL with an error set. */
PyArrayObject *rdc_py_matrix(const rdc_py_state *state, PyObject *object, const char *name);

/* The class of kernels called `name`, that of the module for NULL. Returns -1 with an error set if this machine has no such class. */
int rdc_py_cpu(const rdc_py_state *state, const char *name, rdc_cpu_level *cpu);

/* An object that one thread at a time may use is taken for a call, also where no lock of the interpreter keeps two threads apart, and
 * given back after it. Returns -1 with an error that names it when another thread has it. */
int rdc_py_take(const rdc_py_state *state, atomic_int *busy, const char *name);
void rdc_py_give_back(atomic_int *busy);

/* Writes a frame of a payload, an object with bytes: a bytes object, and frame->checksum. NULL with an error set. */
PyObject *rdc_py_frame_write(const rdc_py_state *state, rdc_frame *frame, PyObject *payload, uint32_t before);

/* Reads the frame at *at, after the `restarts`-th new start of its row; *at moves behind it. Returns -1 with an error set. */
int rdc_py_frame_read(const rdc_py_state *state, const Py_buffer *data, size_t *at, uint32_t before, uint32_t restarts, rdc_frame *frame);

/* Refuses what would decode to more than a caller wants, or expects from so few bytes. The limits are numbers or None. Returns -1 with
 * an error that says how to ask for more. */
int rdc_py_check_decoded_size(const rdc_py_state *state, uint64_t tokens, uint64_t channels, size_t coded_bytes, PyObject *max_tokens,
                              PyObject *max_bytes);

/* Numbers as little-endian bytes. */
PyObject *rdc_py_bytes_of(const int16_t *numbers, size_t count);

/* The numbers of such bytes, to be freed; NULL with an error that names the argument if there are not `count` of them. */
int16_t *rdc_py_numbers_of(const rdc_py_state *state, const Py_buffer *bytes, const char *name, size_t count);

/* The decoder within a Decoder object, taken for this call until rdc_py_decoder_release; NULL with an error when another thread
 * has it or the object is of another type. */
rdc_block_decoder *rdc_py_decoder_acquire(const rdc_py_state *state, PyObject *object);
void rdc_py_decoder_release(PyObject *object);

/* What is within an object of the module; NULL with a TypeError where it is of another type. */
const rdc_tables *rdc_py_tables(const rdc_py_state *state, PyObject *object);
const rdc_exact_matrix *rdc_py_exact_matrix(const rdc_py_state *state, PyObject *object);
const rdc_net *rdc_py_net(const rdc_py_state *state, PyObject *object);
const rdc_predictor *rdc_py_predictor(const rdc_py_state *state, PyObject *object);

/* The prediction within a Prediction object, taken for this call until rdc_py_prediction_release; NULL with an error likewise. */
rdc_prediction *rdc_py_prediction_acquire(const rdc_py_state *state, PyObject *object);
void rdc_py_prediction_release(PyObject *object);

/* The grid of a tuple, with copies of its arrays, which lead to addresses and must be those that were checked. To be freed; where -1
 * is returned with an error set, there is nothing to free. */
int rdc_py_grid(const rdc_py_state *state, PyObject *tuple, rdc_level_grid *grid);
void rdc_py_grid_free(rdc_level_grid *grid);

/* A uint8 or uint16 array likewise; NULL with a TypeError. */
PyArrayObject *rdc_py_index(PyObject *object, rdc_index *index);

#endif

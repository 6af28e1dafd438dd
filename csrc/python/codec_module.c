/* Codecs with a transform, for Python. */
#include "python/core_module.h"

#include <stdlib.h>

/* A codec, and what it points into. */
typedef struct codec_object {
    PyObject_HEAD
    rdc_codec *codec;
    PyObject *parts; /* a tuple: tables, predictor, synthesis, networks of steps and hyper-latents or None */
} codec_object;

static void codec_dealloc(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    codec_object *self = (codec_object *)object;
    rdc_codec_free(self->codec);
    Py_XDECREF(self->parts);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot codec_slots[] = {
    {Py_tp_dealloc, codec_dealloc},
    {Py_tp_doc, "A codec with a transform, made by codec_make."},
    {0, NULL},
};

static PyType_Spec codec_spec = {
    .name = "rdcodec._core.Codec",
    .basicsize = sizeof(codec_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = codec_slots,
};

/* ---- Making one ---- */

/* The arrays of a dict, as they are asked for. */
typedef struct array_reader {
    const rdc_py_state *state;
    PyObject *arrays;
    int failed; /* with an error set */
} array_reader;

/* The array of a name, of any number of elements or of `count`; NULL with an error set, also after an earlier failure. */
static PyArrayObject *array_of(array_reader *reader, const char *name, int type, const char *type_name) {
    if (reader->failed) return NULL;
    PyObject *object = PyDict_GetItemString(reader->arrays, name);
    PyArrayObject *array = object ? rdc_py_array(object, name, type, type_name) : NULL;
    if (!object) PyErr_Format(reader->state->rdcodec_error, "the codec lacks the array %s", name);
    reader->failed = !array;
    return array;
}

static const void *numbers_of(array_reader *reader, const char *name, int type, const char *type_name, size_t count) {
    PyArrayObject *array = array_of(reader, name, type, type_name);
    if (!array) return NULL;
    if ((size_t)PyArray_SIZE(array) == count) return PyArray_DATA(array);
    PyErr_Format(reader->state->rdcodec_error, "%s: expected %zd elements, got %zd", name, (Py_ssize_t)count, (Py_ssize_t)PyArray_SIZE(array));
    reader->failed = 1;
    return NULL;
}

static size_t count_of(array_reader *reader, const char *name, int type, const char *type_name) {
    PyArrayObject *array = array_of(reader, name, type, type_name);
    return array ? (size_t)PyArray_SIZE(array) : 0;
}

static rdc_codebook codebook_of(array_reader *reader, size_t components) {
    const size_t count = count_of(reader, "word_prior", NPY_INT32, "int32");
    const size_t compared = count_of(reader, "word_components", NPY_INT32, "int32");
    return (rdc_codebook){
        .codewords = numbers_of(reader, "words", NPY_INT16, "int16", count * components),
        .prior = numbers_of(reader, "word_prior", NPY_INT32, "int32", count),
        .count = count,
        .compared = numbers_of(reader, "word_components", NPY_INT32, "int32", compared),
        .compared_scale = numbers_of(reader, "word_code_scale", NPY_FLOAT32, "float32", compared),
        .compared_count = compared,
    };
}

/* Without a network, features are summed up. */
static rdc_step_rule step_rule_of(array_reader *reader, const rdc_net *net, size_t components) {
    rdc_step_rule rule = {.net = net, .count = count_of(reader, "step_offsets", NPY_INT32, "int32")};
    rule.offsets = numbers_of(reader, "step_offsets", NPY_INT32, "int32", rule.count);
    rule.thresholds = numbers_of(reader, "step_thresholds", NPY_INT64, "int64", rule.count - (rule.count > 0));
    if (net) return rule;
    rule.bands = count_of(reader, "band_weights", NPY_INT32, "int32");
    rule.feature_scale = numbers_of(reader, "feature_scale", NPY_FLOAT32, "float32", components);
    rule.feature_weights = numbers_of(reader, "feature_weights", NPY_INT32, "int32", components);
    rule.band_edges = numbers_of(reader, "band_edges", NPY_INT32, "int32", rule.bands + 1);
    rule.band_weights = numbers_of(reader, "band_weights", NPY_INT32, "int32", rule.bands);
    return rule;
}

/* A network or None; *net is NULL for the latter. Returns -1 with an error set. */
static int net_of(const rdc_py_state *state, PyObject *object, const rdc_net **net) {
    *net = object == Py_None ? NULL : rdc_py_net(state, object);
    return object == Py_None || *net ? 0 : -1;
}

/* The tuple of what a codec points into. */
static int pointed_of(const rdc_py_state *state, PyObject *tuple, rdc_codec_parts *parts) {
    PyObject *tables, *predictor, *synthesis, *steps, *latents;
    if (!PyArg_ParseTuple(tuple, "OOOOO:parts", &tables, &predictor, &synthesis, &steps, &latents)) return -1;
    if (!(parts->tables = rdc_py_tables(state, tables)) || !(parts->predictor = rdc_py_predictor(state, predictor))) return -1;
    if (!(parts->synthesis = rdc_py_exact_matrix(state, synthesis))) return -1;
    return net_of(state, steps, &parts->step.net) < 0 || net_of(state, latents, &parts->latents) < 0 ? -1 : 0;
}

static PyObject *codec_make(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    array_reader reader = {.state = state};
    PyObject *tuple;
    rdc_codec_parts parts = {0};
    if (!PyArg_ParseTuple(args, "O!O!ii:codec_make", &PyTuple_Type, &tuple, &PyDict_Type, &reader.arrays, &parts.gain_limit,
                          &parts.zero_scale)) return NULL;
    if (pointed_of(state, tuple, &parts) < 0) return NULL;
    const size_t components = parts.predictor->grid.components;
    parts.channels = count_of(&reader, "mean", NPY_FLOAT32, "float32");
    parts.mean = numbers_of(&reader, "mean", NPY_FLOAT32, "float32", parts.channels);
    parts.codebook = codebook_of(&reader, components);
    parts.step = step_rule_of(&reader, parts.step.net, components);
    if (reader.failed) return NULL;
    rdc_codec *codec;
    const rdc_status status = rdc_codec_make(&codec, &parts);
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    codec_object *self = (codec_object *)state->codec_type->tp_alloc(state->codec_type, 0);
    if (!self) {
        rdc_codec_free(codec);
        return NULL;
    }
    self->codec = codec;
    self->parts = Py_NewRef(tuple);
    return (PyObject *)self;
}

/* ---- Using one ---- */

static const rdc_codec *codec_of(const rdc_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->codec_type)) return ((codec_object *)object)->codec;
    PyErr_Format(PyExc_TypeError, "codec: expected Codec, got %.100s", Py_TYPE(object)->tp_name);
    return NULL;
}

/* An array [tokens, columns] and its tokens; NULL with an error set. */
static void *tokens_of(const rdc_py_state *state, PyObject *object, const char *name, int type, const char *type_name, size_t columns,
                       size_t *tokens) {
    PyArrayObject *array = rdc_py_array(object, name, type, type_name);
    if (!array) return NULL;
    if (PyArray_NDIM(array) != 2 || (size_t)PyArray_DIM(array, 1) != columns) {
        PyErr_Format(state->rdcodec_error, "%s: expected shape [tokens, %zd]", name, (Py_ssize_t)columns);
        return NULL;
    }
    *tokens = (size_t)PyArray_DIM(array, 0);
    return PyArray_DATA(array);
}

/* Predictions of rows, taken for a call. */
typedef struct taken_rows {
    PyObject *objects; /* a tuple, of which the first `count` are taken */
    size_t count;
    rdc_prediction **predictions;
} taken_rows;

static void give_back(taken_rows *taken) {
    for (size_t row = 0; row < taken->count; row++) rdc_py_prediction_release(PyTuple_GET_ITEM(taken->objects, (Py_ssize_t)row));
    free(taken->predictions);
}

/* Returns -1 with an error set; nothing is taken then. */
static int take_rows(const rdc_py_state *state, PyObject *tuple, taken_rows *taken) {
    const size_t rows = (size_t)PyTuple_GET_SIZE(tuple);
    *taken = (taken_rows){tuple, 0, malloc(rows * sizeof *taken->predictions + 1)};
    if (!taken->predictions) PyErr_NoMemory();
    for (; taken->predictions && taken->count < rows; taken->count++) {
        rdc_prediction *prediction = rdc_py_prediction_acquire(state, PyTuple_GET_ITEM(tuple, (Py_ssize_t)taken->count));
        if (!prediction) break;
        taken->predictions[taken->count] = prediction;
    }
    if (taken->predictions && taken->count == rows) return 0;
    give_back(taken);
    return -1;
}

/* The bytes of a payload that was coded; NULL with an error set. */
static PyObject *bytes_of_block(const rdc_coded_block *block) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rdc_coded_block_size(block));
    if (bytes) rdc_coded_block_write(block, (uint8_t *)PyBytes_AS_STRING(bytes));
    return bytes;
}

static PyObject *list_of_blocks(rdc_coded_block *const *blocks, size_t count) {
    PyObject *list = PyList_New((Py_ssize_t)count);
    for (size_t row = 0; list && row < count; row++) {
        PyObject *bytes = bytes_of_block(blocks[row]);
        if (bytes) PyList_SET_ITEM(list, (Py_ssize_t)row, bytes);
        else Py_CLEAR(list);
    }
    return list;
}

/* States [rows, tokens, channels] of as many rows; NULL with an error set. */
static const float *states_of(const rdc_py_state *state, PyObject *object, size_t rows, size_t channels, size_t *tokens) {
    PyArrayObject *h = rdc_py_array(object, "h", NPY_FLOAT32, "float32");
    if (!h) return NULL;
    const npy_intp *shape = PyArray_DIMS(h);
    if (PyArray_NDIM(h) == 3 && (size_t)shape[0] == rows && (size_t)shape[2] == channels) {
        *tokens = (size_t)shape[1];
        return PyArray_DATA(h);
    }
    PyErr_Format(state->rdcodec_error, "h: expected shape [%zd, tokens, %zd]", (Py_ssize_t)rows, (Py_ssize_t)channels);
    return NULL;
}

/* The bytes of payloads, which are freed, or the error of a status. */
static PyObject *encoded(const rdc_py_state *state, rdc_status status, rdc_coded_block **payloads, size_t rows) {
    PyObject *list = status.error == RDC_OK ? list_of_blocks(payloads, rows) : rdc_py_raise(state, status);
    for (size_t row = 0; payloads && row < rows; row++) rdc_coded_block_free(payloads[row]);
    free(payloads);
    return list;
}

static PyObject *codec_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *predictions, *analysis_object, *h_object;
    int quality;
    if (!PyArg_ParseTuple(args, "OO!OOi:codec_encode", &codec_object, &PyTuple_Type, &predictions, &analysis_object, &h_object,
                          &quality)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    const rdc_exact_matrix *analysis = codec ? rdc_py_exact_matrix(state, analysis_object) : NULL;
    if (!analysis) return NULL;
    const size_t rows = (size_t)PyTuple_GET_SIZE(predictions);
    size_t tokens;
    const float *h = states_of(state, h_object, rows, rdc_codec_channels(codec), &tokens);
    taken_rows taken;
    if (!h || take_rows(state, predictions, &taken) < 0) return NULL;
    rdc_coded_block **payloads = calloc(rows + 1, sizeof *payloads);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (payloads) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_encode(state->cpu, codec, analysis, taken.predictions, h, rows, tokens, quality, payloads);
        Py_END_ALLOW_THREADS
    }
    give_back(&taken);
    return encoded(state, status, payloads, rows);
}

/* Gains [rows, tokens] and components [rows, tokens, components] of states; -1 with an error set. */
static int components_of(const rdc_py_state *state, const rdc_codec *codec, PyObject *gains_object, PyObject *y_object, size_t rows,
                         PyArrayObject **gains, PyArrayObject **y) {
    *gains = rdc_py_array(gains_object, "gains", NPY_INT32, "int32");
    *y = *gains ? rdc_py_array(y_object, "y", NPY_FLOAT64, "float64") : NULL;
    if (!*y) return -1;
    const npy_intp components = (npy_intp)rdc_codec_components(codec), *shape = PyArray_DIMS(*y);
    const int is_fit = PyArray_NDIM(*gains) == 2 && PyArray_NDIM(*y) == 3 && (size_t)shape[0] == rows && shape[2] == components &&
                       PyArray_CompareLists(shape, PyArray_DIMS(*gains), 2);
    if (!is_fit) PyErr_Format(state->rdcodec_error, "y: expected shape [%zu, tokens, %zd], and gains of as many tokens", rows, (Py_ssize_t)components);
    return is_fit ? 0 : -1;
}

static PyObject *codec_encode_components(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *predictions, *gains_object, *y_object;
    int quality;
    if (!PyArg_ParseTuple(args, "OO!OOi:codec_encode_components", &codec_object, &PyTuple_Type, &predictions, &gains_object, &y_object,
                          &quality)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    const size_t rows = (size_t)PyTuple_GET_SIZE(predictions);
    PyArrayObject *gains, *y;
    taken_rows taken;
    if (!codec || components_of(state, codec, gains_object, y_object, rows, &gains, &y) < 0 || take_rows(state, predictions, &taken) < 0) {
        return NULL;
    }
    rdc_coded_block **payloads = calloc(rows + 1, sizeof *payloads);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (payloads) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_encode_components(state->cpu, codec, taken.predictions, PyArray_DATA(gains), PyArray_DATA(y), rows,
                                             (size_t)PyArray_DIM(gains, 1), quality, payloads);
        Py_END_ALLOW_THREADS
    }
    give_back(&taken);
    return encoded(state, status, payloads, rows);
}

static PyObject *codec_symbols(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *prediction_object, *analysis_object, *h_object;
    int quality;
    if (!PyArg_ParseTuple(args, "OOOOi:codec_symbols", &codec_object, &prediction_object, &analysis_object, &h_object, &quality)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    const rdc_exact_matrix *analysis = codec ? rdc_py_exact_matrix(state, analysis_object) : NULL;
    size_t tokens;
    const float *h = analysis ? tokens_of(state, h_object, "h", NPY_FLOAT32, "float32", rdc_codec_channels(codec), &tokens) : NULL;
    rdc_prediction *prediction = h ? rdc_py_prediction_acquire(state, prediction_object) : NULL;
    if (!prediction) return NULL;
    npy_intp count = (npy_intp)(tokens * (rdc_codec_kinds(codec) + rdc_codec_components(codec)));
    PyArrayObject *symbols = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_INT32);
    PyArrayObject *index = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_UINT16);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (symbols && index) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_symbols(state->cpu, codec, analysis, prediction, h, tokens, quality, PyArray_DATA(symbols), PyArray_DATA(index));
        Py_END_ALLOW_THREADS
    }
    rdc_py_prediction_release(prediction_object);
    if (status.error == RDC_OK) return Py_BuildValue("NN", symbols, index);
    Py_XDECREF(symbols);
    Py_XDECREF(index);
    return rdc_py_raise(state, status);
}

/* Payloads of a tuple of bytes-like objects, `count` of them. */
typedef struct held_payloads {
    rdc_payload *payloads;
    Py_buffer *buffers;
    size_t count;
} held_payloads;

static void let_go(held_payloads *held) {
    for (size_t row = 0; row < held->count; row++) PyBuffer_Release(&held->buffers[row]);
    free(held->buffers);
    free(held->payloads);
}

/* Returns -1 with an error set; nothing is held then. */
static int hold_payloads(PyObject *tuple, held_payloads *held) {
    const size_t rows = (size_t)PyTuple_GET_SIZE(tuple);
    *held = (held_payloads){malloc(rows * sizeof *held->payloads + 1), malloc(rows * sizeof *held->buffers + 1), 0};
    const int is_room = held->payloads && held->buffers;
    if (!is_room) PyErr_NoMemory();
    for (; is_room && held->count < rows; held->count++) {
        Py_buffer *buffer = &held->buffers[held->count];
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(tuple, (Py_ssize_t)held->count), buffer, PyBUF_SIMPLE) < 0) break;
        held->payloads[held->count] = (rdc_payload){buffer->buf, (size_t)buffer->len};
    }
    if (is_room && held->count == rows) return 0;
    let_go(held);
    return -1;
}

/* The array of tokens [rows, tokens, channels] that payloads hold. */
static PyObject *decode(const rdc_py_state *state, const rdc_codec *codec, const taken_rows *taken, const held_payloads *held,
                        size_t tokens, int quality) {
    npy_intp shape[3] = {(npy_intp)taken->count, (npy_intp)tokens, (npy_intp)rdc_codec_channels(codec)};
    PyArrayObject *h = (PyArrayObject *)PyArray_SimpleNew(3, shape, NPY_FLOAT32);
    if (!h) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_codec_decode(state->cpu, codec, taken->predictions, held->payloads, taken->count, tokens, quality, PyArray_DATA(h));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)h;
    Py_DECREF(h);
    return rdc_py_raise(state, status);
}

/* Gains [rows, tokens] and components [rows, tokens, components] that payloads hold. */
static PyObject *decode_components(const rdc_py_state *state, const rdc_codec *codec, const taken_rows *taken, const held_payloads *held,
                                   size_t tokens, int quality) {
    npy_intp shape[3] = {(npy_intp)taken->count, (npy_intp)tokens, (npy_intp)rdc_codec_components(codec)};
    PyArrayObject *gains = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT32);
    PyArrayObject *y = (PyArrayObject *)PyArray_SimpleNew(3, shape, NPY_FLOAT64);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (gains && y) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_decode_components(state->cpu, codec, taken->predictions, held->payloads, taken->count, tokens, quality,
                                             PyArray_DATA(gains), PyArray_DATA(y));
        Py_END_ALLOW_THREADS
    }
    if (status.error == RDC_OK) return Py_BuildValue("NN", gains, y);
    Py_XDECREF(gains);
    Py_XDECREF(y);
    return rdc_py_raise(state, status);
}

/* What payloads hold, as one of the two functions above makes it. */
static PyObject *decode_with(PyObject *module, PyObject *args,
                             PyObject *(*of_payloads)(const rdc_py_state *, const rdc_codec *, const taken_rows *, const held_payloads *, size_t,
                                                      int)) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *predictions, *payloads;
    Py_ssize_t tokens;
    int quality;
    if (!PyArg_ParseTuple(args, "OO!O!ni", &codec_object, &PyTuple_Type, &predictions, &PyTuple_Type, &payloads, &tokens,
                          &quality)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    if (!codec) return NULL;
    if (tokens < 0 || tokens > RDC_MAX_FRAME_TOKENS || PyTuple_GET_SIZE(payloads) != PyTuple_GET_SIZE(predictions)) {
        PyErr_Format(state->rdcodec_error, "payloads: expected one a row, of 0 to %d tokens, got %zd of %zd tokens", RDC_MAX_FRAME_TOKENS,
                     PyTuple_GET_SIZE(payloads), tokens);
        return NULL;
    }
    held_payloads held;
    taken_rows taken;
    if (hold_payloads(payloads, &held) < 0) return NULL;
    PyObject *decoded = NULL;
    if (take_rows(state, predictions, &taken) == 0) {
        decoded = of_payloads(state, codec, &taken, &held, (size_t)tokens, quality);
        give_back(&taken);
    }
    let_go(&held);
    return decoded;
}

static PyObject *codec_decode(PyObject *module, PyObject *args) {
    return decode_with(module, args, decode);
}

static PyObject *codec_decode_components(PyObject *module, PyObject *args) {
    return decode_with(module, args, decode_components);
}

/* The codewords of a codec, in its memory: an array that is not to be written to. */
static PyObject *codec_codewords(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:codec_codewords", &object)) return NULL;
    const rdc_codec *codec = codec_of(rdc_py_state_of(module), object);
    if (!codec) return NULL;
    size_t count;
    const int16_t *codewords = rdc_codec_codewords(codec, &count);
    npy_intp shape[2] = {(npy_intp)count, (npy_intp)rdc_codec_components(codec)};
    PyArrayObject *array = (PyArrayObject *)PyArray_SimpleNewFromData(2, shape, NPY_INT16, (void *)codewords);
    if (!array) return NULL;
    PyArray_CLEARFLAGS(array, NPY_ARRAY_WRITEABLE);
    if (PyArray_SetBaseObject(array, Py_NewRef(object)) < 0) Py_CLEAR(array);
    return (PyObject *)array;
}

static PyObject *codec_tame(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *h_object;
    if (!PyArg_ParseTuple(args, "OO:codec_tame", &codec_object, &h_object)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    size_t tokens;
    const float *h = codec ? tokens_of(state, h_object, "h", NPY_FLOAT32, "float32", rdc_codec_channels(codec), &tokens) : NULL;
    if (!h) return NULL;
    npy_intp shape[2] = {(npy_intp)tokens, (npy_intp)rdc_codec_channels(codec)};
    PyArrayObject *gains = (PyArrayObject *)PyArray_SimpleNew(1, shape, NPY_INT32);
    PyArrayObject *x = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT64);
    if (gains && x) {
        rdc_codec_tame(codec, h, tokens, PyArray_DATA(gains), PyArray_DATA(x));
        return Py_BuildValue("NN", gains, x);
    }
    Py_XDECREF(gains);
    Py_XDECREF(x);
    return NULL;
}

static PyObject *codec_choose(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *y_object;
    if (!PyArg_ParseTuple(args, "OO:codec_choose", &codec_object, &y_object)) return NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    size_t tokens;
    const double *y = codec ? tokens_of(state, y_object, "y", NPY_FLOAT64, "float64", rdc_codec_components(codec), &tokens) : NULL;
    if (!y) return NULL;
    npy_intp count = (npy_intp)tokens;
    PyArrayObject *codewords = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_INT32);
    PyArrayObject *steps = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_INT32);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (codewords && steps) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_choose(state->cpu, codec, y, tokens, PyArray_DATA(codewords), PyArray_DATA(steps));
        Py_END_ALLOW_THREADS
    }
    if (status.error == RDC_OK) return Py_BuildValue("NN", codewords, steps);
    Py_XDECREF(codewords);
    Py_XDECREF(steps);
    return rdc_py_raise(state, status);
}

/* ---- Codebooks ---- */

static PyObject *codebook_unpack(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *tables, *block_object, *exponents_object, *component_exponents_object, *classes_object;
    if (!PyArg_ParseTuple(args, "OOOOO:codebook_unpack", &tables, &block_object, &exponents_object, &component_exponents_object,
                          &classes_object)) return NULL;
    rdc_packed_codebook packed = {.tables = rdc_py_tables(state, tables)};
    PyArrayObject *block = packed.tables ? rdc_py_array(block_object, "words", NPY_UINT8, "uint8") : NULL;
    PyArrayObject *exponents = block ? rdc_py_array(exponents_object, "word_exponents", NPY_UINT8, "uint8") : NULL;
    PyArrayObject *component_exponents = exponents ? rdc_py_array(component_exponents_object, "component_exponents", NPY_UINT8, "uint8") : NULL;
    PyArrayObject *classes = component_exponents ? rdc_py_array(classes_object, "component_classes", NPY_UINT8, "uint8") : NULL;
    if (!classes) return NULL;
    npy_intp shape[2] = {PyArray_SIZE(exponents), PyArray_SIZE(component_exponents)};
    if (PyArray_SIZE(classes) != shape[1] || (shape[1] && shape[0] > (npy_intp)RDC_MAX_SYMBOLS / shape[1])) {
        return PyErr_Format(state->rdcodec_error, "component_classes: expected one a component, and at most 2^30 levels in all");
    }
    packed.block = PyArray_DATA(block);
    packed.block_size = (size_t)PyArray_SIZE(block);
    packed.exponents = PyArray_DATA(exponents);
    packed.component_exponents = PyArray_DATA(component_exponents);
    packed.component_classes = PyArray_DATA(classes);
    packed.count = (size_t)shape[0];
    packed.components = (size_t)shape[1];
    PyArrayObject *codewords = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_INT16);
    if (!codewords) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_codebook_unpack(state->cpu, &packed, PyArray_DATA(codewords));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)codewords;
    Py_DECREF(codewords);
    return rdc_py_raise(state, status);
}

static PyMethodDef functions[] = {
    {"codebook_unpack", codebook_unpack, METH_VARARGS, NULL},
    {"codec_make", codec_make, METH_VARARGS, NULL},
    {"codec_codewords", codec_codewords, METH_VARARGS, NULL},
    {"codec_encode", codec_encode, METH_VARARGS, NULL},
    {"codec_encode_components", codec_encode_components, METH_VARARGS, NULL},
    {"codec_symbols", codec_symbols, METH_VARARGS, NULL},
    {"codec_decode", codec_decode, METH_VARARGS, NULL},
    {"codec_decode_components", codec_decode_components, METH_VARARGS, NULL},
    {"codec_tame", codec_tame, METH_VARARGS, NULL},
    {"codec_choose", codec_choose, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_codec_part = {functions, {{&codec_spec, offsetof(rdc_py_state, codec_type)}}};

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

/* What both ways of encoding are given. */
typedef struct encoding {
    const rdc_codec *codec;
    const rdc_exact_matrix *analysis;
    PyObject *prediction;
    const float *h;
    size_t tokens;
    int quality;
} encoding;

static int encoding_of(const rdc_py_state *state, PyObject *args, encoding *given) {
    PyObject *codec, *analysis, *h;
    if (!PyArg_ParseTuple(args, "OOOOi", &codec, &given->prediction, &analysis, &h, &given->quality)) return -1;
    if (!(given->codec = codec_of(state, codec)) || !(given->analysis = rdc_py_exact_matrix(state, analysis))) return -1;
    given->h = tokens_of(state, h, "h", NPY_FLOAT32, "float32", rdc_codec_channels(given->codec), &given->tokens);
    return given->h ? 0 : -1;
}

static PyObject *bytes_of_block(const rdc_coded_block *block) {
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rdc_coded_block_size(block));
    if (bytes) rdc_coded_block_write(block, (uint8_t *)PyBytes_AS_STRING(bytes));
    return bytes;
}

static PyObject *codec_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    encoding given;
    rdc_prediction *prediction = encoding_of(state, args, &given) < 0 ? NULL : rdc_py_prediction_acquire(state, given.prediction);
    if (!prediction) return NULL;
    rdc_coded_block *payload = NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_codec_encode(state->cpu, given.codec, given.analysis, prediction, given.h, given.tokens, given.quality, &payload);
    Py_END_ALLOW_THREADS
    rdc_py_prediction_release(given.prediction);
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    PyObject *bytes = bytes_of_block(payload);
    rdc_coded_block_free(payload);
    return bytes;
}

static PyObject *codec_symbols(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    encoding given;
    rdc_prediction *prediction = encoding_of(state, args, &given) < 0 ? NULL : rdc_py_prediction_acquire(state, given.prediction);
    if (!prediction) return NULL;
    npy_intp count = (npy_intp)(given.tokens * (rdc_codec_kinds(given.codec) + rdc_codec_components(given.codec)));
    PyArrayObject *symbols = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_INT32);
    PyArrayObject *index = (PyArrayObject *)PyArray_SimpleNew(1, &count, NPY_UINT16);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (symbols && index) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_codec_symbols(state->cpu, given.codec, given.analysis, prediction, given.h, given.tokens, given.quality,
                                   PyArray_DATA(symbols), PyArray_DATA(index));
        Py_END_ALLOW_THREADS
    }
    rdc_py_prediction_release(given.prediction);
    if (status.error == RDC_OK) return Py_BuildValue("NN", symbols, index);
    Py_XDECREF(symbols);
    Py_XDECREF(index);
    return rdc_py_raise(state, status);
}

/* The array of tokens that a payload holds. */
static PyObject *decode(const rdc_py_state *state, const rdc_codec *codec, rdc_prediction *prediction, const Py_buffer *payload,
                        size_t tokens, int quality) {
    npy_intp shape[2] = {(npy_intp)tokens, (npy_intp)rdc_codec_channels(codec)};
    PyArrayObject *h = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_FLOAT32);
    if (!h) return NULL;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_codec_decode(state->cpu, codec, prediction, payload->buf, (size_t)payload->len, tokens, quality, PyArray_DATA(h));
    Py_END_ALLOW_THREADS
    if (status.error == RDC_OK) return (PyObject *)h;
    Py_DECREF(h);
    return rdc_py_raise(state, status);
}

static PyObject *codec_decode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *codec_object, *prediction_object;
    Py_buffer payload;
    Py_ssize_t tokens;
    int quality;
    if (!PyArg_ParseTuple(args, "OOy*ni:codec_decode", &codec_object, &prediction_object, &payload, &tokens, &quality)) return NULL;
    PyObject *h = NULL;
    const rdc_codec *codec = codec_of(state, codec_object);
    if (codec && (tokens < 0 || tokens > RDC_MAX_FRAME_TOKENS)) {
        PyErr_Format(state->rdcodec_error, "tokens: expected 0 to %d, got %zd", RDC_MAX_FRAME_TOKENS, tokens);
        codec = NULL;
    }
    rdc_prediction *prediction = codec ? rdc_py_prediction_acquire(state, prediction_object) : NULL;
    if (prediction) {
        h = decode(state, codec, prediction, &payload, (size_t)tokens, quality);
        rdc_py_prediction_release(prediction_object);
    }
    PyBuffer_Release(&payload);
    return h;
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

static PyMethodDef functions[] = {
    {"codec_make", codec_make, METH_VARARGS, NULL},
    {"codec_encode", codec_encode, METH_VARARGS, NULL},
    {"codec_symbols", codec_symbols, METH_VARARGS, NULL},
    {"codec_decode", codec_decode, METH_VARARGS, NULL},
    {"codec_tame", codec_tame, METH_VARARGS, NULL},
    {"codec_choose", codec_choose, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

int rdc_py_add_codec(PyObject *module) {
    rdc_py_state *state = rdc_py_state_of(module);
    state->codec_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &codec_spec, NULL);
    if (!state->codec_type || PyModule_AddType(module, state->codec_type) < 0) return -1;
    return PyModule_AddFunctions(module, functions);
}

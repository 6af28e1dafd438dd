/* Stream headers and frames for Python. */
#include "python/core_module.h"

/* What a stream may decode to where the caller names no limit, in bytes: no real codec compresses so much. */
#define DECODED_BYTES ((uint64_t)1 << 26)
#define DECODED_BYTES_A_BYTE 1024

static PyObject *header_write(PyObject *module, PyObject *args) {
    rdc_header header = {.batched = 0};
    int dtype;
    Py_buffer id;
    unsigned long long channels, rows, tokens;
    if (!PyArg_ParseTuple(args, "ipy*KKK:header_write", &dtype, &header.batched, &id, &channels, &rows, &tokens)) return NULL;
    const Py_ssize_t id_size = id.len;
    if (id_size == sizeof header.codec_id) memcpy(header.codec_id, id.buf, sizeof header.codec_id);
    PyBuffer_Release(&id);
    if (id_size != sizeof header.codec_id) {
        return PyErr_Format(rdc_py_state_of(module)->rdcodec_error, "codec_id: expected 8 bytes, got %zd", id_size);
    }
    header.dtype = (rdc_float_type)dtype;
    header.channels = channels;
    header.rows = rows;
    header.tokens = tokens;
    uint8_t bytes[RDC_HEADER_BOUND];
    size_t size;
    const rdc_status status = rdc_header_write(&header, bytes, &size);
    if (status.error != RDC_OK) return rdc_py_raise(rdc_py_state_of(module), status);
    return PyBytes_FromStringAndSize((const char *)bytes, (Py_ssize_t)size);
}

static PyObject *header_read(PyObject *module, PyObject *args) {
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "y*:header_read", &data)) return NULL;
    rdc_header header;
    size_t end;
    const rdc_status status = rdc_header_read(data.buf, (size_t)data.len, &header, &end);
    PyBuffer_Release(&data);
    if (status.error != RDC_OK) return rdc_py_raise(rdc_py_state_of(module), status);
    return Py_BuildValue("iNy#KKKn", (int)header.dtype, PyBool_FromLong(header.batched), header.codec_id,
                         (Py_ssize_t)sizeof header.codec_id, (unsigned long long)header.channels,
                         (unsigned long long)header.rows, (unsigned long long)header.tokens, (Py_ssize_t)end);
}

PyObject *rdc_py_frame_write(const rdc_py_state *state, rdc_frame *frame, PyObject *payload, uint32_t before) {
    Py_buffer data;
    if (PyObject_GetBuffer(payload, &data, PyBUF_SIMPLE) < 0) return NULL;
    frame->payload = data.buf;
    frame->payload_size = (size_t)data.len;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rdc_frame_bound(frame->payload_size));
    if (!bytes) {
        PyBuffer_Release(&data);
        return NULL;
    }
    size_t size = 0;
    PyThreadState *thread = rdc_py_let_go(frame->payload_size);
    const rdc_status status = rdc_frame_write(frame, before, (uint8_t *)PyBytes_AS_STRING(bytes), &size);
    rdc_py_go_on(thread);
    PyBuffer_Release(&data);
    if (status.error != RDC_OK) {
        Py_DECREF(bytes);
        return rdc_py_raise(state, status);
    }
    return _PyBytes_Resize(&bytes, (Py_ssize_t)size) < 0 ? NULL : bytes;
}

static PyObject *frame_write(PyObject *module, PyObject *args) {
    unsigned long long tokens;
    PyObject *payload, *quality;
    unsigned before, restart;
    if (!PyArg_ParseTuple(args, "KOOII:frame_write", &tokens, &payload, &quality, &before, &restart)) return NULL;
    rdc_frame frame = {.tokens = tokens, .restart = restart, .has_quality = quality != Py_None};
    if (frame.has_quality) frame.quality = (int32_t)PyLong_AsLong(quality);
    return PyErr_Occurred() ? NULL : rdc_py_frame_write(rdc_py_state_of(module), &frame, payload, before);
}

int rdc_py_frame_read(const rdc_py_state *state, const Py_buffer *data, size_t *at, uint32_t before, uint32_t restarts, rdc_frame *frame) {
    const Py_ssize_t start = (Py_ssize_t)*at;
    PyThreadState *thread = rdc_py_let_go((size_t)data->len - *at);
    const rdc_status status = rdc_frame_read(data->buf, (size_t)data->len, at, before, frame);
    rdc_py_go_on(thread);
    if (status.error != RDC_OK) {
        rdc_py_raise(state, status);
        return -1;
    }
    if (!frame->restart || frame->restart > restarts) return 0;
    PyErr_Format(state->corrupt_error, "byte %zd: new start %u of its row, expected one after %u", start, (unsigned)frame->restart, (unsigned)restarts);
    return -1;
}

static PyObject *frame_read(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    Py_buffer data;
    Py_ssize_t offset;
    unsigned before, restarts;
    if (!PyArg_ParseTuple(args, "y*nII:frame_read", &data, &offset, &before, &restarts)) return NULL;
    PyObject *result = NULL;
    rdc_frame frame;
    size_t at = (size_t)offset;
    if (offset < 0 || offset > data.len) {
        PyErr_Format(state->rdcodec_error, "offset: expected 0 to the %zd bytes of data, got %zd", data.len, offset);
    } else if (rdc_py_frame_read(state, &data, &at, before, restarts, &frame) == 0) {
        PyObject *quality = frame.has_quality ? PyLong_FromLong(frame.quality) : Py_NewRef(Py_None);
        result = Py_BuildValue("KNy#nII", (unsigned long long)frame.tokens, quality, frame.payload, (Py_ssize_t)frame.payload_size,
                               (Py_ssize_t)at, (unsigned)frame.checksum, (unsigned)frame.restart);
    }
    PyBuffer_Release(&data);
    return result;
}

/* Whether a size is above a limit, a number of Python; -1 with an error set where it is none. */
static int exceeds(uint64_t size, PyObject *limit) {
    PyObject *number = PyLong_FromUnsignedLongLong(size);
    const int is_above = number ? PyObject_RichCompareBool(number, limit, Py_GT) : -1;
    Py_XDECREF(number);
    return is_above;
}

int rdc_py_check_decoded_size(const rdc_py_state *state, uint64_t tokens, uint64_t channels, size_t coded_bytes, PyObject *max_tokens,
                              PyObject *max_bytes) {
    const int too_many = max_tokens == Py_None ? 0 : exceeds(tokens, max_tokens);
    if (too_many > 0) {
        PyErr_Format(state->limit_error, "%zu bytes claim %llu tokens: more than max_tokens=%S", coded_bytes, (unsigned long long)tokens, max_tokens);
    }
    if (too_many) return -1;
    const uint64_t size = 4 * tokens * channels, expected = DECODED_BYTES + DECODED_BYTES_A_BYTE * (uint64_t)coded_bytes;
    const int too_large = max_bytes == Py_None ? size > expected : exceeds(size, max_bytes);
    if (too_large <= 0) return too_large;
    PyObject *limit = max_bytes == Py_None ? PyLong_FromUnsignedLongLong(expected) : Py_NewRef(max_bytes);
    if (!limit) return -1;
    PyErr_Format(state->limit_error, "%zu bytes claim %llu tokens, %llu bytes of float32; give max_bytes=%llu to decode them, the limit is %S", coded_bytes,
                 (unsigned long long)tokens, (unsigned long long)size, (unsigned long long)size, limit);
    Py_DECREF(limit);
    return -1;
}

static PyObject *check_decoded_size(PyObject *module, PyObject *args) {
    unsigned long long tokens, channels;
    Py_ssize_t coded_bytes;
    PyObject *max_tokens, *max_bytes;
    if (!PyArg_ParseTuple(args, "KKnOO:check_decoded_size", &tokens, &channels, &coded_bytes, &max_tokens, &max_bytes)) return NULL;
    if (rdc_py_check_decoded_size(rdc_py_state_of(module), tokens, channels, (size_t)coded_bytes, max_tokens, max_bytes) < 0) return NULL;
    return Py_NewRef(Py_None);
}

static PyMethodDef functions[] = {
    {"header_write", header_write, METH_VARARGS, NULL},
    {"header_read", header_read, METH_VARARGS, NULL},
    {"frame_write", frame_write, METH_VARARGS, NULL},
    {"frame_read", frame_read, METH_VARARGS, NULL},
    {"check_decoded_size", check_decoded_size, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_stream_part = {functions, {{NULL, 0}}};

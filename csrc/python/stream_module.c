/* Stream headers and frames for Python. */
#include "python/core_module.h"

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

static PyObject *frame_write(PyObject *module, PyObject *args) {
    unsigned long long tokens;
    Py_buffer payload;
    PyObject *quality;
    unsigned before, restart;
    if (!PyArg_ParseTuple(args, "Ky*OII:frame_write", &tokens, &payload, &quality, &before, &restart)) return NULL;
    rdc_frame frame = {.tokens = tokens, .restart = restart, .payload = payload.buf, .payload_size = (size_t)payload.len};
    frame.has_quality = quality != Py_None;
    if (frame.has_quality) frame.quality = (int32_t)PyLong_AsLong(quality);
    PyObject *bytes = PyErr_Occurred() ? NULL : PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rdc_frame_bound(frame.payload_size));
    if (!bytes) {
        PyBuffer_Release(&payload);
        return NULL;
    }
    size_t size = 0;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_frame_write(&frame, before, (uint8_t *)PyBytes_AS_STRING(bytes), &size);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&payload);
    if (status.error != RDC_OK) {
        Py_DECREF(bytes);
        return rdc_py_raise(rdc_py_state_of(module), status);
    }
    if (_PyBytes_Resize(&bytes, (Py_ssize_t)size) < 0) return NULL;
    return Py_BuildValue("NI", bytes, (unsigned)frame.checksum);
}

static PyObject *frame_read(PyObject *module, PyObject *args) {
    Py_buffer data;
    Py_ssize_t offset;
    unsigned before;
    if (!PyArg_ParseTuple(args, "y*nI:frame_read", &data, &offset, &before)) return NULL;
    if (offset < 0 || offset > data.len) {
        PyErr_Format(rdc_py_state_of(module)->rdcodec_error, "offset: expected 0 to the %zd bytes of data, got %zd", data.len, offset);
        PyBuffer_Release(&data);
        return NULL;
    }
    size_t at = (size_t)offset;
    rdc_frame frame;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_frame_read(data.buf, (size_t)data.len, &at, before, &frame);
    Py_END_ALLOW_THREADS
    PyObject *result = NULL;
    if (status.error != RDC_OK) {
        rdc_py_raise(rdc_py_state_of(module), status);
    } else {
        PyObject *quality = frame.has_quality ? PyLong_FromLong(frame.quality) : Py_NewRef(Py_None);
        result = Py_BuildValue("KNy#nII", (unsigned long long)frame.tokens, quality, frame.payload, (Py_ssize_t)frame.payload_size,
                               (Py_ssize_t)at, (unsigned)frame.checksum, (unsigned)frame.restart);
    }
    PyBuffer_Release(&data);
    return result;
}

static PyMethodDef functions[] = {
    {"header_write", header_write, METH_VARARGS, NULL},
    {"header_read", header_read, METH_VARARGS, NULL},
    {"frame_write", frame_write, METH_VARARGS, NULL},
    {"frame_read", frame_read, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_stream_part = {functions, {{NULL, 0}}};

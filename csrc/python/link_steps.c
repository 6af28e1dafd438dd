#include "python/link_steps.h"

int rdc_py_quality_of(PyObject *object, void *to) {
    rdc_py_quality *quality = to;
    *quality = (rdc_py_quality){0, 0};
    if (object == Py_None) return 1;
    int overflows;
    const long value = PyLong_AsLongAndOverflow(object, &overflows);
    if (value == -1 && PyErr_Occurred()) return 0;
    if (overflows || value < INT32_MIN || value > INT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "quality: expected an integer within int32, got %S", object);
        return 0;
    }
    *quality = (rdc_py_quality){1, (int32_t)value};
    return 1;
}

static int is_same(rdc_py_quality a, rdc_py_quality b) {
    return a.known == b.known && a.value == b.value;
}

/* ---- Ends, from taking to leaving them ---- */

int rdc_py_steps_take(const rdc_py_state *state, const rdc_py_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (atomic_exchange(&steps[i].end->busy, 1) == 0) continue;
        while (i-- > 0) rdc_py_give_back(&steps[i].end->busy);
        PyErr_SetString(state->rdcodec_error, "another thread is using this encoder or decoder; it is for one at a time");
        return -1;
    }
    return 0;
}

static int begin(const rdc_py_state *state, rdc_py_step *step) {
    PyObject *const *names = state->names;
    PyObject *row = step->restart ? PyObject_CallMethodNoArgs(step->end->codec, names[RDC_PY_NEW_STATE]) : Py_NewRef(step->end->row);
    if (row) step->mark = row == Py_None ? Py_NewRef(row) : PyObject_CallMethodNoArgs(row, names[RDC_PY_MARK]);
    if (row && step->mark) {
        step->row = row;
        return 0;
    }
    Py_XDECREF(row);
    return -1;
}

/* The end stands behind its frame. */
static void finish(const rdc_py_step *step) {
    rdc_py_end *end = step->end;
    PyObject *left = end->row;
    end->row = Py_NewRef(step->row);
    end->quality = end->announced = step->quality;
    end->before = step->checksum;
    if (step->restart) end->restarts = step->restart;
    end->restarting = 0;
    Py_DECREF(left);
}

/* Takes back what has begun, under the error that is set. */
static void undo(const rdc_py_state *state, const rdc_py_step *step) {
    if (!step->row || step->row == Py_None) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *done = PyObject_CallMethodOneArg(step->row, state->names[RDC_PY_ROLLBACK], step->mark);
    if (!done) PyErr_WriteUnraisable(step->row);
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
}

void rdc_py_steps_leave(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, int is_done) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_done) finish(&steps[i]);
        else undo(state, &steps[i]);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        rdc_py_give_back(&steps[i].end->busy);
        Py_XDECREF(steps[i].row);
        Py_XDECREF(steps[i].mark);
        Py_XDECREF(steps[i].payload);
    }
}

/* Whether rows can be coded side by side: several of one quality, which hold tokens. */
static int are_alike(const rdc_py_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 1; i < count; i++) {
        if (!is_same(steps[i].quality, steps[0].quality)) return 0;
    }
    return count > 1 && steps[0].tokens;
}

/* A list of the rows, or of the payloads, of steps. */
static PyObject *list_of(const rdc_py_step *steps, Py_ssize_t count, int of_payloads) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) PyList_SET_ITEM(list, i, Py_NewRef(of_payloads ? steps[i].payload : steps[i].row));
    return list;
}

/* A number that a codec states; -1 with an error set. */
static int number_of(const rdc_py_state *state, PyObject *codec, rdc_py_name name, long *number) {
    PyObject *object = PyObject_GetAttr(codec, state->names[name]);
    *number = object ? PyLong_AsLong(object) : -1;
    Py_XDECREF(object);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

/* ---- Encoding ---- */

int rdc_py_checked_quality(const rdc_py_state *state, PyObject *codec, PyObject *object, rdc_py_quality *quality) {
    if (object == Py_None) return rdc_py_quality_of(object, quality) ? 0 : -1;
    PyObject *checked = PyObject_CallMethodOneArg(codec, state->names[RDC_PY_CHECKED_QUALITY], object);
    const int is_known = checked && rdc_py_quality_of(checked, quality);
    Py_XDECREF(checked);
    return is_known ? 0 : -1;
}

/* The shape of an array or a tensor, up to three numbers; the number of its axes, or -1 with an error set. */
static Py_ssize_t shape_of(const rdc_py_state *state, PyObject *values, Py_ssize_t shape[3]) {
    if (PyArray_Check(values)) {
        const int axes = PyArray_NDIM((PyArrayObject *)values);
        for (int i = 0; i < axes && i < 3; i++) shape[i] = PyArray_DIM((PyArrayObject *)values, i);
        return axes;
    }
    PyObject *sizes = PyObject_GetAttr(values, state->names[RDC_PY_SHAPE]);
    const Py_ssize_t axes = sizes ? PySequence_Size(sizes) : -1;
    for (Py_ssize_t i = 0; i < axes && i < 3; i++) {
        PyObject *size = PySequence_GetItem(sizes, i);
        shape[i] = size ? PyLong_AsSsize_t(size) : -1;
        Py_XDECREF(size);
    }
    Py_XDECREF(sizes);
    return PyErr_Occurred() ? -1 : axes;
}

/* Refuses values of another shape than a row or several of them, or of too many tokens. */
static int check_shape(const rdc_py_state *state, PyObject *values, int axes, Py_ssize_t rows, Py_ssize_t *tokens) {
    Py_ssize_t shape[3] = {0, 0, 0};
    const Py_ssize_t got = shape_of(state, values, shape);
    if (got < 0) return -1;
    if (got != axes || (axes == 3 && shape[0] != rows)) {
        PyObject *sizes = PyObject_GetAttr(values, state->names[RDC_PY_SHAPE]);
        if (sizes && axes == 2) PyErr_Format(state->rdcodec_error, "h: expected [tokens, channels], got shape %S", sizes);
        if (sizes && axes == 3) {
            PyErr_Format(state->rdcodec_error, "h: expected [rows, tokens, channels] of %zd rows, one an encoder, got shape %S", rows,
                         sizes);
        }
        Py_XDECREF(sizes);
        return -1;
    }
    *tokens = shape[axes - 2];
    if (*tokens <= RDC_MAX_FRAME_TOKENS) return 0;
    PyErr_Format(state->limit_error, "h: %zd tokens, a frame holds %d", *tokens, (int)RDC_MAX_FRAME_TOKENS);
    return -1;
}

/* Whether values are an array of so many channels and finite; -1 with an error set where it is none that the core takes. */
static int is_finite_array(PyObject *values, long channels) {
    if (!PyArray_Check(values)) return 0;
    PyArrayObject *array = rdc_py_array(values, "h", NPY_FLOAT32, "float32");
    if (!array) return -1;
    if (PyArray_DIM(array, PyArray_NDIM(array) - 1) != channels) return 0;
    const size_t n = (size_t)PyArray_SIZE(array);
    PyThreadState *thread = rdc_py_let_go(4 * n);
    const size_t first = rdc_first_not_finite(PyArray_DATA(array), n);
    rdc_py_go_on(thread);
    return first == n;
}

/* Finite values of the codec's channels. What is wrong with others, and with tensors on a device, their place finds. */
static int check_values(const rdc_py_state *state, PyObject *place, PyObject *codec, PyObject *values) {
    long channels;
    if (number_of(state, codec, RDC_PY_CHANNELS, &channels) < 0) return -1;
    const int is_fine = is_finite_array(values, channels);
    if (is_fine) return is_fine < 0 ? -1 : 0;
    PyObject *checked = PyObject_CallMethod(place, "check_values", "Ol", values, channels);
    Py_XDECREF(checked);
    return checked ? 0 : -1;
}

PyObject *rdc_py_values_of(const rdc_py_state *state, PyObject *codec, PyObject *h, int axes, Py_ssize_t rows, Py_ssize_t *tokens) {
    PyObject *place = PyObject_GetAttr(codec, state->names[RDC_PY_PLACE]);
    PyObject *named = place ? PyObject_CallMethodOneArg(place, state->names[RDC_PY_VALUES_OF], h) : NULL;
    PyObject *values = named ? PySequence_GetItem(named, 0) : NULL;
    if (values && (check_shape(state, values, axes, rows, tokens) < 0 || check_values(state, place, codec, values) < 0)) Py_CLEAR(values);
    Py_XDECREF(named);
    Py_XDECREF(place);
    return values;
}

/* What a codec's method makes of values, a quality, and what it remembers. */
static PyObject *payload_of(const rdc_py_state *state, rdc_py_name method, const rdc_py_step *step, PyObject *values, PyObject *memory) {
    PyObject *quality = PyLong_FromLong(step->quality.value);
    if (!quality) return NULL;
    PyObject *const arguments[] = {step->end->codec, values, quality, memory};
    PyObject *payload = PyObject_VectorcallMethod(state->names[method], arguments, 4, NULL);
    Py_DECREF(quality);
    return payload;
}

/* The payload of values [tokens, channels] of one row. */
static int encode_row(const rdc_py_state *state, rdc_py_step *step, PyObject *values) {
    if (!step->tokens) step->payload = PyBytes_FromStringAndSize(NULL, 0);
    else step->payload = payload_of(state, RDC_PY_ENCODE_TOKENS, step, values, step->row);
    return step->payload ? 0 : -1;
}

/* The payloads of values [rows, tokens, channels], rows side by side. */
static int encode_rows(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, PyObject *values) {
    PyObject *rows = list_of(steps, count, 0);
    if (!rows) return -1;
    PyObject *coded = payload_of(state, RDC_PY_ENCODE_ROWS, steps, values, rows);
    PyObject *payloads = coded ? PySequence_Fast(coded, "_encode_rows: expected a sequence of payloads") : NULL;
    Py_DECREF(rows);
    Py_XDECREF(coded);
    if (!payloads) return -1;
    const int is_whole = PySequence_Fast_GET_SIZE(payloads) == count;
    for (Py_ssize_t i = 0; is_whole && i < count; i++) steps[i].payload = Py_NewRef(PySequence_Fast_GET_ITEM(payloads, i));
    if (!is_whole)
        PyErr_Format(PyExc_ValueError, "_encode_rows: expected %zd payloads, got %zd", count, PySequence_Fast_GET_SIZE(payloads));
    Py_DECREF(payloads);
    return is_whole ? 0 : -1;
}

/* A row of values, an array or a tensor. */
static PyObject *row_of(PyObject *values, Py_ssize_t i) {
    PyObject *index = PyLong_FromSsize_t(i), *row = index ? PyObject_GetItem(values, index) : NULL;
    Py_XDECREF(index);
    return row;
}

/* The payloads of values [rows, tokens, channels]. */
static int encode_payloads(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, PyObject *values) {
    if (are_alike(steps, count)) return encode_rows(state, steps, count, values);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *row = row_of(values, i);
        const int failed = !row || encode_row(state, &steps[i], row) < 0;
        Py_XDECREF(row);
        if (failed) return -1;
    }
    return 0;
}

/* Begins the next frame of an end that is taken. */
static int ask(const rdc_py_state *state, rdc_py_step *step, Py_ssize_t tokens, rdc_py_quality quality) {
    step->tokens = (size_t)tokens;
    step->quality = quality.known ? quality : step->end->quality;
    step->restart = step->end->restarting ? step->end->restarts + 1 : 0;
    return begin(state, step);
}

/* The frame of a payload. */
static PyObject *frame_of(const rdc_py_state *state, rdc_py_step *step) {
    rdc_frame frame = {.tokens = step->tokens, .restart = step->restart, .quality = step->quality.value};
    frame.has_quality = step->restart || !is_same(step->quality, step->end->announced);
    PyObject *bytes = rdc_py_frame_write(state, &frame, step->payload, step->end->before);
    step->checksum = frame.checksum;
    return bytes;
}

PyObject *rdc_py_step_encode(const rdc_py_state *state, rdc_py_step *step, PyObject *values, Py_ssize_t tokens, rdc_py_quality quality) {
    return ask(state, step, tokens, quality) < 0 || encode_row(state, step, values) < 0 ? NULL : frame_of(state, step);
}

PyObject *rdc_py_steps_encode(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count, PyObject *values, Py_ssize_t tokens,
                              rdc_py_quality quality) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (ask(state, &steps[i], tokens, quality) < 0) return NULL;
    }
    if (encode_payloads(state, steps, count, values) < 0) return NULL;
    PyObject *frames = PyList_New(count);
    for (Py_ssize_t i = 0; frames && i < count; i++) {
        PyObject *frame = frame_of(state, &steps[i]);
        if (frame) PyList_SET_ITEM(frames, i, frame);
        else Py_CLEAR(frames);
    }
    return frames;
}

/* ---- Decoding ---- */

int rdc_py_step_take_tuple(rdc_py_step *step, PyObject *tuple) {
    PyObject *payload;
    unsigned long long tokens;
    Py_ssize_t end;
    unsigned checksum, restart;
    if (!PyArg_ParseTuple(tuple, "KO&OnII:frame", &tokens, rdc_py_quality_of, &step->quality, &payload, &end, &checksum, &restart))
        return -1;
    step->tokens = (size_t)tokens;
    step->payload = Py_NewRef(payload);
    step->checksum = checksum;
    step->restart = restart;
    return 0;
}

/* The frame that takes all of the data. */
static int read_frame(const rdc_py_state *state, rdc_py_step *step, const Py_buffer *data) {
    rdc_frame frame;
    size_t end = 0;
    if (rdc_py_frame_read(state, data, &end, step->end->before, step->end->restarts, &frame) < 0) return -1;
    if (end != (size_t)data->len) {
        PyErr_Format(state->corrupt_error, "byte %zd: %zd bytes after the frame", (Py_ssize_t)end, data->len - (Py_ssize_t)end);
        return -1;
    }
    step->tokens = (size_t)frame.tokens;
    step->quality = (rdc_py_quality){frame.has_quality, frame.quality};
    step->checksum = frame.checksum;
    step->restart = frame.restart;
    step->payload = PyBytes_FromStringAndSize((const char *)frame.payload, (Py_ssize_t)frame.payload_size);
    return step->payload ? 0 : -1;
}

int rdc_py_step_take_frame(const rdc_py_state *state, rdc_py_step *step, PyObject *data, PyObject *max_tokens, PyObject *max_bytes) {
    Py_buffer bytes;
    long channels;
    if (number_of(state, step->end->codec, RDC_PY_CHANNELS, &channels) < 0 || PyObject_GetBuffer(data, &bytes, PyBUF_SIMPLE) < 0) return -1;
    const size_t size = (size_t)bytes.len;
    const int failed = read_frame(state, step, &bytes) < 0;
    PyBuffer_Release(&bytes);
    return failed ? -1 : rdc_py_check_decoded_size(state, step->tokens, (uint64_t)channels, size, max_tokens, max_bytes);
}

/* The quality of a frame: what it states, or that of the frame before. */
static int settle_quality(const rdc_py_state *state, rdc_py_step *step) {
    if (!step->quality.known) step->quality = step->end->quality;
    if (!step->quality.known) {
        PyErr_SetString(state->corrupt_error, "byte 0: the first frame states no quality; it continues another row");
        return -1;
    }
    long least, most;
    PyObject *codec = step->end->codec;
    if (number_of(state, codec, RDC_PY_MIN_QUALITY, &least) < 0 || number_of(state, codec, RDC_PY_MAX_QUALITY, &most) < 0) return -1;
    if (least <= step->quality.value && step->quality.value <= most) return 0;
    PyErr_Format(state->corrupt_error, "the frame states quality %d, the codec has %ld to %ld", (int)step->quality.value, least, most);
    return -1;
}

/* Refuses payloads where there are no tokens. */
static int check_payload(const rdc_py_state *state, const rdc_py_step *step) {
    const Py_ssize_t size = step->tokens ? 0 : PyObject_Size(step->payload);
    if (size > 0) PyErr_Format(state->corrupt_error, "a frame of no tokens holds %zd bytes of them", size);
    return size ? -1 : 0;
}

/* Makes the ends ready for frames that were read: all are right before a row changes. */
static int begin_frames(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (settle_quality(state, &steps[i]) < 0 || check_payload(state, &steps[i]) < 0) return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (begin(state, &steps[i]) < 0) return -1;
    }
    return 0;
}

/* What a codec's method makes of payloads, a number of tokens, a quality, and what it remembers. */
static PyObject *decoded(const rdc_py_state *state, rdc_py_name method, const rdc_py_step *step, PyObject *payloads, PyObject *memory) {
    PyObject *tokens = PyLong_FromSize_t(step->tokens), *quality = PyLong_FromLong(step->quality.value), *values = NULL;
    if (tokens && quality) {
        PyObject *const arguments[] = {step->end->codec, payloads, tokens, quality, memory};
        values = PyObject_VectorcallMethod(state->names[method], arguments, 5, NULL);
    }
    Py_XDECREF(tokens);
    Py_XDECREF(quality);
    return values;
}

/* Values [tokens, channels] of one row. */
static PyObject *decode_row(const rdc_py_state *state, const rdc_py_step *step) {
    if (step->tokens) return decoded(state, RDC_PY_DECODE_TOKENS, step, step->payload, step->row);
    long channels;
    PyObject *codec = step->end->codec;
    PyObject *place = number_of(state, codec, RDC_PY_CHANNELS, &channels) < 0 ? NULL : PyObject_GetAttr(codec, state->names[RDC_PY_PLACE]);
    PyObject *values = place ? PyObject_CallMethod(place, "empty", "il", 0, channels) : NULL;
    Py_XDECREF(place);
    return values;
}

/* Values [rows, tokens, channels], rows side by side. */
static PyObject *decode_rows(const rdc_py_state *state, const rdc_py_step *steps, Py_ssize_t count) {
    PyObject *payloads = list_of(steps, count, 1), *rows = list_of(steps, count, 0);
    PyObject *values = payloads && rows ? decoded(state, RDC_PY_DECODE_ROWS, steps, payloads, rows) : NULL;
    Py_XDECREF(payloads);
    Py_XDECREF(rows);
    return values;
}

/* Values [1, tokens, channels] of one row, in the memory that they are in. */
static PyObject *decode_only(const rdc_py_state *state, const rdc_py_step *step) {
    PyObject *row = decode_row(state, step);
    if (row && !PyArray_Check(row)) { /* a tensor on another device */
        PyObject *values = PyObject_CallMethod(row, "unsqueeze", "i", 0);
        Py_DECREF(row);
        return values;
    }
    PyArrayObject *array = row ? (PyArrayObject *)PyArray_FROM_OTF(row, NPY_FLOAT32, NPY_ARRAY_CARRAY) : NULL;
    Py_XDECREF(row);
    if (!array) return NULL;
    npy_intp axes[3] = {1, (npy_intp)step->tokens, -1};
    if (!step->tokens) axes[2] = PyArray_DIM(array, PyArray_NDIM(array) - 1);
    PyArray_Dims shape = {axes, 3};
    PyObject *values = PyArray_Newshape(array, &shape, NPY_CORDER);
    Py_DECREF(array);
    return values;
}

/* Values [rows, tokens, channels], row after row. */
static PyObject *decode_each(const rdc_py_state *state, const rdc_py_step *steps, Py_ssize_t count) {
    PyObject *rows = PyList_New(count), *values = NULL;
    Py_ssize_t done = 0;
    while (rows && done < count) {
        PyObject *row = decode_row(state, &steps[done]);
        if (!row) break;
        PyList_SET_ITEM(rows, done++, row);
    }
    PyObject *place = rows && done == count ? PyObject_GetAttr(steps[0].end->codec, state->names[RDC_PY_PLACE]) : NULL;
    if (place) values = PyObject_CallMethod(place, "stack", "O", rows);
    Py_XDECREF(place);
    Py_XDECREF(rows);
    return values;
}

PyObject *rdc_py_step_decode(const rdc_py_state *state, rdc_py_step *step) {
    return begin_frames(state, step, 1) < 0 ? NULL : decode_row(state, step);
}

PyObject *rdc_py_steps_decode(const rdc_py_state *state, rdc_py_step *steps, Py_ssize_t count) {
    if (begin_frames(state, steps, count) < 0) return NULL;
    if (count == 1) return decode_only(state, steps);
    return are_alike(steps, count) ? decode_rows(state, steps, count) : decode_each(state, steps, count);
}

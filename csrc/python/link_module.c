/* The ends of live links for Python: what an encoder or a decoder of one row of tokens goes on with from frame to frame.
 *
 * What payloads mean is the codec's affair, a Python object whose methods are called for them. A call happens whole for all of its rows
 * or leaves all ends as they were. */
#include "python/core_module.h"

#include <structmember.h>

/* A quality, or none. */
typedef struct quality_or_none {
    int known;
    int32_t value;
} quality_or_none;

typedef struct end_object {
    PyObject_HEAD
    PyObject *codec;
    PyObject *row;             /* what the codec remembers of the tokens so far; None of a codec that remembers nothing */
    quality_or_none quality;   /* that the next frame goes on with */
    quality_or_none announced; /* that the last frame had, of an encoder */
    uint32_t before;           /* checksum of the last frame */
    uint32_t restarts;         /* number of the last new start */
    int restarting;            /* whether the next frame is one, of an encoder */
    atomic_int busy;
} end_object;

/* The next frame of an end, while it is coded. */
typedef struct link_step {
    end_object *end;
    PyObject *row; /* what the codec goes on with; NULL until the step has begun */
    PyObject *mark; /* where the row stood */
    PyObject *payload;
    size_t tokens;
    quality_or_none quality;
    uint32_t restart; /* its number, if it is a new start */
    uint32_t checksum;
} link_step;

/* Converter of an int32 or None for PyArg_ParseTuple. */
static int quality_of(PyObject *object, void *to) {
    quality_or_none *quality = to;
    *quality = (quality_or_none){0, 0};
    if (object == Py_None) return 1;
    int overflows;
    const long value = PyLong_AsLongAndOverflow(object, &overflows);
    if (value == -1 && PyErr_Occurred()) return 0;
    if (overflows || value < INT32_MIN || value > INT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "quality: expected an integer within int32, got %S", object);
        return 0;
    }
    *quality = (quality_or_none){1, (int32_t)value};
    return 1;
}

static PyObject *quality_object(quality_or_none quality) {
    return quality.known ? PyLong_FromLong(quality.value) : Py_NewRef(Py_None);
}

static int is_same(quality_or_none a, quality_or_none b) {
    return a.known == b.known && a.value == b.value;
}

/* ---- Steps ---- */

/* Takes the ends of all steps for a call; -1 with an error set and none taken, where another thread has one. */
static int take_ends(const rdc_py_state *state, const link_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (atomic_exchange(&steps[i].end->busy, 1) == 0) continue;
        while (i-- > 0) rdc_py_give_back(&steps[i].end->busy);
        PyErr_SetString(state->rdcodec_error, "another thread is using this encoder or decoder; it is for one at a time");
        return -1;
    }
    return 0;
}

static int begin(link_step *step) {
    PyObject *row = step->restart ? PyObject_CallMethod(step->end->codec, "_new_state", NULL) : Py_NewRef(step->end->row);
    if (row) step->mark = row == Py_None ? Py_NewRef(row) : PyObject_CallMethod(row, "mark", NULL);
    if (row && step->mark) {
        step->row = row;
        return 0;
    }
    Py_XDECREF(row);
    return -1;
}

static int begin_all(link_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (begin(&steps[i]) < 0) return -1;
    }
    return 0;
}

/* The end stands behind its frame. */
static void finish(const link_step *step) {
    end_object *end = step->end;
    PyObject *left = end->row;
    end->row = Py_NewRef(step->row);
    end->quality = end->announced = step->quality;
    end->before = step->checksum;
    if (step->restart) end->restarts = step->restart;
    end->restarting = 0;
    Py_DECREF(left);
}

/* Takes back what has begun, under the error that is set. */
static void undo(const link_step *step) {
    if (!step->row || step->row == Py_None) return;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *done = PyObject_CallMethod(step->row, "rollback", "O", step->mark);
    if (!done) PyErr_WriteUnraisable(step->row);
    Py_XDECREF(done);
    PyErr_Restore(type, value, traceback);
}

/* Gives the ends back, which stand behind their frames or where they were. */
static void leave_ends(link_step *steps, Py_ssize_t count, int is_done) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (is_done) finish(&steps[i]);
        else undo(&steps[i]);
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        rdc_py_give_back(&steps[i].end->busy);
        Py_XDECREF(steps[i].row);
        Py_XDECREF(steps[i].mark);
        Py_XDECREF(steps[i].payload);
    }
}

/* Whether rows can be coded side by side: several of one quality, which hold tokens. */
static int are_alike(const link_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 1; i < count; i++) {
        if (!is_same(steps[i].quality, steps[0].quality)) return 0;
    }
    return count > 1 && steps[0].tokens;
}

/* A list of the rows, or of the payloads, of steps. */
static PyObject *list_of(const link_step *steps, Py_ssize_t count, int of_payloads) {
    PyObject *list = PyList_New(count);
    for (Py_ssize_t i = 0; list && i < count; i++) PyList_SET_ITEM(list, i, Py_NewRef(of_payloads ? steps[i].payload : steps[i].row));
    return list;
}

/* ---- Encoding ---- */

/* The payload of one row of h. */
static int encode_row(link_step *step, PyObject *h) {
    if (!step->tokens) step->payload = PyBytes_FromStringAndSize(NULL, 0);
    else step->payload = PyObject_CallMethod(step->end->codec, "_encode_tokens", "OiO", h, (int)step->quality.value, step->row);
    return step->payload ? 0 : -1;
}

/* The payloads of h [rows, tokens, channels], rows side by side. */
static int encode_rows(link_step *steps, Py_ssize_t count, PyObject *h) {
    PyObject *rows = list_of(steps, count, 0);
    if (!rows) return -1;
    PyObject *coded = PyObject_CallMethod(steps[0].end->codec, "_encode_rows", "OiO", h, (int)steps[0].quality.value, rows);
    PyObject *payloads = coded ? PySequence_Fast(coded, "_encode_rows: expected a sequence of payloads") : NULL;
    Py_DECREF(rows);
    Py_XDECREF(coded);
    if (!payloads) return -1;
    const int is_whole = PySequence_Fast_GET_SIZE(payloads) == count;
    for (Py_ssize_t i = 0; is_whole && i < count; i++) steps[i].payload = Py_NewRef(PySequence_Fast_GET_ITEM(payloads, i));
    if (!is_whole) PyErr_Format(PyExc_ValueError, "_encode_rows: expected %zd payloads, got %zd", count, PySequence_Fast_GET_SIZE(payloads));
    Py_DECREF(payloads);
    return is_whole ? 0 : -1;
}

/* A row of h, an array or a tensor. */
static PyObject *row_of(PyObject *h, Py_ssize_t i) {
    PyObject *index = PyLong_FromSsize_t(i), *row = index ? PyObject_GetItem(h, index) : NULL;
    Py_XDECREF(index);
    return row;
}

/* The payloads of h [rows, tokens, channels]. */
static int encode_payloads(link_step *steps, Py_ssize_t count, PyObject *h) {
    if (are_alike(steps, count)) return encode_rows(steps, count, h);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *row = row_of(h, i);
        const int failed = !row || encode_row(&steps[i], row) < 0;
        Py_XDECREF(row);
        if (failed) return -1;
    }
    return 0;
}

/* The frame of a payload. */
static PyObject *frame_of(const rdc_py_state *state, link_step *step) {
    rdc_frame frame = {.tokens = step->tokens, .restart = step->restart, .quality = step->quality.value};
    frame.has_quality = step->restart || !is_same(step->quality, step->end->announced);
    PyObject *bytes = rdc_py_frame_write(state, &frame, step->payload, step->end->before);
    step->checksum = frame.checksum;
    return bytes;
}

/* Begins the next frame of an end that is taken. */
static void ask(link_step *step, size_t tokens, quality_or_none quality) {
    step->tokens = tokens;
    step->quality = quality.known ? quality : step->end->quality;
    step->restart = step->end->restarting ? step->end->restarts + 1 : 0;
}

/* ---- Decoding ---- */

/* A frame of the tuple that frame_read made. */
static int take_tuple(link_step *step, PyObject *tuple) {
    PyObject *payload;
    unsigned long long tokens;
    Py_ssize_t end;
    unsigned checksum, restart;
    if (!PyArg_ParseTuple(tuple, "KO&OnII:frame", &tokens, quality_of, &step->quality, &payload, &end, &checksum, &restart)) return -1;
    step->tokens = (size_t)tokens;
    step->payload = Py_NewRef(payload);
    step->checksum = checksum;
    step->restart = restart;
    return 0;
}

/* The next frame, which takes all of the data. */
static int take_frame(const rdc_py_state *state, link_step *step, const Py_buffer *data) {
    rdc_frame frame;
    size_t end = 0;
    if (rdc_py_frame_read(state, data, &end, step->end->before, step->end->restarts, &frame) < 0) return -1;
    if (end != (size_t)data->len) {
        PyErr_Format(state->corrupt_error, "byte %zd: %zd bytes after the frame", (Py_ssize_t)end, data->len - (Py_ssize_t)end);
        return -1;
    }
    step->tokens = (size_t)frame.tokens;
    step->quality = (quality_or_none){frame.has_quality, frame.quality};
    step->checksum = frame.checksum;
    step->restart = frame.restart;
    step->payload = PyBytes_FromStringAndSize((const char *)frame.payload, (Py_ssize_t)frame.payload_size);
    return step->payload ? 0 : -1;
}

/* A number that a codec states; -1 with an error set. */
static int number_of(PyObject *codec, const char *name, long *number) {
    PyObject *object = PyObject_GetAttrString(codec, name);
    *number = object ? PyLong_AsLong(object) : -1;
    Py_XDECREF(object);
    return *number == -1 && PyErr_Occurred() ? -1 : 0;
}

/* The quality of a frame: what it states, or that of the frame before. */
static int settle_quality(const rdc_py_state *state, link_step *step) {
    if (!step->quality.known) step->quality = step->end->quality;
    if (!step->quality.known) {
        PyErr_SetString(state->corrupt_error, "byte 0: the first frame states no quality; it continues another row");
        return -1;
    }
    long least, most;
    if (number_of(step->end->codec, "min_quality", &least) < 0 || number_of(step->end->codec, "max_quality", &most) < 0) return -1;
    if (least <= step->quality.value && step->quality.value <= most) return 0;
    PyErr_Format(state->corrupt_error, "the frame states quality %d, the codec has %ld to %ld", (int)step->quality.value, least, most);
    return -1;
}

/* Refuses payloads where there are no tokens. */
static int check_payload(const rdc_py_state *state, const link_step *step) {
    const Py_ssize_t size = step->tokens ? 0 : PyObject_Size(step->payload);
    if (size > 0) PyErr_Format(state->corrupt_error, "a frame of no tokens holds %zd bytes of them", size);
    return size ? -1 : 0;
}

/* Values [tokens, channels] of one row. */
static PyObject *decode_row(const link_step *step) {
    PyObject *codec = step->end->codec;
    const Py_ssize_t tokens = (Py_ssize_t)step->tokens;
    if (tokens) return PyObject_CallMethod(codec, "_decode_tokens", "OniO", step->payload, tokens, (int)step->quality.value, step->row);
    long channels;
    PyObject *place = number_of(codec, "channels", &channels) < 0 ? NULL : PyObject_GetAttrString(codec, "place");
    PyObject *h = place ? PyObject_CallMethod(place, "empty", "il", 0, channels) : NULL;
    Py_XDECREF(place);
    return h;
}

/* Values [rows, tokens, channels], rows side by side. */
static PyObject *decode_rows(const link_step *steps, Py_ssize_t count) {
    PyObject *payloads = list_of(steps, count, 1), *rows = list_of(steps, count, 0), *h = NULL;
    if (payloads && rows) {
        h = PyObject_CallMethod(steps[0].end->codec, "_decode_rows", "OniO", payloads, (Py_ssize_t)steps[0].tokens, (int)steps[0].quality.value, rows);
    }
    Py_XDECREF(payloads);
    Py_XDECREF(rows);
    return h;
}

/* Values [1, tokens, channels] of one row, in the memory that they are in. */
static PyObject *decode_only(const link_step *step) {
    PyObject *row = decode_row(step);
    if (row && !PyArray_Check(row)) { /* a tensor on another device */
        PyObject *h = PyObject_CallMethod(row, "unsqueeze", "i", 0);
        Py_DECREF(row);
        return h;
    }
    PyArrayObject *values = row ? (PyArrayObject *)PyArray_FROM_OTF(row, NPY_FLOAT32, NPY_ARRAY_CARRAY) : NULL;
    Py_XDECREF(row);
    if (!values) return NULL;
    npy_intp axes[3] = {1, (npy_intp)step->tokens, -1};
    if (!step->tokens) axes[2] = PyArray_DIM(values, PyArray_NDIM(values) - 1);
    PyArray_Dims shape = {axes, 3};
    PyObject *h = PyArray_Newshape(values, &shape, NPY_CORDER);
    Py_DECREF(values);
    return h;
}

/* Values [rows, tokens, channels], an array or a tensor as the codec's place has them. */
static PyObject *decode_all(const link_step *steps, Py_ssize_t count) {
    if (count == 1) return decode_only(steps);
    if (are_alike(steps, count)) return decode_rows(steps, count);
    PyObject *rows = PyList_New(count), *h = NULL;
    Py_ssize_t done = 0;
    while (rows && done < count) {
        PyObject *row = decode_row(&steps[done]);
        if (!row) break;
        PyList_SET_ITEM(rows, done++, row);
    }
    PyObject *place = rows && done == count ? PyObject_GetAttrString(steps[0].end->codec, "place") : NULL;
    if (place) h = PyObject_CallMethod(place, "stack", "O", rows);
    Py_XDECREF(place);
    Py_XDECREF(rows);
    return h;
}

/* Makes the ends ready for frames that were read. */
static int begin_frames(const rdc_py_state *state, link_step *steps, Py_ssize_t count) {
    for (Py_ssize_t i = 0; i < count; i++) {
        if (settle_quality(state, &steps[i]) < 0 || check_payload(state, &steps[i]) < 0) return -1;
    }
    return begin_all(steps, count);
}

/* ---- An end ---- */

static PyObject *end_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    if (kwargs && PyDict_GET_SIZE(kwargs)) {
        PyErr_Format(PyExc_TypeError, "%s: takes no arguments by name", type->tp_name);
        return NULL;
    }
    PyObject *codec, *row = NULL;
    quality_or_none quality = {0, 0}, announced = {0, 0};
    unsigned before = RDC_CHAIN_START, restarts = 0;
    int restarting = 0;
    if (!PyArg_ParseTuple(args, "OO&|OO&IIp", &codec, quality_of, &quality, &row, quality_of, &announced, &before, &restarts, &restarting)) return NULL;
    row = row ? Py_NewRef(row) : PyObject_CallMethod(codec, "_new_state", NULL);
    end_object *self = row ? (end_object *)type->tp_alloc(type, 0) : NULL;
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
    Py_VISIT(((end_object *)object)->codec);
    Py_VISIT(((end_object *)object)->row);
    return 0;
}

static int end_clear(PyObject *object) {
    Py_CLEAR(((end_object *)object)->codec);
    Py_CLEAR(((end_object *)object)->row);
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
    link_step step = {.end = (end_object *)object};
    if (take_ends(state_of(kind), &step, 1) < 0) return NULL;
    end_object *end = step.end;
    PyObject *row = end->row != Py_None && PyObject_IsTrue(args[0]) ? PyObject_CallMethod(end->row, "copy", NULL) : Py_NewRef(end->row);
    PyObject *parts = NULL;
    if (row) {
        parts = Py_BuildValue("ONNNIIi", end->codec, quality_object(end->quality), row, quality_object(end->announced), (unsigned)end->before,
                              (unsigned)end->restarts, end->restarting);
    }
    rdc_py_give_back(&end->busy);
    return parts;
}

static PyObject *end_restart(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)args, (void)names;
    if (count) return PyErr_Format(PyExc_TypeError, "_restart: takes no arguments");
    link_step step = {.end = (end_object *)object};
    if (take_ends(state_of(kind), &step, 1) < 0) return NULL;
    step.end->restarting = 1;
    rdc_py_give_back(&step.end->busy);
    return Py_NewRef(Py_None);
}

static PyObject *end_encode(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    quality_or_none quality;
    if (count != 2) return PyErr_Format(PyExc_TypeError, "_encode: expected values and a quality");
    if (!quality_of(args[1], &quality)) return NULL;
    const Py_ssize_t tokens = PyObject_Size(args[0]);
    link_step step = {.end = (end_object *)object};
    if (tokens < 0 || take_ends(state, &step, 1) < 0) return NULL;
    ask(&step, (size_t)tokens, quality);
    PyObject *frame = begin(&step) < 0 || encode_row(&step, args[0]) < 0 ? NULL : frame_of(state, &step);
    leave_ends(&step, 1, frame != NULL);
    return frame;
}

static PyObject *end_decode(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 3) return PyErr_Format(PyExc_TypeError, "_decode: expected a frame and two limits");
    Py_buffer data;
    long channels;
    link_step step = {.end = (end_object *)object};
    if (number_of(step.end->codec, "channels", &channels) < 0 || PyObject_GetBuffer(args[0], &data, PyBUF_SIMPLE) < 0) return NULL;
    PyObject *h = NULL;
    if (take_ends(state, &step, 1) == 0) {
        if (take_frame(state, &step, &data) == 0 &&
            rdc_py_check_decoded_size(state, step.tokens, (uint64_t)channels, (size_t)data.len, args[1], args[2]) == 0 &&
            begin_frames(state, &step, 1) == 0) h = decode_row(&step);
        leave_ends(&step, 1, h != NULL);
    }
    PyBuffer_Release(&data);
    return h;
}

static PyObject *end_decode_read(PyObject *object, PyTypeObject *kind, PyObject *const *args, Py_ssize_t count, PyObject *names) {
    (void)names;
    const rdc_py_state *state = state_of(kind);
    if (count != 1 || !PyTuple_Check(args[0])) return PyErr_Format(PyExc_TypeError, "_decode_read: expected a frame of frame_read");
    link_step step = {.end = (end_object *)object};
    if (take_ends(state, &step, 1) < 0) return NULL;
    PyObject *h = take_tuple(&step, args[0]) < 0 || begin_frames(state, &step, 1) < 0 ? NULL : decode_row(&step);
    leave_ends(&step, 1, h != NULL);
    return h;
}

/* As METH_METHOD asks for it, through a type that C knows by no other name. */
#define END_METHOD(name, function) {name, (PyCFunction)(void (*)(void))(function), METH_METHOD | METH_FASTCALL | METH_KEYWORDS, NULL}

static PyMethodDef end_methods[] = {
    END_METHOD("_parts", end_parts),   END_METHOD("_restart", end_restart),         END_METHOD("_encode", end_encode),
    END_METHOD("_decode", end_decode), END_METHOD("_decode_read", end_decode_read), {NULL, NULL, 0, NULL},
};

static PyMemberDef end_members[] = {
    {"_codec", T_OBJECT, offsetof(end_object, codec), READONLY, NULL},
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
    .basicsize = sizeof(end_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = end_slots,
};

/* ---- Several ends ---- */

/* Steps of a tuple of ends, to be freed; NULL with an error set. */
static link_step *steps_of(PyObject *ends) {
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    link_step *steps = PyMem_Calloc((size_t)count, sizeof *steps);
    if (!steps) PyErr_NoMemory();
    for (Py_ssize_t i = 0; steps && i < count; i++) steps[i].end = (end_object *)PyTuple_GET_ITEM(ends, i);
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
    PyObject *codec = ((end_object *)PyTuple_GET_ITEM(ends, 0))->codec;
    for (Py_ssize_t i = 1; i < count; i++) {
        const int is_one = is_one_codec(codec, ((end_object *)PyTuple_GET_ITEM(ends, i))->codec);
        if (is_one == 0) PyErr_Format(state->rdcodec_error, "%s: expected those of one codec", name);
        if (is_one <= 0) return NULL;
    }
    return codec;
}

static PyObject *link_codec(PyObject *module, PyObject *args) {
    PyObject *ends;
    const char *name;
    if (!PyArg_ParseTuple(args, "O!s:link_codec", &PyTuple_Type, &ends, &name)) return NULL;
    return Py_XNewRef(codec_of_ends(rdc_py_state_of(module), ends, name));
}

/* Frames of steps whose payloads are there. */
static PyObject *frames_of(const rdc_py_state *state, link_step *steps, Py_ssize_t count) {
    PyObject *frames = PyList_New(count);
    for (Py_ssize_t i = 0; frames && i < count; i++) {
        PyObject *frame = frame_of(state, &steps[i]);
        if (frame) PyList_SET_ITEM(frames, i, frame);
        else Py_CLEAR(frames);
    }
    return frames;
}

/* Tokens of h [rows, tokens, channels], a float32 array or a tensor on another device; -1 with an error set. */
static Py_ssize_t tokens_of_rows(const rdc_py_state *state, PyObject *h, Py_ssize_t rows) {
    Py_ssize_t shape[3];
    if (PyArray_Check(h)) {
        PyArrayObject *array = rdc_py_array(h, "h", NPY_FLOAT32, "float32");
        if (!array) return -1;
        if (PyArray_NDIM(array) == 3 && PyArray_DIM(array, 0) == rows) return PyArray_DIM(array, 1);
    } else {
        PyObject *sizes = PyObject_GetAttrString(h, "shape");
        if (!sizes) return -1;
        const int is_shape = PyTuple_Check(sizes) && PyArg_ParseTuple(sizes, "nnn", &shape[0], &shape[1], &shape[2]);
        Py_DECREF(sizes);
        if (is_shape && shape[0] == rows) return shape[1];
    }
    PyErr_Format(state->rdcodec_error, "h: expected [rows, tokens, channels] of %zd rows", rows);
    return -1;
}

static PyObject *link_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *ends, *object;
    quality_or_none quality;
    if (!PyArg_ParseTuple(args, "O!OO&:link_encode", &PyTuple_Type, &ends, &object, quality_of, &quality)) return NULL;
    const Py_ssize_t count = PyTuple_GET_SIZE(ends);
    const Py_ssize_t tokens = codec_of_ends(state, ends, "encoders") ? tokens_of_rows(state, object, count) : -1;
    if (tokens < 0) return NULL;
    link_step *steps = steps_of(ends);
    PyObject *frames = NULL;
    if (steps && take_ends(state, steps, count) == 0) {
        for (Py_ssize_t i = 0; i < count; i++) ask(&steps[i], (size_t)tokens, quality);
        if (begin_all(steps, count) == 0 && encode_payloads(steps, count, object) == 0) frames = frames_of(state, steps, count);
        leave_ends(steps, count, frames != NULL);
    }
    PyMem_Free(steps);
    return frames;
}

/* Reads a frame of a tuple for each step, of as many tokens. */
static int take_frames(const rdc_py_state *state, link_step *steps, PyObject *frames) {
    const Py_ssize_t count = PyTuple_GET_SIZE(frames);
    size_t least = RDC_MAX_FRAME_TOKENS, most = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_buffer data;
        long channels;
        if (number_of(steps[i].end->codec, "channels", &channels) < 0) return -1;
        if (PyObject_GetBuffer(PyTuple_GET_ITEM(frames, i), &data, PyBUF_SIMPLE) < 0) return -1;
        const int failed = take_frame(state, &steps[i], &data) < 0 || rdc_py_check_decoded_size(state, steps[i].tokens, (uint64_t)channels,
                                                                                                (size_t)data.len, Py_None, Py_None) < 0;
        PyBuffer_Release(&data);
        if (failed) return -1;
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
    link_step *steps = steps_of(ends);
    PyObject *h = NULL;
    if (steps && take_ends(state, steps, count) == 0) {
        if (take_frames(state, steps, frames) == 0 && begin_frames(state, steps, count) == 0) h = decode_all(steps, count);
        leave_ends(steps, count, h != NULL);
    }
    PyMem_Free(steps);
    return h;
}

static PyMethodDef functions[] = {
    {"link_codec", link_codec, METH_VARARGS, NULL},
    {"link_encode", link_encode, METH_VARARGS, NULL},
    {"link_decode", link_decode, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_link_part = {functions, {{&end_spec, offsetof(rdc_py_state, end_type)}}};

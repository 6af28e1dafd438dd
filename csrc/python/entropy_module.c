/* Frequency tables and rANS blocks for Python. */
#include "python/core_module.h"

/* ---- Tables ---- */

typedef struct tables_object {
    PyObject_HEAD
    rdc_tables *tables;
} tables_object;

static void tables_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    rdc_tables_free(((tables_object *)self)->tables);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyType_Slot tables_slots[] = {
    {Py_tp_dealloc, tables_dealloc},
    {Py_tp_doc, "Frequency tables, made by the tables_* functions."},
    {0, NULL},
};

static PyType_Spec tables_spec = {
    .name = "rdcodec._core.Tables",
    .basicsize = sizeof(tables_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = tables_slots,
};

const rdc_tables *rdc_py_tables(const rdc_py_state *state, PyObject *object) {
    if (PyObject_TypeCheck(object, state->tables_type)) return ((tables_object *)object)->tables;
    PyErr_Format(PyExc_TypeError, "tables: expected Tables, got %.100s", Py_TYPE(object)->tp_name);
    return NULL;
}

/* Wraps tables, which it owns from then on. */
static PyObject *tables_wrap(const rdc_py_state *state, rdc_tables *tables) {
    tables_object *self = (tables_object *)state->tables_type->tp_alloc(state->tables_type, 0);
    if (!self) {
        rdc_tables_free(tables);
        return NULL;
    }
    self->tables = tables;
    return (PyObject *)self;
}

/* What tables are made of, as copies that no other thread changes. */
typedef struct table_arrays {
    PyArrayObject *counts, *offsets, *frequencies;
    PyArrayObject *raw_bits, *run_counts, *runs; /* NULL without wide tables */
} table_arrays;

static void table_arrays_free(table_arrays *a) {
    Py_XDECREF(a->counts);
    Py_XDECREF(a->offsets);
    Py_XDECREF(a->frequencies);
    Py_XDECREF(a->raw_bits);
    Py_XDECREF(a->run_counts);
    Py_XDECREF(a->runs);
}

static PyArrayObject *own_array(PyObject *object, const char *name, int type, const char *type_name) {
    return rdc_py_own(rdc_py_array(object, name, type, type_name));
}

static int table_arrays_take(table_arrays *a, PyObject *counts, PyObject *offsets, PyObject *frequencies) {
    return (a->counts = own_array(counts, "counts", NPY_UINT32, "uint32")) && (a->offsets = own_array(offsets, "offsets", NPY_INT32, "int32")) &&
           (a->frequencies = own_array(frequencies, "frequencies", NPY_UINT16, "uint16"));
}

static int table_arrays_take_wide(table_arrays *a, PyObject *raw_bits, PyObject *run_counts, PyObject *runs) {
    if (raw_bits == Py_None) return 1;
    return (a->raw_bits = own_array(raw_bits, "raw_bits", NPY_UINT8, "uint8")) &&
           (a->run_counts = own_array(run_counts, "run_counts", NPY_UINT32, "uint32")) && (a->runs = own_array(runs, "runs", NPY_UINT32, "uint32"));
}

/* Whether there are as many of each as of the others; if not, an error is set. */
static int table_arrays_fit(const rdc_py_state *state, const table_arrays *a) {
    const Py_ssize_t tables = (Py_ssize_t)PyArray_SIZE(a->counts), entries = (Py_ssize_t)PyArray_SIZE(a->frequencies);
    if (tables != PyArray_SIZE(a->offsets)) {
        PyErr_Format(state->rdcodec_error, "offsets: expected one a table, %zd, got %zd", tables, (Py_ssize_t)PyArray_SIZE(a->offsets));
    } else if (a->runs && (PyArray_SIZE(a->raw_bits) != entries || PyArray_SIZE(a->run_counts) != tables)) {
        PyErr_Format(state->rdcodec_error, "raw_bits, run_counts: expected one an entry and one a table, %zd and %zd, got %zd and %zd", entries,
                     tables, (Py_ssize_t)PyArray_SIZE(a->raw_bits), (Py_ssize_t)PyArray_SIZE(a->run_counts));
    } else if (a->runs && (PyArray_NDIM(a->runs) != 2 || PyArray_DIM(a->runs, 1) != 2)) {
        PyErr_SetString(state->rdcodec_error, "runs: expected [runs, 2], a start and a length each");
    } else {
        return 1;
    }
    return 0;
}

static rdc_status tables_make(rdc_tables **tables, unsigned precision, const table_arrays *a) {
    rdc_wide_arrays wide = {0};
    if (a->runs) {
        wide = (rdc_wide_arrays){PyArray_DATA(a->raw_bits), PyArray_DATA(a->run_counts), PyArray_DATA(a->runs), (size_t)PyArray_DIM(a->runs, 0)};
    }
    return rdc_tables_create(tables, precision, (size_t)PyArray_SIZE(a->counts), PyArray_DATA(a->counts), PyArray_DATA(a->offsets),
                             PyArray_DATA(a->frequencies), (size_t)PyArray_SIZE(a->frequencies), a->runs ? &wide : NULL);
}

static PyObject *tables_create(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    unsigned precision;
    PyObject *counts, *offsets, *frequencies, *raw_bits, *run_counts, *runs, *made = NULL;
    if (!PyArg_ParseTuple(args, "IOOOOOO:tables_create", &precision, &counts, &offsets, &frequencies, &raw_bits, &run_counts, &runs)) return NULL;
    table_arrays a = {0};
    if (table_arrays_take(&a, counts, offsets, frequencies) && table_arrays_take_wide(&a, raw_bits, run_counts, runs) && table_arrays_fit(state, &a)) {
        rdc_tables *tables;
        rdc_status status;
        Py_BEGIN_ALLOW_THREADS
        status = tables_make(&tables, precision, &a);
        Py_END_ALLOW_THREADS
        made = status.error == RDC_OK ? tables_wrap(state, tables) : rdc_py_raise(state, status);
    }
    table_arrays_free(&a);
    return made;
}

static PyObject *tables_gaussian(PyObject *module, PyObject *Py_UNUSED(unused)) {
    const rdc_py_state *state = rdc_py_state_of(module);
    rdc_tables *tables;
    const rdc_status status = rdc_tables_create_gaussian(&tables);
    return status.error == RDC_OK ? tables_wrap(state, tables) : rdc_py_raise(state, status);
}

static PyObject *tables_export(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O!:tables_export", rdc_py_state_of(module)->tables_type, &object)) return NULL;
    const rdc_tables *tables = ((tables_object *)object)->tables;
    const npy_intp count = (npy_intp)rdc_tables_count(tables), total = (npy_intp)rdc_tables_total(tables);
    PyObject *counts = PyArray_SimpleNew(1, &count, NPY_UINT32);
    PyObject *offsets = PyArray_SimpleNew(1, &count, NPY_INT32);
    PyObject *frequencies = PyArray_SimpleNew(1, &total, NPY_UINT16);
    if (counts && offsets && frequencies) {
        rdc_tables_export(tables, PyArray_DATA((PyArrayObject *)counts), PyArray_DATA((PyArrayObject *)offsets),
                          PyArray_DATA((PyArrayObject *)frequencies));
        return Py_BuildValue("INNN", rdc_tables_precision(tables), counts, offsets, frequencies);
    }
    Py_XDECREF(counts);
    Py_XDECREF(offsets);
    Py_XDECREF(frequencies);
    return NULL;
}

static PyObject *tables_export_wide(PyObject *module, PyObject *args) {
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O!:tables_export_wide", rdc_py_state_of(module)->tables_type, &object)) return NULL;
    const rdc_tables *tables = ((tables_object *)object)->tables;
    const npy_intp count = (npy_intp)rdc_tables_count(tables), total = (npy_intp)rdc_tables_total(tables);
    const npy_intp runs_shape[] = {(npy_intp)rdc_tables_run_total(tables), 2};
    PyObject *raw_bits = PyArray_SimpleNew(1, &total, NPY_UINT8);
    PyObject *run_counts = PyArray_SimpleNew(1, &count, NPY_UINT32);
    PyObject *runs = PyArray_SimpleNew(2, runs_shape, NPY_UINT32);
    if (raw_bits && run_counts && runs) {
        rdc_tables_export_wide(tables, PyArray_DATA((PyArrayObject *)raw_bits), PyArray_DATA((PyArrayObject *)run_counts),
                               PyArray_DATA((PyArrayObject *)runs));
        return Py_BuildValue("NNN", raw_bits, run_counts, runs);
    }
    Py_XDECREF(raw_bits);
    Py_XDECREF(run_counts);
    Py_XDECREF(runs);
    return NULL;
}

static PyObject *code_lengths(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    Py_ssize_t first, symbols;
    if (!PyArg_ParseTuple(args, "O!nn:code_lengths", state->tables_type, &object, &first, &symbols)) return NULL;
    const rdc_tables *tables = ((tables_object *)object)->tables;
    const size_t count = rdc_tables_count(tables);
    if (first < 0 || (size_t)first > count) return rdc_py_raise(state, (rdc_status){RDC_ERROR_INDEX, 0, first});
    const npy_intp shape[] = {(npy_intp)count - first, symbols};
    PyArrayObject *lengths = (PyArrayObject *)PyArray_SimpleNew(2, shape, NPY_UINT16);
    if (!lengths) return NULL;
    Py_BEGIN_ALLOW_THREADS
    rdc_code_lengths(tables, (size_t)first, (size_t)symbols, PyArray_DATA(lengths));
    Py_END_ALLOW_THREADS
    return (PyObject *)lengths;
}

/* A new array of these axes; zeros where there are no numbers. */
static PyObject *array_of(const void *numbers, int axes, const npy_intp *shape, int type) {
    PyObject *array = PyArray_ZEROS(axes, (npy_intp *)shape, type, 0);
    if (array && numbers) memcpy(PyArray_DATA((PyArrayObject *)array), numbers, (size_t)PyArray_NBYTES((PyArrayObject *)array));
    return array;
}

static PyObject *pmf_round(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    int offset;
    unsigned precision;
    if (!PyArg_ParseTuple(args, "OiI:pmf_round", &object, &offset, &precision)) return NULL;
    PyArrayObject *pmf = rdc_py_own(rdc_py_array(object, "pmf", NPY_FLOAT64, "float64"));
    if (!pmf) return NULL;
    rdc_rounded rounded;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_pmf_round(PyArray_DATA(pmf), (size_t)PyArray_SIZE(pmf), offset, precision, &rounded);
    Py_END_ALLOW_THREADS
    Py_DECREF(pmf);
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    const npy_intp entries = rounded.count, runs_shape[] = {rounded.run_count, 2};
    PyObject *made = Py_BuildValue("iNNN", rounded.offset, array_of(rounded.frequencies, 1, &entries, NPY_UINT16),
                                   array_of(rounded.raw_bits, 1, &entries, NPY_UINT8), array_of(rounded.runs, 2, runs_shape, NPY_UINT32));
    rdc_rounded_free(&rounded);
    return made;
}

/* ---- Blocks ---- */

/* Tables, symbols and indices of an encoding function, checked. */
typedef struct symbols_args {
    const rdc_tables *tables;
    const int32_t *symbols;
    rdc_index index;
    size_t n;
} symbols_args;

static int symbols_check(const rdc_py_state *state, PyObject *tables, PyObject *symbols_object, PyObject *index_object,
                         symbols_args *a) {
    PyArrayObject *symbols = rdc_py_array(symbols_object, "symbols", NPY_INT32, "int32");
    PyArrayObject *index = symbols ? rdc_py_index(index_object, &a->index) : NULL;
    if (!index) return -1;
    if (!PyArray_SAMESHAPE(symbols, index)) {
        PyErr_Format(state->rdcodec_error, "index: expected the shape of symbols, one table a symbol, got %zd indices for %zd symbols",
                     (Py_ssize_t)PyArray_SIZE(index), (Py_ssize_t)PyArray_SIZE(symbols));
        return -1;
    }
    a->tables = ((tables_object *)tables)->tables;
    a->symbols = PyArray_DATA(symbols);
    a->n = (size_t)PyArray_SIZE(symbols);
    return 0;
}

static PyObject *block_encode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *tables, *symbols, *index;
    unsigned lanes, threads;
    symbols_args a;
    if (!PyArg_ParseTuple(args, "O!OOII:block_encode", state->tables_type, &tables, &symbols, &index, &lanes, &threads)) return NULL;
    if (symbols_check(state, tables, symbols, index, &a) < 0) return NULL;

    rdc_coded_block *coded;
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_block_encode(state->rans, a.tables, a.symbols, a.index, a.n, lanes, threads, &coded);
    Py_END_ALLOW_THREADS
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    PyObject *block = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)rdc_coded_block_size(coded));
    if (block) rdc_coded_block_write(coded, (uint8_t *)PyBytes_AS_STRING(block));
    rdc_coded_block_free(coded);
    return block;
}

static PyObject *ideal_bits(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *tables, *symbols, *index;
    symbols_args a;
    if (!PyArg_ParseTuple(args, "O!OO:ideal_bits", state->tables_type, &tables, &symbols, &index)) return NULL;
    if (symbols_check(state, tables, symbols, index, &a) < 0) return NULL;
    rdc_status status;
    double bits = 0;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_block_ideal_bits(a.tables, a.symbols, a.index, a.n, &bits);
    Py_END_ALLOW_THREADS
    return status.error == RDC_OK ? PyFloat_FromDouble(bits) : rdc_py_raise(state, status);
}

/* ---- Decoding ---- */

/* A decoder keeps its tables and its block. */
typedef struct decoder_object {
    PyObject_HEAD
    rdc_block_decoder decoder;
    PyObject *tables;
    Py_buffer block;
    atomic_int busy;
} decoder_object;

static void decoder_dealloc(PyObject *object) {
    decoder_object *self = (decoder_object *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyBuffer_Release(&self->block);
    Py_XDECREF(self->tables);
    type->tp_free(object);
    Py_DECREF(type);
}

static PyType_Slot decoder_slots[] = {
    {Py_tp_dealloc, decoder_dealloc},
    {Py_tp_doc, "A block that is being decoded, made by block_open."},
    {0, NULL},
};

static PyType_Spec decoder_spec = {
    .name = "rdcodec._core.Decoder",
    .basicsize = sizeof(decoder_object),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = decoder_slots,
};

/* A new int32 array of the shape of `index`. */
static PyArrayObject *symbols_like(PyArrayObject *index) {
    return (PyArrayObject *)PyArray_SimpleNew(PyArray_NDIM(index), PyArray_DIMS(index), NPY_INT32);
}

static PyObject *block_decode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *tables, *index_object;
    Py_buffer block;
    rdc_index index;
    unsigned threads;
    if (!PyArg_ParseTuple(args, "O!y*OI:block_decode", state->tables_type, &tables, &block, &index_object, &threads)) return NULL;
    PyArrayObject *index_array = rdc_py_index(index_object, &index);
    PyArrayObject *symbols = index_array ? symbols_like(index_array) : NULL;
    if (!symbols) {
        PyBuffer_Release(&block);
        return NULL;
    }
    rdc_status status;
    Py_BEGIN_ALLOW_THREADS
    status = rdc_block_decode_all(state->rans, ((tables_object *)tables)->tables, block.buf, (size_t)block.len,
                                  (size_t)PyArray_SIZE(index_array), index, threads, PyArray_DATA(symbols));
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&block);
    if (status.error == RDC_OK) return (PyObject *)symbols;
    Py_DECREF(symbols);
    return rdc_py_raise(state, status);
}

static PyObject *block_open(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *tables;
    Py_buffer block;
    Py_ssize_t n;
    if (!PyArg_ParseTuple(args, "O!y*n:block_open", state->tables_type, &tables, &block, &n)) return NULL;
    decoder_object *self = (decoder_object *)state->decoder_type->tp_alloc(state->decoder_type, 0);
    if (!self) {
        PyBuffer_Release(&block);
        return NULL;
    }
    self->block = block;
    self->tables = Py_NewRef(tables);
    const rdc_status status = rdc_block_open(&self->decoder, state->rans, ((tables_object *)tables)->tables, block.buf,
                                             (size_t)block.len, (size_t)n);
    if (status.error == RDC_OK) return (PyObject *)self;
    Py_DECREF(self);
    return rdc_py_raise(state, status);
}

rdc_block_decoder *rdc_py_decoder_acquire(const rdc_py_state *state, PyObject *object) {
    decoder_object *self = (decoder_object *)object;
    if (!PyObject_TypeCheck(object, state->decoder_type)) {
        PyErr_Format(PyExc_TypeError, "decoder: expected a Decoder, got %.100s", Py_TYPE(object)->tp_name);
        return NULL;
    }
    return rdc_py_take(state, &self->busy, "decoder") < 0 ? NULL : &self->decoder;
}

void rdc_py_decoder_release(PyObject *object) {
    rdc_py_give_back(&((decoder_object *)object)->busy);
}

static PyObject *decoder_decode(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object, *index_object;
    rdc_index index;
    if (!PyArg_ParseTuple(args, "OO:decoder_decode", &object, &index_object)) return NULL;
    PyArrayObject *index_array = rdc_py_index(index_object, &index);
    rdc_block_decoder *decoder = index_array ? rdc_py_decoder_acquire(state, object) : NULL;
    if (!decoder) return NULL;
    PyArrayObject *symbols = symbols_like(index_array);
    rdc_status status = {RDC_ERROR_MEMORY, 0, 0};
    if (symbols) {
        Py_BEGIN_ALLOW_THREADS
        status = rdc_block_decode(decoder, index, (size_t)PyArray_SIZE(index_array), PyArray_DATA(symbols));
        Py_END_ALLOW_THREADS
    }
    rdc_py_decoder_release(object);
    if (status.error == RDC_OK) return (PyObject *)symbols;
    Py_XDECREF(symbols);
    return rdc_py_raise(state, status);
}

static PyObject *decoder_finish(PyObject *module, PyObject *args) {
    const rdc_py_state *state = rdc_py_state_of(module);
    PyObject *object;
    if (!PyArg_ParseTuple(args, "O:decoder_finish", &object)) return NULL;
    const rdc_block_decoder *decoder = rdc_py_decoder_acquire(state, object);
    if (!decoder) return NULL;
    const rdc_status status = rdc_block_finish(decoder);
    rdc_py_decoder_release(object);
    if (status.error != RDC_OK) return rdc_py_raise(state, status);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"tables_create", tables_create, METH_VARARGS, NULL},
    {"tables_gaussian", tables_gaussian, METH_NOARGS, NULL},
    {"tables_export", tables_export, METH_VARARGS, NULL},
    {"code_lengths", code_lengths, METH_VARARGS, NULL},
    {"tables_export_wide", tables_export_wide, METH_VARARGS, NULL},
    {"pmf_round", pmf_round, METH_VARARGS, NULL},
    {"block_encode", block_encode, METH_VARARGS, NULL},
    {"block_decode", block_decode, METH_VARARGS, NULL},
    {"block_open", block_open, METH_VARARGS, NULL},
    {"decoder_decode", decoder_decode, METH_VARARGS, NULL},
    {"decoder_finish", decoder_finish, METH_VARARGS, NULL},
    {"ideal_bits", ideal_bits, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

const rdc_py_part rdc_py_entropy_part = {
    functions,
    {{&tables_spec, offsetof(rdc_py_state, tables_type)}, {&decoder_spec, offsetof(rdc_py_state, decoder_type)}},
};

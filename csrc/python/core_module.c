#define RDC_PY_IMPORTS_NUMPY
#include "python/core_module.h"

#include "base/threads.h"

static int import_errors(rdc_py_state *state) {
    PyObject *errors = PyImport_ImportModule("rdcodec.errors");
    if (!errors) return -1;
    state->rdcodec_error = PyObject_GetAttrString(errors, "RdcodecError");
    state->corrupt_error = PyObject_GetAttrString(errors, "CorruptStreamError");
    state->version_error = PyObject_GetAttrString(errors, "UnsupportedVersionError");
    state->limit_error = PyObject_GetAttrString(errors, "LimitError");
    Py_DECREF(errors);
    return state->rdcodec_error && state->corrupt_error && state->version_error && state->limit_error ? 0 : -1;
}

/* As in rdc_py_name. */
static const char *const names[RDC_PY_NAMES] = {
    "channels", "min_quality", "max_quality", "place",          "shape",          "values_of",    "_checked_quality",
    "_new_state", "mark",      "rollback",    "_encode_tokens", "_decode_tokens", "_encode_rows", "_decode_rows",
};

static int make_names(rdc_py_state *state) {
    for (size_t i = 0; i < RDC_PY_NAMES; i++) {
        state->names[i] = PyUnicode_InternFromString(names[i]);
        if (!state->names[i]) return -1;
    }
    return 0;
}

static int choose_kernels(rdc_py_state *state) {
    const char *name = getenv("RDCODEC_CPU");
    const rdc_status status = rdc_cpu_choose(name, &state->cpu);
    if (status.error != RDC_OK) {
        char text[128];
        rdc_error_text(status, text, sizeof text);
        PyErr_Format(state->rdcodec_error, "%s, got '%.50s'", text, name);
        return -1;
    }
    state->rans = rdc_rans_kernels_of(state->cpu);
    return 0;
}

static const char *compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

static PyObject *core_info(PyObject *module, PyObject *Py_UNUSED(unused)) {
#ifdef _OPENMP
    PyObject *openmp = Py_True;
#else
    PyObject *openmp = Py_False;
#endif
    return Py_BuildValue("{s:s, s:s, s:s, s:O, s:i}", "version", RDC_VERSION, "kernels",
                         rdc_cpu_name(rdc_py_state_of(module)->cpu), "compiler", compiler(), "openmp", openmp, "threads",
                         rdc_threads_allowed(0));
}

static PyObject *limit_threads(PyObject *Py_UNUSED(module), PyObject *args) {
    int most;
    if (!PyArg_ParseTuple(args, "i:limit_threads", &most)) return NULL;
    if (most < 1) return PyErr_Format(PyExc_ValueError, "most: expected 1 or more, got %d", most);
    rdc_threads_limit(most);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"info", core_info, METH_NOARGS, NULL},
    {"limit_threads", limit_threads, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* The files of this folder, in the order in which what they hold stands in the core. */
static const rdc_py_part *const parts[] = {
    &rdc_py_entropy_part,    &rdc_py_quant_part,  &rdc_py_dense_part, &rdc_py_net_part,        &rdc_py_levels_part,
    &rdc_py_prediction_part, &rdc_py_stream_part, &rdc_py_codec_part, &rdc_py_end_part,        &rdc_py_link_part,
    &rdc_py_estimators_part,
};
#define PARTS (sizeof parts / sizeof *parts)

static PyTypeObject **place_of(rdc_py_state *state, const rdc_py_type *type) {
    return (PyTypeObject **)(void *)((char *)state + type->place);
}

static int add_part(PyObject *module, const rdc_py_part *part) {
    for (const rdc_py_type *type = part->types; type->spec; type++) {
        PyTypeObject **made = place_of(rdc_py_state_of(module), type);
        *made = (PyTypeObject *)PyType_FromModuleAndSpec(module, type->spec, NULL);
        if (!*made || PyModule_AddType(module, *made) < 0) return -1;
    }
    return PyModule_AddFunctions(module, part->functions);
}

static int core_exec(PyObject *module) {
    rdc_py_state *state = rdc_py_state_of(module);
    if (_import_array() < 0 || import_errors(state) < 0 || make_names(state) < 0 || choose_kernels(state) < 0) return -1;
    for (size_t i = 0; i < PARTS; i++) {
        if (add_part(module, parts[i]) < 0) return -1;
    }
    return 0;
}

static int core_traverse(PyObject *module, visitproc visit, void *arg) {
    rdc_py_state *state = rdc_py_state_of(module);
    Py_VISIT(state->rdcodec_error);
    Py_VISIT(state->corrupt_error);
    Py_VISIT(state->version_error);
    Py_VISIT(state->limit_error);
    for (size_t i = 0; i < RDC_PY_NAMES; i++) Py_VISIT(state->names[i]);
    for (size_t i = 0; i < PARTS; i++) {
        for (const rdc_py_type *type = parts[i]->types; type->spec; type++) Py_VISIT(*place_of(state, type));
    }
    return 0;
}

static int core_clear(PyObject *module) {
    rdc_py_state *state = rdc_py_state_of(module);
    Py_CLEAR(state->rdcodec_error);
    Py_CLEAR(state->corrupt_error);
    Py_CLEAR(state->version_error);
    Py_CLEAR(state->limit_error);
    for (size_t i = 0; i < RDC_PY_NAMES; i++) Py_CLEAR(state->names[i]);
    for (size_t i = 0; i < PARTS; i++) {
        for (const rdc_py_type *type = parts[i]->types; type->spec; type++) Py_CLEAR(*place_of(state, type));
    }
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, core_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* nor does NumPy's array interface, which is one a process */
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_USED}, /* what is read of lists and arrays while they are checked must not change */
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "_core",
    .m_doc = "The C core of rdcodec. Private: use rdcodec.entropy and rdcodec.stream.",
    .m_size = sizeof(rdc_py_state),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = core_traverse,
    .m_clear = core_clear,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&definition);
}

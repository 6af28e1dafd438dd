"""The order of the layers, and what the project promises of its files."""

import ast
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rdcodec
from rdcodec import _core

ROOT = Path(__file__).parents[2]
CSRC = ROOT / "csrc"
SOURCES = sorted([*CSRC.rglob("*.c"), *CSRC.rglob("*.h")])

# Each layer may include what stands before it, and itself; entropy, quant and net stand side by side.
LAYERS = {
    "rdc": {"rdc"},
    "base": {"base"},
    "entropy": {"base", "entropy"},
    "quant": {"base", "quant"},
    "net": {"base", "net"},
    "references": {"base", "net", "references"},
    "levels": {"base", "entropy", "quant", "net", "references", "levels"},
    "stream": {"base", "entropy", "quant", "net", "references", "levels", "stream"},
    "codec": {"base", "entropy", "quant", "net", "references", "levels", "stream", "dense", "codec"},
    "dense": {"base", "dense"},
    "checkpoint": {"base", "entropy", "quant", "net", "references", "levels", "stream", "dense", "codec", "checkpoint"},
    "link": {"base", "entropy", "quant", "net", "references", "levels", "stream", "dense", "codec", "checkpoint", "link"},
    "estimators": {"base", "dense", "estimators"},
    "python": {"base", "entropy", "quant", "net", "references", "levels", "stream", "codec", "python"},
}
PUBLIC = "\n".join(path.read_text(encoding="utf-8") for path in sorted((CSRC / "rdc").glob("*.h")))


def includes(path):
    return re.findall(r'^\s*#\s*include\s*[<"]([^">]+)[">]', path.read_text(encoding="utf-8"), re.M)


def layer(path):
    return path.relative_to(CSRC).parts[0]


@pytest.mark.parametrize("path", [p for p in SOURCES if p.name != "rdc.h"], ids=lambda p: p.name)
def test_layers_include_only_what_stands_before_them(path):
    own = [name for name in includes(path) if (CSRC / name).exists() and name != "rdc.h"]
    assert {name.split("/")[0] for name in own} <= LAYERS[layer(path)]


def test_only_the_python_layer_knows_python():
    users = {layer(path) for path in SOURCES if any(name == "Python.h" or name.startswith("numpy/") for name in includes(path))}
    assert users == {"python"}


def test_file_names_are_unique():
    names = [path.name for path in SOURCES]
    assert sorted(set(names)) == sorted(names)


def test_public_functions_carry_the_prefix():
    code = re.sub(r"/\*.*?\*/", "", PUBLIC, flags=re.S)
    names = re.findall(r"^(?:\w[\w ]*[ *])(\w+)\(", code, re.M)
    assert len(names) > 20
    assert all(name.startswith("rdc_") for name in names)


def test_no_writable_globals():
    """Every file-level variable outside the Python layer, whose structures Python itself writes to, is a constant, but for two of
    csrc/base/threads.c, which says why these are no state of anything."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES if path.suffix == ".c" and layer(path) != "python")
    statics = re.findall(r"^static (?!inline)([^(){};=]*)(?:=|;|\[)", code, re.M)
    variables = [declaration.strip() for declaration in statics if "const" not in declaration]
    assert statics and variables == ["int forked", "_Thread_local int kept"]


def test_every_error_has_a_text():
    enum = PUBLIC.split("typedef enum rdc_error {")[1].split("}")[0]
    names = re.findall(r"\b(RDC_(?:OK|ERROR_\w+))\b", re.sub(r"/\*.*?\*/", "", enum, flags=re.S))
    texts = re.findall(r"\{(RDC_\w+),", (CSRC / "base" / "error.c").read_text(encoding="utf-8"))
    assert names == texts


def test_stub_is_the_module():
    stub = ast.parse((ROOT / "rdcodec" / "_core.pyi").read_text(encoding="utf-8"))
    functions = {node.name for node in stub.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name for node in stub.body if isinstance(node, ast.ClassDef)}
    public = {name: value for name, value in vars(_core).items() if not name.startswith("_")}
    assert functions == {name for name, value in public.items() if inspect.isbuiltin(value)}
    assert classes == {name for name, value in public.items() if inspect.isclass(value)}


def stub_arguments():
    stub = ast.parse((ROOT / "rdcodec" / "_core.pyi").read_text(encoding="utf-8"))
    return [(node.name, len(node.args.posonlyargs)) for node in stub.body if isinstance(node, ast.FunctionDef)]


@pytest.mark.parametrize(("name", "count"), stub_arguments())
def test_stub_knows_the_number_of_arguments(name, count):
    with pytest.raises(TypeError, match=rf"{count} argument|no arguments"):
        getattr(_core, name)(*[None] * (count + 1))


def run(program, **environment):
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env={**os.environ, **environment})


def test_import_needs_numpy_alone():
    program = (
        "import sys; import rdcodec, rdcodec.entropy, rdcodec.stream, rdcodec.reference, rdcodec.reference_store, rdcodec.store, rdcodec.estimators;"
        "found = {'torch', 'transformers', 'safetensors', 'scipy', 'typer'} & set(sys.modules); assert not found, found"
    )
    done = run(program)
    assert done.returncode == 0, done.stderr


def test_unknown_kernels_are_refused_at_import():
    done = run("import rdcodec.entropy", RDCODEC_CPU="avx9000")
    assert done.returncode != 0
    assert (
        "RdcodecError: RDCODEC_CPU: expected a class of kernels that this machine has, of scalar, neon, avx2, avx512, got 'avx9000'"
        in done.stderr
    )


def test_known_kernels_are_named():
    done = run("from rdcodec import _core; print(_core.info()['kernels'])", RDCODEC_CPU="scalar")
    assert done.stdout == "scalar\n"


def test_version_is_one():
    assert _core.info()["version"] == rdcodec.__version__
    assert f'#define RDC_VERSION "{rdcodec.__version__}"' in (CSRC / "rdc.h").read_text(encoding="utf-8")


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = rdcodec.nonsense
    assert {"Codec", "TransformCodec", "compress_at", "calibrate", "load_model"} <= set(dir(rdcodec))


@pytest.mark.parametrize("generated", ["base/crc32_data.h"])
def test_generated_files_are_what_their_generator_writes(generated):
    script = next((CSRC / generated).parent.glob(f"generate_{Path(generated).stem}.py"))
    names = {"__name__": "generator"}
    exec(compile(script.read_text(encoding="utf-8"), str(script), "exec"), names)
    assert names["header"]() == (CSRC / generated).read_text(encoding="utf-8")

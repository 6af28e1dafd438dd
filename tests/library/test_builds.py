"""What is built and installed, and what programs are linked with."""

import re
import subprocess

import pytest
from library_builds import MAKERS, ROOT, WARNINGS, build, flags, install, need, run, states

pytestmark = pytest.mark.slow

PUBLIC = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "csrc" / "rdc").glob("*.h")))


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The folder of a codec."""
    folder = tmp_path_factory.mktemp("codec")
    MAKERS["direct-access"]().save_pretrained(folder)
    return folder


def symbols(library, which):
    need("nm")
    said = subprocess.run(["nm", "-D", which, library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in said.splitlines()}


def declared():
    """Functions of the public headers that are not defined there."""
    code = re.sub(r"/\*.*?\*/", "", PUBLIC, flags=re.S)
    return set(re.findall(r"^(?!static|#| )(?:\w[\w ]*[ *])(rdc_\w+)\(", code, re.M))


def test_what_is_seen_from_outside_is_what_the_headers_say(prefix):
    assert len(declared()) > 100
    assert symbols(prefix / "lib" / "librdcodec.so", "--defined-only") == declared()


def test_nothing_of_python_is_needed(prefix):
    assert not [name for name in symbols(prefix / "lib" / "librdcodec.so", "--undefined-only") if name.startswith(("Py", "_Py"))]


def test_the_version_is_in_the_names(prefix):
    version = re.search(r'RDC_VERSION "(.*)"', (ROOT / "csrc" / "rdc.h").read_text(encoding="utf-8"))[1]
    library = prefix / "lib" / "librdcodec.so"
    assert library.resolve().name == f"librdcodec.so.{version}"
    assert flags(prefix, "--modversion") == [version]
    need("readelf")
    said = subprocess.run(["readelf", "--dynamic", library], capture_output=True, text=True, check=True).stdout
    assert f"[librdcodec.so.{version.rpartition('.')[0]}]" in said


def test_a_static_program(prefix, pipe, saved, tmp_path):
    need("cc")
    libraries = [*flags(prefix, "--cflags"), prefix / "lib" / "librdcodec.a", *flags(prefix, "--libs", "--static")]
    subprocess.run(["cc", ROOT / "examples" / "c" / "pipe.c", "-o", tmp_path / "pipe", *libraries], check=True)
    assert run(tmp_path / "pipe", "show", saved) == run(pipe, "show", saved)


@pytest.mark.parametrize(("compiler", "standard"), [("g++", "-std=c++11"), ("clang++", "-std=c++20"), ("clang", "-std=c11")])
def test_other_compilers_take_the_headers(prefix, pipe, saved, tmp_path, compiler, standard):
    language = ["-x", "c++"] if "++" in compiler else ["-x", "c"]
    made = build(prefix, tmp_path / "pipe", standard, *language, compiler=compiler)
    h = states(20).tobytes()
    assert run(made, "encode", saved, data=h) == run(pipe, "encode", saved, data=h)


def test_a_library_of_clang_without_openmp(pipe, saved, tmp_path):
    prefix = install(tmp_path, CC="clang", OPENMP=0)
    assert "-fopenmp" not in flags(prefix, "--libs", "--static")
    assert not [
        name for name in symbols(prefix / "lib" / "librdcodec.so", "--undefined-only") if name.startswith(("omp_", "GOMP", "__kmpc"))
    ]
    made = build(prefix, tmp_path / "pipe")
    h = states(20).tobytes()
    assert run(made, "encode", saved, data=h) == run(pipe, "encode", saved, data=h)


@pytest.mark.emulation
def test_a_static_program_with_another_c_library(pipe, saved, tmp_path):
    """musl's, of Alpine Linux and of the wheels for it."""
    prefix = install(tmp_path, CC="musl-gcc", OPENMP=0)
    libraries = ["-static", *flags(prefix, "--cflags"), prefix / "lib" / "librdcodec.a", *flags(prefix, "--libs", "--static")]
    subprocess.run(["musl-gcc", *WARNINGS, ROOT / "examples" / "c" / "pipe.c", "-o", tmp_path / "pipe", *libraries], check=True)
    h = states(20).tobytes()
    frames = run(pipe, "encode", saved, data=h)
    assert run(tmp_path / "pipe", "encode", saved, data=h) == frames
    assert run(tmp_path / "pipe", "decode", saved, data=frames) == run(pipe, "decode", saved, data=frames)


@pytest.mark.parametrize("header", sorted(path.name for path in (ROOT / "csrc" / "rdc").glob("*.h")))
def test_every_header_stands_alone(prefix, tmp_path, header):
    need("cc")
    (tmp_path / "alone.c").write_text(f"#include <rdc/{header}>\nint main(void) {{ return 0; }}\n")
    command = ["cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *flags(prefix, "--cflags"), "-c", tmp_path / "alone.c"]
    assert subprocess.run([*command, "-o", tmp_path / "alone.o"], capture_output=True, text=True).stderr == ""


def test_the_program_of_the_document(prefix, saved, tmp_path):
    document = (ROOT / "docs" / "c-library.md").read_text(encoding="utf-8")
    (tmp_path / "engine.c").write_text(re.search(r"^```c\n(.*?)^```", document, re.M | re.S)[1])
    made = build(prefix, tmp_path / "engine", source=tmp_path / "engine.c")
    assert run(made, saved) == b""
    assert run(made, tmp_path / "engine.c").startswith("safetensors: ")

"""The C core and the C programs that check it, built without Python: each build once for all tests."""

import atexit
import functools
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "csrc", ROOT / "tests" / "kernels", ROOT / "tests" / "fuzz"]
INCLUDES = [f"-I{folder}" for folder in FOLDERS]
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffp-contract=off", *INCLUDES]
SANITIZERS = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all", "-DSANITIZED"]

# The file with main, and what its program is linked with.
PROGRAMS = {
    "check_kernels": [],
    "check_memory": [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "free")],
    "check_threads": ["-pthread"],
    "replay": [],
}


class Build(NamedTuple):
    compiler: str
    flags: list = []
    emulator: list = []


BUILDS = {
    "native": Build("cc"),
    "sanitized-gcc": Build("gcc", SANITIZERS),
    "sanitized-clang": Build("clang", SANITIZERS),
    "threads": Build("gcc", ["-fsanitize=thread"]),  # without OpenMP, whose runtime ThreadSanitizer does not know
    "openmp": Build("cc", ["-fopenmp"]),
    "aarch64": Build("aarch64-linux-gnu-gcc", ["-static"], ["qemu-aarch64"]),
    "s390x": Build("s390x-linux-gnu-gcc", ["-static"], ["qemu-s390x"]),  # the bytes of its numbers stand in the other order
}


def sources():
    every = sorted(path for folder in FOLDERS for path in folder.rglob("*.c"))
    return [path for path in every if path.parent.name != "python" and path.name != "libfuzzer.c"]


@functools.cache
def folder_of(name):
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    return folder


@functools.cache
def what_is_missing(name):
    """Why there cannot be this build here, or None."""
    build, folder = BUILDS[name], folder_of(name)
    for tool in (build.compiler, *build.emulator):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    made = subprocess.run([build.compiler, *build.flags, probe, "-o", folder / "probe"], capture_output=True)
    return f"{build.compiler} lacks libraries for {' '.join(build.flags)}" if made.returncode != 0 else None


@functools.cache
def objects_of(name):
    """Compiles the sources on all processors."""
    build, folder = BUILDS[name], folder_of(name)

    def compile_source(source):
        made = folder / f"{source.stem}.o"
        done = subprocess.run([build.compiler, *FLAGS, *build.flags, "-c", source, "-o", made], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(compile_source, sources()))


@functools.cache
def program_of(name, program):
    build, folder = BUILDS[name], folder_of(name)
    objects = [made for made in objects_of(name) if made.stem == program or made.stem not in PROGRAMS]
    subprocess.run([build.compiler, *build.flags, *objects, *PROGRAMS[program], "-o", folder / program, "-lm"], check=True)
    return folder / program


def run(name, program, *arguments):
    """What a program of a build prints; the test is skipped where it cannot be built."""
    missing = what_is_missing(name)
    if missing:
        pytest.skip(missing)
    command = [*BUILDS[name].emulator, program_of(name, program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

"""The C core without Python: every level of kernels beside the scalar one, with sanitizers, and on other processors.

check_kernels.c says what is checked.
"""

import functools
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import golden_cases
import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
CORE = sorted(path for path in (ROOT / "csrc").rglob("*.c") if path.parent.name != "python")
CHECKS = sorted(Path(__file__).parent.glob("*.c"))
FLAGS = ["-std=c11", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-ffp-contract=off", f"-I{ROOT / 'csrc'}"]
SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-DSANITIZED"]
KINDS = ["block", "stream", "refused block", "refused header", "refused frame"]  # as golden.c counts them


class Build(NamedTuple):
    compiler: str
    flags: list = []
    emulator: list = []
    rounds: int = 0


BUILDS = {
    "native": Build("cc", rounds=2000),
    "sanitized-gcc": Build("gcc", SANITIZERS, rounds=200),
    "sanitized-clang": Build("clang", SANITIZERS, rounds=200),
    "aarch64": Build("aarch64-linux-gnu-gcc", ["-static"], ["qemu-aarch64"], 100),
    "s390x": Build("s390x-linux-gnu-gcc", ["-static"], ["qemu-s390x"], 100),  # the bytes of its numbers stand in the other order
}


def compile_program(build, folder):
    """Compiles the sources on all processors and links them."""

    def compile_source(source):
        made = folder / f"{source.stem}.o"
        done = subprocess.run([build.compiler, *FLAGS, *build.flags, "-c", source, "-o", made], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return made

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_source, CORE + CHECKS))
    program = folder / "check_kernels"
    subprocess.run([build.compiler, *build.flags, *objects, "-o", program, "-lm"], check=True)
    return program


def skip_without_tools(build, folder):
    for tool in (build.compiler, *build.emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    probe = folder / "probe.c"
    probe.write_text("int main(void) { return 0; }\n")
    made = subprocess.run([build.compiler, *build.flags, probe, "-o", folder / "probe"], capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"{build.compiler} lacks libraries for {' '.join(build.flags)}")


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """Makes the function that runs the program of a build and returns what it prints."""

    @functools.cache
    def runner_of(name):
        build, folder = BUILDS[name], tmp_path_factory.mktemp(name)
        skip_without_tools(build, folder)
        program = compile_program(build, folder)

        def run(*arguments):
            done = subprocess.run([*build.emulator, program, *map(str, arguments)], capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        return run

    return runner_of


@pytest.mark.parametrize("name", BUILDS)
def test_all_levels_do_what_the_scalar_one_does(runner, name):
    assert "levels: scalar" in runner(name)("--rounds", BUILDS[name].rounds)


@pytest.mark.parametrize("name", [name for name in BUILDS if name != "native"])
def test_all_machines_write_the_same_bytes(runner, name):
    assert runner(name)("--digest") == runner("native")("--digest")


def numbers(*values):
    return np.array(values, "<u4").tobytes()


def block_case(kind, symbols, index, lanes, block):
    return numbers(KINDS.index(kind), len(index), lanes or 0, len(block)) + index.tobytes() + block + symbols.astype("<i4").tobytes()


def golden_file():
    """All golden files as the cases that golden.c reads."""
    files = {path.stem: path.read_bytes() for path in (ROOT / "tests" / "golden").glob("must_*/*.bin")}
    del files["frames-direct-access"]  # which Python takes apart; its integers are checked as predictions and exact products
    blocks = golden_cases.block_cases()
    cases = [block_case("block", *case, files.pop(name)) for name, case in blocks.items()]
    nothing, index = np.zeros(0, np.int32), blocks["block-escapes-8-lanes"][1]
    for name, data in files.items():
        kind = name.split("-")[0] if name.startswith("stream") else f"refused {name.split('-')[0]}"
        if kind == "refused block":
            cases.append(block_case(kind, nothing, index, None, data))
        else:
            cases.append(numbers(KINDS.index(kind), len(data)) + data)
    return b"".join(cases), len(cases)


@pytest.mark.parametrize("name", BUILDS)
def test_golden_files_are_read_and_written(runner, name, tmp_path):
    content, count = golden_file()
    (tmp_path / "cases").write_bytes(content)
    assert runner(name)("--golden", tmp_path / "cases") == f"golden files: {count} cases\n"

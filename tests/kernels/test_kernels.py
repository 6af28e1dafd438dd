"""The C core without Python: every level of kernels beside the scalar one, with sanitizers, and on other processors.

check_kernels.c says what is checked.
"""

import golden_cases
import numpy as np
import pytest
from core_builds import ROOT, run

ROUNDS = {"native": 1000, "sanitized-gcc": 100, "sanitized-clang": 100, "threads": 25, "openmp": 100, "aarch64": 100, "s390x": 100}
KINDS = ["block", "stream", "refused block", "refused header", "refused frame"]  # as golden.c counts them


@pytest.mark.parametrize("name", ROUNDS)
def test_all_levels_do_what_the_scalar_one_does(name):
    assert "levels: scalar" in run(name, "check_kernels", "--rounds", ROUNDS[name])


@pytest.mark.parametrize("name", [name for name in ROUNDS if name != "native"])
def test_all_machines_write_the_same_bytes(name):
    assert run(name, "check_kernels", "--digest") == run("native", "check_kernels", "--digest")


def numbers(*values):
    return np.array(values, "<u4").tobytes()


def block_case(kind, symbols, index, lanes, block):
    return numbers(KINDS.index(kind), len(index), lanes or 0, len(block)) + index.tobytes() + block + symbols.astype("<i4").tobytes()


def golden_file():
    """All golden files as the cases that golden.c reads."""
    files = {path.stem: path.read_bytes() for path in (ROOT / "tests" / "golden").glob("must_*/*.bin")}
    for name in golden_cases.CODECS:  # which Python takes apart; their integers are checked as predictions and exact products
        del files[name]
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


@pytest.mark.parametrize("name", ROUNDS)
def test_golden_files_are_read_and_written(name, tmp_path):
    content, count = golden_file()
    (tmp_path / "cases").write_bytes(content)
    assert run(name, "check_kernels", "--golden", tmp_path / "cases") == f"golden files: {count} cases\n"

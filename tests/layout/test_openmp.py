"""OpenMP as every compiler has it: version 2.0, whose loops count in signed integers; what is of later versions is guarded."""

import re
from pathlib import Path

import pytest

SOURCES = sorted((Path(__file__).parents[2] / "csrc").rglob("*.c"))
DIRECTIVE = re.compile(r"^#pragma omp (.*)\n#endif\n(.*)", re.MULTILINE)


def directives(path):
    """Pairs of an OpenMP directive and the line behind it."""
    return DIRECTIVE.findall(path.read_text(encoding="utf-8"))


def test_there_are_some():
    assert sum(len(directives(path)) for path in SOURCES) > 10


@pytest.mark.parametrize("path", [path for path in SOURCES if directives(path)], ids=lambda path: path.stem)
def test_directives_are_those_of_version_2(path):
    text = path.read_text(encoding="utf-8")
    for directive, line in directives(path):
        if directive.startswith("parallel for"):
            assert line.strip().startswith("for (int64_t "), directive
            assert not re.search(r"collapse|schedule\(auto|reduction\((max|min)", directive)
        else:
            assert "_OPENMP >= 200805" in text and "#if HAS_TASKS" in text, directive

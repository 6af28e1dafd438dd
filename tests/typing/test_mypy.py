"""What a type checker says of programs that use rdcodec, and of the stub of its core."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from public_names import names

pytest.importorskip("mypy")
pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SETTINGS = "[mypy]\nstrict = true\n[mypy-transformers.*]\nfollow_imports = skip\n"  # it takes a minute to follow
RIGHT, WRONG = (HERE / name for name in ("every_name.py", "wrong_types.py"))


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Of each program, the lines that mypy --strict refuses, with what it says."""
    folder = tmp_path_factory.mktemp("mypy")
    (folder / "mypy.ini").write_text(SETTINGS)
    command = [sys.executable, "-m", "mypy", "--config-file", folder / "mypy.ini", "--cache-dir", folder, RIGHT, WRONG]
    # from elsewhere, so that the package is what users have: installed, and not the program that is checked
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    said = subprocess.run(list(map(str, command)), capture_output=True, text=True, cwd=folder, env=environment).stdout
    found = {RIGHT.name: {}, WRONG.name: {}}
    for name, line, message in re.findall(r"^(?:.*/)?(\w+\.py):(\d+): error: (.*)$", said, re.MULTILINE):
        found.setdefault(name, {})[int(line)] = message
    return found


def test_every_public_name_is_used():
    program = RIGHT.read_text(encoding="utf-8")
    assert not [name for module, name in names() if not re.search(rf"\b{module.removeprefix('rdcodec.')}\.{name}\b", program)]


def test_a_program_that_uses_every_name_is_clean(refused):
    assert refused[RIGHT.name] == {}


def test_wrong_types_are_refused(refused):
    lines = WRONG.read_text(encoding="utf-8").splitlines()
    assert sorted(refused[WRONG.name]) == [number for number, line in enumerate(lines, 1) if line.endswith("# wrong")]


def test_nothing_of_the_package_is_refused(refused):
    assert refused.keys() == {RIGHT.name, WRONG.name}


def test_the_stub_is_the_core():
    command = [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml", "rdcodec._core"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout

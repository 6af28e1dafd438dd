"""docs/security.md: every promise names its tests, and they are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PROMISES = [line for line in DOCUMENT.splitlines() if line.startswith("| ") and not line.startswith("| promise")]


@pytest.mark.parametrize("promise", PROMISES, ids=lambda line: line[2:60])
def test_a_promise_names_tests_that_exist(promise):
    _, _, tests, _, _ = promise.split("|")
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", tests)
    assert named
    for path, function in named:
        source = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {function or 'test_'}" in source, f"{path}::{function}"


def test_the_document_has_promises():
    assert len(PROMISES) > 15

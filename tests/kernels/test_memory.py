"""Every allocation of the C core fails once: check_memory.c says what must become of it."""

import re

import pytest
from core_builds import ROOT, run


@pytest.mark.parametrize("name", ["native", "openmp", "sanitized-gcc", "sanitized-clang"])
def test_no_allocation_may_fail_unseen(name):
    calls = re.findall(r"^(rdc_\w+).*: \d+ allocations$", run(name, "check_memory"), re.M)
    headers = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "csrc" / "rdc").glob("*.h"))
    header = re.sub(r"\s+", " ", headers)
    assert len(set(calls)) > 20 and all(f" {call}(" in header for call in calls)

"""The family that docs/new-codec.md writes."""

import re
from functools import cache
from pathlib import Path

__all__ = ["blocks", "documented_family"]

PAGE = Path(__file__).parents[2] / "docs" / "new-codec.md"


def blocks():
    """The Python of the page."""
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@cache
def documented_family():
    names = {}
    for block in blocks():
        exec(compile(block, PAGE.name, "exec"), names)
    return names["ScalarCodec"]

"""docs/integer-networks.md: its example gives what it says, and what it says of limits is what the code does."""

import ast
import re
from pathlib import Path

import numpy as np

from rdcodec.net import IntegerNet, Layer

DOCUMENT = Path(__file__).parents[2].joinpath("docs", "integer-networks.md").read_text(encoding="utf-8")


def test_example():
    names = {}
    lines = re.search(r"^```python\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)[1].splitlines()
    calls = [line for line in lines if line.startswith("net.run")]
    exec("\n".join(line for line in lines if line not in calls), names)
    assert len(calls) == 2
    for call in calls:
        expression, comment = call.split("#")
        assert np.array_equal(eval(expression, names), ast.literal_eval(comment.strip()))


def test_tensors_are_those_of_the_table():
    rows = re.findall(r"^\| `NAME\.(\S+)` \| (\w+)", DOCUMENT, re.MULTILINE)
    zero, table = np.zeros(1, np.int32), np.zeros(1, np.int16)
    layer = Layer(np.zeros((1, 1, 1), np.int8), zero, zero.astype(np.uint8), np.zeros(2, np.int16), table=table)
    tensors = IntegerNet([layer], 1).to_tensors("net")
    assert {f"net.{name}".replace("K", "0"): dtype for name, dtype in rows} == {name: str(t.dtype) for name, t in tensors.items()}

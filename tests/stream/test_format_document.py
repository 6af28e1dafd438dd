"""docs/format.md: its example in hex is real, and what it says of limits is what the code does."""

import re
from pathlib import Path

import numpy as np

from rdcodec import reference
from rdcodec.entropy import FrequencyTables
from rdcodec.stream import Header, read_frame, read_header, write_frame, write_header

DOCUMENT = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")


def example():
    """The bytes of section 11: the indented lines, and the first column of its table."""
    section = DOCUMENT.split("## 11 Example")[1].split("## 12")[0]
    lines = bytes.fromhex("".join(re.findall(r"^    ([0-9a-f ]+)$", section, re.M)))
    column = bytes.fromhex("".join(re.findall(r"^\| ([0-9a-f ]+) \|", section, re.M)))
    assert lines == column
    return lines


def test_example_is_what_the_encoder_writes():
    tables = FrequencyTables.builtin_gaussian()
    block = tables.encode([0, -2, 7, 40], [9, 30, 45, 30])
    assert write_header(Header("float32", bytes(range(8)), 4, 1, 1, False)) + write_frame(1, block, 12) == example()


def test_example_decodes():
    data = example()
    tables = FrequencyTables.builtin_gaussian()
    header, at = read_header(data)
    frame = read_frame(data, at)
    assert (header.channels, header.rows, header.tokens, header.dtype) == (4, 1, 1, "float32")
    assert (frame.tokens, frame.quality, frame.end) == (1, 12, len(data))
    assert tables.decode(frame.payload, np.array([9, 30, 45, 30])).tolist() == [0, -2, 7, 40]
    assert reference.decode_block(tables.to_arrays(), frame.payload, [9, 30, 45, 30]).tolist() == [0, -2, 7, 40]

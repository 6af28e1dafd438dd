"""Products of block-diagonal matrices: as integers on paper, the same everywhere."""

import pickle

import numpy as np
import pytest

from rdcodec import RdcodecError, _core
from rdcodec.codecs.exact import ExactBlocks, short_integers

RANGE_BITS = 22
FORMATS = np.array([[14, 9], [13, 7]], np.int32)


def blocks(channels, width, stages=2, seed=0):
    return np.random.default_rng(seed).integers(-(2**15), 2**15, (stages, channels, width)).astype(np.int16)


def on_paper(values, integers, stride, formats):
    """Stage by stage with whole matrices of Python's order."""
    channels, width = integers.shape[1:]
    for number, (stage, (matrix_bits, value_bits)) in enumerate(zip(integers, formats.tolist())):
        if number:
            values = np.concatenate([values[:, first::stride] for first in range(stride)], axis=1)
        whole = np.zeros((channels, channels))
        for row in range(channels):
            first = row // width * width
            whole[row, first : first + width] = stage[row]
        values = np.clip(np.rint(np.ldexp(values, value_bits)), -(2.0**RANGE_BITS), 2.0**RANGE_BITS) @ whole
        values = np.ldexp(values, -matrix_bits - value_bits)
    return values


@pytest.mark.parametrize(("channels", "width", "stride"), [(24, 6, 6), (24, 6, 4), (45, 9, 5), (70, 35, 2), (7, 1, 7), (96, 48, 48)])
@pytest.mark.parametrize("tokens", [0, 1, 3, 21])
def test_products_are_those_on_paper(channels, width, stride, tokens):
    integers = blocks(channels, width)
    values = np.random.default_rng(1).normal(0, 3000, (tokens, channels))
    made = ExactBlocks(integers, stride, FORMATS, RANGE_BITS)
    expected = on_paper(values, integers, stride, FORMATS)
    np.testing.assert_array_equal(made.multiply(values), expected)
    np.testing.assert_array_equal(_core.exact_multiply(made.core, values, "scalar"), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).multiply(values), expected)


def test_the_whole_matrix_is_the_product_without_rounding():
    integers, formats = np.stack([short_integers(stage)[0] for stage in np.random.default_rng(2).normal(size=(2, 24, 6))]), FORMATS
    made = ExactBlocks(integers, 6, formats, RANGE_BITS)
    values = np.random.default_rng(3).normal(size=(50, 24))
    np.testing.assert_allclose(made.multiply(values), values @ made.values, atol=2e-2 * np.abs(made.values).max())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"integers": blocks(24, 5)}, "blocks: expected a width that divides 24 channels, got 5"),
        ({"integers": blocks(24, 6)[0]}, r"blocks: expected shape \[stages, channels, width\]"),
        ({"integers": blocks(24, 6, 9)}, "blocks: expected shape .* at most 8 stages"),
        ({"integers": blocks(24, 6, 0), "formats": FORMATS[:0]}, "blocks: expected 1 to 8 stages, got 0"),
        ({"integers": blocks(0, 6)}, "blocks: expected 1 to 65536 channels, got 0"),
        ({"stride": 7}, "stride: expected one that divides 24 channels, got 7"),
        ({"stride": -1}, "stride: expected one that divides 24 channels, got 0"),
        ({"formats": FORMATS[:1]}, r"formats: expected shape \[2, 2\]"),
        ({"formats": FORMATS + 300}, "matrix_bits: expected -256 to 256, got 314"),
        ({"value_range_bits": 23}, "value_range_bits of stage 0: expected 0 to 22, got 23"),
    ],
)
def test_what_is_out_of_range_is_refused(change, message):
    arguments = {"integers": blocks(24, 6), "stride": 6, "formats": FORMATS, "value_range_bits": RANGE_BITS, **change}
    with pytest.raises(RdcodecError, match=message):
        ExactBlocks(**arguments)


def test_other_types_are_refused():
    with pytest.raises(TypeError, match="blocks: expected .*int16"):
        ExactBlocks(blocks(24, 6).astype(np.int32), 6, FORMATS, RANGE_BITS)
    with pytest.raises(TypeError, match="formats: expected .*int32"):
        ExactBlocks(blocks(24, 6), 6, FORMATS.astype(np.int64), RANGE_BITS)

"""Exact products: any order of sums, any number of threads, the same floats."""

import copy
import pickle

import numpy as np
import pytest

from rdcodec import _core
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.errors import RdcodecError

FORMAT = 11, 9, 22


def random_integers(inputs, outputs):
    return np.random.default_rng(3).integers(-(2**20), 2**20, (inputs, outputs))


@pytest.mark.parametrize("tokens", [0, 1, 3, 4, 9, 200])
@pytest.mark.parametrize("shape", [(1, 1), (100, 25), (64, 96)])
def test_products_are_those_of_integers(shape, tokens):
    integers = random_integers(*shape)
    values = np.random.default_rng(tokens).normal(scale=4000, size=(tokens, shape[0]))
    rounded = np.clip(np.rint(values * 2**9), -(2**22), 2**22).astype(np.int64)
    products = ExactMatrix(integers, *FORMAT).multiply(values)
    assert products.dtype == np.float64
    np.testing.assert_array_equal(products, (rounded @ integers) / 2.0**20)


def test_the_matrix_itself():
    integers = random_integers(7, 5)
    np.testing.assert_array_equal(ExactMatrix(integers, *FORMAT).values, integers / 2.0**11)


def test_copies_give_the_same_products():
    matrix, values = ExactMatrix(random_integers(7, 5), *FORMAT), np.random.default_rng(1).normal(size=(3, 7))
    for twin in (copy.copy(matrix), copy.deepcopy(matrix), pickle.loads(pickle.dumps(matrix))):
        np.testing.assert_array_equal(twin.multiply(values), matrix.multiply(values))
        np.testing.assert_array_equal(twin.values, matrix.values)


def test_what_cannot_be_exact_is_refused():
    most = np.full((1, 1), 2**31 - 1)
    ExactMatrix(most, *FORMAT)
    for integers, bits in ((most + 1, 54), (np.full((4, 1), 2**30), 55), (np.full((2, 1), 1e308), 1024)):
        with pytest.raises(RdcodecError, match=f"an exact product needs {bits}"):
            ExactMatrix(integers, *FORMAT)


@pytest.mark.parametrize("entry", [0.5, 2.0**52 - 0.5, np.inf, -np.inf, np.nan])
def test_what_is_no_integer_is_refused(entry):
    integers = np.zeros((3, 2))
    integers[1, 1] = entry
    with pytest.raises(RdcodecError, match="matrix: expected integers of 32 bits, got something else at position 3"):
        ExactMatrix(integers, 0, 0, 0)


def test_a_negative_zero_is_zero():
    assert ExactMatrix(np.full((2, 1), -0.0), *FORMAT).multiply(np.ones((1, 2)))[0, 0] == 0


INT_MIN, INT_MAX = -(2**31), 2**31 - 1


@pytest.mark.parametrize("bits", [INT_MIN, INT_MIN + 1, -257, 257, INT_MAX - 9, INT_MAX])
@pytest.mark.parametrize("field, limits", [("matrix_bits", "-256 to 256"), ("value_bits", "-256 to 256"), ("value_range_bits", "0 to 50")])
def test_formats_beyond_their_limits_are_refused(field, limits, bits):
    numbers = dict(matrix_bits=11, value_bits=9, value_range_bits=22)
    with pytest.raises(RdcodecError, match=f"{field}: expected {limits}, got {bits}"):
        ExactMatrix(np.ones((1, 1)), **{**numbers, field: bits})


@pytest.mark.parametrize("matrix_bits, value_bits, range_bits", [(256, 256, 0), (-256, -256, 50), (256, -256, 50), (-256, 256, 0)])
def test_formats_at_their_limits_are_exact(matrix_bits, value_bits, range_bits):
    values = np.ldexp(np.array([[2.0**range_bits - 1], [3.0], [-1.25], [1e9]]), -value_bits)
    rounded = np.clip(np.rint(np.ldexp(values, value_bits)), -(2.0**range_bits), 2.0**range_bits)
    products = ExactMatrix(np.full((1, 1), 5), matrix_bits, value_bits, range_bits).multiply(values)
    np.testing.assert_array_equal(np.ldexp(products, matrix_bits + value_bits), 5 * rounded)
    for beyond in (-1, 51):
        with pytest.raises(RdcodecError, match=f"value_range_bits: expected 0 to 50, got {beyond}"):
            ExactMatrix(np.ones((1, 1)), 0, 0, beyond)


def test_arrays_of_other_shapes_are_refused():
    core = _core.exact_matrix_make(np.ones((3, 2)), *FORMAT)
    with pytest.raises(RdcodecError, match=r"values: expected shape \[tokens, 3\], got 4 columns"):
        _core.exact_multiply(core, np.ones((5, 4)))
    with pytest.raises(RdcodecError, match="values: expected two axes, got 1"):
        _core.exact_multiply(core, np.ones(3))
    with pytest.raises(TypeError, match="values"):
        _core.exact_multiply(core, np.ones((5, 3), np.float32))
    with pytest.raises(TypeError, match="integers"):
        _core.exact_matrix_make(np.ones((3, 2), np.int32), *FORMAT)

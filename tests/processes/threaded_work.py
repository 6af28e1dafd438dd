"""What rdcodec shares out among threads, a function for each parallel region: the same bytes whatever the threads."""

import functools

import numpy as np

from rdcodec import _core
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet, Layer

TABLES = FrequencyTables.builtin_gaussian()
N = 2**19 * 3
TOKENS, COMPONENTS, SCALES = 40, 30, 20
GRID = (np.zeros(COMPONENTS, np.int32), np.zeros(COMPONENTS, np.uint8), SCALES, 0)
COSTS = np.arange(2 * SCALES * 9, dtype=np.uint16).reshape(2 * SCALES, 9)


def draws():
    return np.random.default_rng(1)


def symbols_and_index():
    i = np.arange(N)
    return (i * i % 23 - 11).astype(np.int32), (i % 64).astype(np.uint8)


def net(inputs, outputs):
    rng, zeros = draws(), np.zeros(outputs, np.int32)
    return IntegerNet(
        [Layer(rng.integers(-9, 10, (outputs, 1, inputs)).astype(np.int8), zeros, zeros.astype(np.uint8), np.int16([-99, 99]))], 99
    )


def tokens_for_net():
    return draws().integers(-99, 100, (TOKENS, COMPONENTS)).astype(np.int16)


def encode():
    return TABLES.encode(*symbols_and_index(), threads=3)


@functools.cache
def block():
    return TABLES.encode(*symbols_and_index(), threads=1)


def decode():
    return TABLES.decode(block(), symbols_and_index()[1], threads=3)


def apply():
    return net(COMPONENTS, 5).apply(tokens_for_net())


def best_row():
    return net(COMPONENTS, 200).best_row(tokens_for_net())


def multiply():
    return ExactMatrix(draws().integers(-99, 100, (COMPONENTS, 50)), 5, 5, 20).multiply(draws().normal(size=(TOKENS, COMPONENTS)))


def quantise():
    return _core.trellis_quantise(draws().normal(size=(TOKENS, COMPONENTS)))


def predict():
    rules = 9, 2, np.full(COMPONENTS, 2000, np.int32)
    network, costs = net(COMPONENTS + 1, 2 * COMPONENTS).core, (COSTS, np.int32([-2, 0, 2]))
    predictor = _core.predictor_make(GRID, network, np.zeros(COMPONENTS, np.int8), True, (0, 0), rules, costs, 9)
    side, base, zeros = np.ones((TOKENS, 1), np.int16), np.zeros((TOKENS, COMPONENTS), np.int16), np.zeros(TOKENS, np.int32)
    y = draws().normal(size=(TOKENS, COMPONENTS))
    coded = _core.prediction_encode(_core.prediction_make(predictor), y, side, base, zeros, zeros)
    return b"".join(array.tobytes() for array in coded)


def positive(n):
    x, gram = draws().normal(size=(2 * n, n)), np.zeros((n, n))
    _core.gram_add(x, True, gram)
    return gram


def gram():
    return positive(100)


def cholesky():
    matrix = positive(200)
    _core.cholesky(matrix)
    return matrix


def solve():
    right = draws().normal(size=(100, 100))
    _core.solve_lower(np.tri(100) + np.eye(100), right)
    return right


def times():
    return _core.matrix_vectors(draws().normal(size=(300, 400)), np.ones((3, 400)), False)


def times_transpose():
    return _core.matrix_vectors(draws().normal(size=(300, 400)), np.ones((3, 300)), True)


def neighbours():
    """Builds a tree by tasks, and searches it."""
    return _core.neighbour_distances(draws().normal(size=(5000, 3)), 2)


def maxima():
    most = np.zeros(3000, np.float32)
    _core.rademacher_maxima(draws().normal(size=(50, 60)).astype(np.float32), 7, most)
    return most


def forms():
    return _core.rademacher_forms(positive(50), 7, 3000)


WORK = {
    work.__name__: work
    for work in (encode, decode, apply, best_row, multiply, quantise, predict)
    + (gram, cholesky, solve, times, times_transpose, neighbours, maxima, forms)
}


def result_of(name):
    result = WORK[name]()
    return result if isinstance(result, bytes) else result.tobytes()

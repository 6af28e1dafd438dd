"""Predictors made of random numbers, tokens for them, and the search for a token's scale as the reference does it."""

from typing import NamedTuple

import numpy as np
from random_nets import INPUT_LIMIT, random_layer

from rdcodec import _core, reference
from rdcodec.codecs.costs import BIT_WORTH, COST_BITS, RATED_MAGNITUDES
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet

SCALES, SHAPES, FIRST = 40, 2, 3
TABLES = FrequencyTables.gaussian(np.exp(np.linspace(-1, 4, FIRST + 2 * SHAPES * SCALES)))
CANDIDATES = np.array([-7, -2, 0, 1, 5], np.int32)
MOST = 2  # references of a token
COSTS = np.random.default_rng(7).integers(0, 2**16, (2 * SHAPES * SCALES, 6)).astype(np.uint16)


class Parts(NamedTuple):
    """What a predictor is made of."""

    net: IntegerNet
    grid: tuple
    unit: np.ndarray
    uses_context: bool
    inward: tuple
    referred: int = 0
    adaptation: int = 0
    costs: np.ndarray = COSTS
    candidates: np.ndarray = CANDIDATES

    def core(self):
        references = self.referred, MOST * (self.referred > 0), reference_scale(len(self.unit))
        costs = self.costs, self.candidates
        net = self.net and self.net.core
        return _core.predictor_make(self.grid, net, self.unit, self.uses_context, self.inward, references, costs, self.adaptation)

    def start(self):
        return _core.prediction_make(self.core())

    def reference(self):
        *parts, costs, _ = self
        return reference.Prediction(*parts, lambda table, level: int(costs[table - FIRST, min(abs(level), costs.shape[1] - 1)]))


def reference_scale(components):
    return (1500 + 700 * np.arange(components) % 2500).astype(np.int32)


class Tokens(NamedTuple):
    """Components, and side information of them."""

    y: np.ndarray
    side: np.ndarray
    base: np.ndarray
    exponent: np.ndarray
    token_scale: np.ndarray


def random_parts(rng, components=7, side=3, uses_context=True, taps=2):
    net = IntegerNet(
        [
            random_layer(rng, 20, taps, side + components * uses_context, dilation=2),
            random_layer(rng, 2 * components, 1, 20),
        ],
        INPUT_LIMIT,
    )
    grid = (
        rng.integers(-2, SCALES + 2, components).astype(np.int32),
        rng.integers(0, SHAPES, components).astype(np.uint8),
        SCALES,
        FIRST,
    )
    unit = rng.integers(-3, 5, components).astype(np.int8)
    inward = int(rng.integers(0, 16)), int(rng.integers(0, 16))
    return Parts(net, grid, unit, uses_context, inward, adaptation=int(rng.choice([0, 1, 20, 65535])))


def random_tokens(rng, parts, tokens):
    components = len(parts.unit)
    side = parts.net.inputs - components * parts.uses_context
    return Tokens(
        rng.standard_normal((tokens, components)) * 30,
        rng.integers(-2000, 2000, (tokens, side)).astype(np.int16),
        rng.integers(-900, 900, (tokens, components)).astype(np.int16),
        rng.integers(-40, 40, tokens).astype(np.int32),
        rng.integers(-12, 12, tokens).astype(np.int32),
    )


def part(tokens, which=slice(None)):
    """A copy of some of the tokens."""
    return Tokens(*(array[which].copy() for array in tokens))


def side_information(tokens):
    return tokens.side, tokens.base, tokens.exponent, tokens.token_scale


def quantised(prediction, y, exponent, token_scale):
    """Levels of a token by what they cost in the tables that it has if nothing is added to its scale."""
    residual = (y * 2**16 - prediction.mean) * (2**8 / reference.spacing_of(exponent))
    rows = (prediction.tables(np.zeros(len(y), np.int32), int(token_scale)) - FIRST) // 2
    costs = np.pad(COSTS, ((0, 0), (0, RATED_MAGNITUDES - COSTS.shape[1])), mode="edge")
    return _core.trellis_quantise_rated(residual[None], costs, rows[None].astype(np.uint32), BIT_WORTH / 2**COST_BITS, "scalar")[0]


def downhill(sums, start):
    """The local minimum that the search meets."""
    best = start
    while best + 1 < len(sums) and sums[best + 1] < sums[best]:
        best += 1
    while best <= start and best > 0 and sums[best - 1] < sums[best]:
        best -= 1
    return best


def candidate_costs(prediction, levels, token_scale, costs=COSTS, candidates=CANDIDATES):
    """What the levels of a token cost with each candidate."""
    magnitude = np.minimum(np.abs(levels.astype(np.int64)), costs.shape[1] - 1)
    rows = [prediction.tables(levels, int(token_scale) + int(candidate)) - FIRST for candidate in candidates]
    return [costs[row, magnitude].sum(dtype=np.int64) for row in rows]


def choose(prediction, levels, token_scale):
    return downhill(candidate_costs(prediction, levels, token_scale), int(np.argmax(CANDIDATES >= 0)))

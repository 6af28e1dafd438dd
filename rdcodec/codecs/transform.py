"""Transform codec: a fixed linear transform, a dependent quantiser, and tables on a grid of scales.

What a token becomes, in the order of the block: the exponent of a power-of-two *gain* (massive activations alone have one),
the *word* of a codebook that is subtracted after the transform, the token's *step* (a coarser one where the model's output
minds errors less), its *scale* (how large what is left is), and the *levels* of its components. A level's table is the clamped
sum of its component's scale, its token's scale and step, and the quality: all integers on one logarithmic grid.

Everything is exact: transforms are integer products, so encoder and decoder give the same bytes and the same floats on
every machine and with every number of threads.
"""

from functools import cached_property

import numpy as np

from rdcodec import _core
from rdcodec.codecs.base import Codec
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.codecs.grid import GRID_STEPS, grid_power, grid_round
from rdcodec.entropy import FrequencyTables
from rdcodec.errors import CorruptStreamError, RdcodecError

__all__ = ["TransformCodec"]

VALUE_RANGE_BITS = 22  # of the integers that go through the transforms
WORD_CODE_LIMIT = 127  # of the integers by which words are compared ...
WORD_COMPONENT_LIMIT = 256  # ... and how many: their products stay below 2**24, exact in float32
WORD_SEARCH_TOKENS = 512  # at a time
FEATURE_LIMIT = 2**15
SIDE_TABLES = 3  # of gains, words and steps; those of scales, one a step, follow
COST_LEVELS = 256
COST_BITS = 8  # fractional bits of a code length in the search for a token's scale
INWARD_UNIT = 16  # reconstruction points move in sixteenths of half a step
QUALITY_RANGE = 8 * GRID_STEPS


class TransformCodec(Codec):
    """The codec that `rdcodec.calibrate` fits; see there.

    Quality is on the grid: the quantisation step of the transformed state is proportional to ``2**(-quality / 8)``.

    Parameters
    ----------
    config : dict
        JSON values: the split (`layer`, `channels`) and the integers of the number formats.
    tensors : dict of ndarray
        Transforms, words, scales, predictor and frequency tables, as in the checkpoint.

    Raises
    ------
    RdcodecError
        A tensor is missing or does not have the shape that the others ask for.

    Attributes
    ----------
    layer : int
        Split point the codec was calibrated for: it codes ``hidden_states[layer]``.
    """

    family = "transform"

    def __init__(self, config, tensors):
        super().__init__(config["channels"], min_quality=-QUALITY_RANGE, max_quality=QUALITY_RANGE)
        _check_tensors(config, tensors)
        self.layer = int(config["layer"])
        self._parts = dict(config), dict(tensors)
        t = self._t = tensors
        self._gain_limit = int(config["gain_limit_bits"])
        self._mean = t["mean"].astype(np.float64)
        self._analysis = ExactMatrix(t["analysis"], config["analysis_bits"], config["state_bits"], VALUE_RANGE_BITS)
        self._synthesis = ExactMatrix(t["synthesis"], config["synthesis_bits"], config["component_bits"], VALUE_RANGE_BITS)
        self._words = np.ldexp(t["words"].astype(np.float64), -config["word_bits"])
        self._step_offsets = t["step_offsets"].astype(np.int64)
        self._scale_offsets = np.ascontiguousarray(t["scale_offsets"], np.int32)
        self._inward = [int(x) for x in config["inward"]]
        self._tables = FrequencyTables.from_frequencies(t["frequencies"], t["counts"], t["offsets"], int(t["precision"]))
        first = SIDE_TABLES + len(self._step_offsets)
        self._zero_scale = int(config["zero_scale"])
        self._grid = (
            np.ascontiguousarray(t["component_scale"], np.int32),
            np.ascontiguousarray(t["component_shape"], np.uint8),
            int(config["scales"]),
            first,
        )

    # ---- checkpoint

    def _config(self):
        return self._parts[0]

    def _tensors(self):
        return self._parts[1]

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config, tensors)

    # ---- coding

    def _encode_tokens(self, h, quality, state):
        gains, words, steps, scales, levels, token_scale = self._symbols(h, quality)
        symbols, index = _core.levels_order(self._grid, levels, token_scale)
        side = np.stack([gains, words, steps, scales]).astype(np.int32)
        side_index = np.zeros(side.shape, np.uint16)
        side_index[1], side_index[2], side_index[3] = 1, 2, SIDE_TABLES + steps
        return self._tables.encode(
            np.concatenate([side.ravel(), symbols.ravel()]), np.concatenate([side_index.ravel(), index.ravel()])
        )

    def _symbols(self, h, quality):
        """What a frame says of each token, and what its tokens add to their components' scales."""
        gains, y = self._analyse(h)
        words = self._choose_words(y)
        steps = self._choose_steps(y)
        spacing, token_scale = self._token_grid(steps, quality)
        y -= self._words[words]
        y *= (1 / spacing)[:, None]
        levels = _core.trellis_quantise(y)
        scales = _core.levels_fit_scale(self._grid, levels, token_scale, self._costs, self._scale_offsets)
        token_scale += self._scale_offsets[scales]
        return gains, words, steps, scales, levels, token_scale

    def _decode_tokens(self, payload, tokens, quality, state):
        block = self._tables.decoder(payload, tokens * (self.channels + 4))
        first = np.repeat(np.arange(SIDE_TABLES, dtype=np.uint16), tokens)
        gains, words, steps = block.decode(first).reshape(SIDE_TABLES, tokens)
        _check_range("gain", gains, 256)
        _check_range("word", words, len(self._words))
        _check_range("step", steps, len(self._step_offsets))
        scales = block.decode((SIDE_TABLES + steps).astype(np.uint16))
        _check_range("scale", scales, len(self._scale_offsets))
        spacing, token_scale = self._token_grid(steps, quality)
        token_scale += self._scale_offsets[scales]
        points = _core.levels_decode(self._grid, block._core, token_scale)
        block.finish()
        y = self._reconstruct(points)
        y *= spacing[:, None]
        y += self._words[words]
        return self._synthesise(gains, y)

    # ---- transform

    def _analyse(self, h):
        """Gains' exponents int [tokens], components float64 [tokens, components]."""
        _, exponents = np.frexp(np.abs(h).max(axis=1))
        gains = np.maximum(exponents - self._gain_limit, 0)
        x = h.astype(np.float64)
        if gains.any():
            x = np.ldexp(x, -gains[:, None])
        x -= self._mean
        return gains, self._analysis.multiply(x)

    def _synthesise(self, gains, y):
        x = self._synthesis.multiply(y)
        x += self._mean
        if gains.any():
            x = np.ldexp(x, gains[:, None])
        largest = np.finfo(np.float32).max
        return np.clip(x, -largest, largest, out=x).astype(np.float32)

    def _reconstruct(self, points):
        """Values in units of half a step: small points move inward, by what calibration found best for the loss."""
        magnitude = np.abs(points)
        inward = np.asarray(self._inward)[np.minimum(magnitude, len(self._inward)) - 1]
        y = (INWARD_UNIT * points - np.sign(points) * inward).astype(np.float64)
        y *= 1 / INWARD_UNIT
        return y

    # ---- what the encoder chooses for a token

    def _choose_words(self, y):
        """The word whose distance, in the metric of what words leave over, and code length are least together."""
        code_scale, selection = self._t["word_code_scale"].astype(np.float64), self._t["word_components"]
        best = np.empty(len(y), np.int64)
        for start in range(0, len(y), WORD_SEARCH_TOKENS):
            codes = _word_codes(y[start : start + WORD_SEARCH_TOKENS, selection], code_scale)
            score = codes @ self._word_codes.T
            score += self._word_bias
            best[start : start + WORD_SEARCH_TOKENS] = score.argmax(axis=1)
        return best

    @cached_property
    def _word_codes(self):
        """Words as small integers in float32, doubled as the square's mixed term asks."""
        codes = _word_codes(self._words[:, self._t["word_components"]], self._t["word_code_scale"].astype(np.float64))
        return 2 * codes

    @cached_property
    def _word_bias(self):
        codes = self._word_codes / 2
        return self._t["word_prior"].astype(np.float32) - (codes * codes).sum(axis=1)

    def _choose_steps(self, y):
        """Index of each token's step, from the predicted logarithm of how much the output minds an error in it."""
        features = y * self._t["feature_scale"].astype(np.float64)
        np.rint(features, out=features)
        np.clip(features, -FEATURE_LIMIT, FEATURE_LIMIT, out=features)
        sensitivity = features @ self._t["feature_weights"].astype(np.float64)
        edges, band_weights = self._t["band_edges"], self._t["band_weights"]
        for start, end, weight in zip(edges[:-1], edges[1:], band_weights, strict=True):
            energy = np.einsum("tc,tc->t", features[:, start:end], features[:, start:end])
            sensitivity += float(weight) * grid_round(energy + 1)
        return np.searchsorted(self._t["step_thresholds"].astype(np.float64), -sensitivity, side="right")

    def _token_grid(self, steps, quality):
        """Spacing of the quantiser's points (half a step) and what each token adds to its components' scales."""
        exponents = self._step_offsets[steps] - quality
        return grid_power(exponents), (self._zero_scale - exponents).astype(np.int32)

    @cached_property
    def _costs(self):
        return level_costs(self._tables, self._grid[3])


def level_costs(tables, first):
    """Code lengths of the magnitudes 0 to 255 in the tables from `first` on, uint16 in 1/256 bit, by integers alone."""
    arrays = tables.to_arrays()
    costs = np.empty((len(tables) - first, COST_LEVELS), np.uint16)
    ends = np.cumsum(arrays["counts"])
    precision = int(arrays["precision"])
    for row, table in enumerate(range(first, len(tables))):
        frequencies = arrays["frequencies"][ends[table] - arrays["counts"][table] : ends[table]]
        lengths = (precision << COST_BITS) - _fixed_log2(frequencies)
        explicit = lengths[-int(arrays["offsets"][table]) : -1]
        escaped = lengths[-1] + (6 << COST_BITS)  # and a typical Exp-Golomb code
        costs[row] = escaped
        costs[row, : min(len(explicit), COST_LEVELS)] = explicit[:COST_LEVELS]
    return costs


def _fixed_log2(values):
    """``floor(2**8 * log2(value))`` of integers of 1 to 2**16, by squaring."""
    mantissa, exponent = np.frexp(values.astype(np.float64))
    mantissa, result = np.rint(np.ldexp(mantissa, 31)).astype(np.uint64), exponent.astype(np.int64) - 1
    for _ in range(COST_BITS):
        mantissa = (mantissa * mantissa) >> np.uint64(30)
        carry = mantissa >> np.uint64(31)
        result = 2 * result + carry.astype(np.int64)
        mantissa >>= carry
    return result


def _word_codes(values, scale):
    return np.clip(np.rint(values * scale), -WORD_CODE_LIMIT, WORD_CODE_LIMIT).astype(np.float32)


def _check_range(name, values, count):
    outside = (values < 0) | (values >= count)
    if outside.any():
        at = int(outside.argmax())
        raise CorruptStreamError(f"{name} of token {at}: expected 0 to {count - 1}, got {values[at]}")


def _check_tensors(config, tensors):
    """Every tensor there, of its type, and all shapes in agreement."""
    c, shapes = config["channels"], {}
    for name, dtype, shape in (
        ("mean", np.float32, ("c",)),
        ("analysis", np.int32, ("c", "c")),
        ("synthesis", np.int32, ("c", "c")),
        ("words", np.int16, ("words", "c")),
        ("word_prior", np.int32, ("words",)),
        ("word_components", np.int32, ("selected",)),
        ("word_code_scale", np.float32, ("selected",)),
        ("feature_scale", np.float32, ("c",)),
        ("feature_weights", np.int32, ("c",)),
        ("band_edges", np.int32, ("edges",)),
        ("band_weights", np.int32, ("bands",)),
        ("step_thresholds", np.int64, ("thresholds",)),
        ("step_offsets", np.int32, ("steps",)),
        ("scale_offsets", np.int32, ("candidates",)),
        ("component_scale", np.int32, ("c",)),
        ("component_shape", np.uint8, ("c",)),
    ):
        if name not in tensors:
            raise RdcodecError(f"the checkpoint lacks the tensor {name}")
        tensor = tensors[name]
        expected = tuple({"c": c}.get(axis, shapes.get(axis, size)) for axis, size in zip(shape, tensor.shape, strict=False))
        if tensor.dtype != dtype or tensor.ndim != len(shape) or tensor.shape != expected:
            raise RdcodecError(f"{name}: expected {np.dtype(dtype)} {list(shape)}, got {tensor.dtype} {list(tensor.shape)}")
        shapes.update({axis: size for axis, size in zip(shape, tensor.shape, strict=True)})
    level_tables = 2 * config["scales"] * (int(tensors["component_shape"].max()) + 1)
    for name, expected, got in (
        ("step_thresholds", shapes["steps"] - 1, shapes["thresholds"]),
        ("band_edges", shapes["bands"] + 1, shapes["edges"]),
        ("counts", SIDE_TABLES + shapes["steps"] + level_tables, len(tensors["counts"])),
        ("inward", 2, len(config["inward"])),
    ):
        if got != expected:
            raise RdcodecError(f"{name}: expected {expected} entries, got {got}")
    selected = tensors["word_components"]
    if len(selected) > WORD_COMPONENT_LIMIT or not ((0 <= selected) & (selected < c)).all():
        raise RdcodecError(f"word_components: expected at most {WORD_COMPONENT_LIMIT} numbers of components, 0 to {c - 1}")

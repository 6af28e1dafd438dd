"""How tokens are coded by all codecs with a transform, step by step.

What a token becomes, in the order of the block: the exponent of a power-of-two *gain* (massive activations alone have one),
the *word* of a codebook that is subtracted after the transform, the token's *step* (a coarser one where the model's output
minds errors less), what a family says besides, its *scale* (how large what is left is), the earlier tokens that it *refers* to,
multiples of which are subtracted too, and the *levels* of its components. A level's table is chosen on one logarithmic grid, by
integers alone.

Everything is exact: transforms are integer products, so encoder and decoder give the same bytes and the same floats on
every machine and with every number of threads.
"""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from rdcodec import _core
from rdcodec.codecs.base import Codec
from rdcodec.codecs.costs import COST_BITS, COST_LEVELS, level_costs
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.codecs.fields import CHANNELS, Integer, Integers, Tensor, check_config, check_count, check_field, check_range, check_tensors
from rdcodec.codecs.grid import GRID_STEPS, grid_power
from rdcodec.codecs.limits import check_memory, network_bytes, table_bytes
from rdcodec.codecs.link import State
from rdcodec.codecs.references import ReferenceTables
from rdcodec.codecs.tables import TABLE_SPECS, tables_of
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.net import IntegerNet, Layer

__all__ = [
    *("BITS", "FEATURE_UNIT", "INWARD_UNIT", "LARGEST", "MOST_REFERENCE_SCALE", "MOST_STEP_OFFSET", "SIDE_TABLES", "VALUE_RANGE_BITS"),
    *("FrontCodec", "Symbols", "exact_matrix"),
]

VALUE_RANGE_BITS = 22  # of the integers that go through the transforms
WORD_CODE_LIMIT = 127  # of the integers by which words are compared
WORD_BYTES = 40  # that each of these takes on the way
NO_CLIP = np.array([-(2**15 - 1), 2**15 - 1], np.int16)
SIDE_TABLES = 3  # of gains, words and steps; those of scales, one a step, follow
QUALITY_RANGE = 8 * GRID_STEPS
INWARD_UNIT = 16  # reconstruction points move in sixteenths of half a step
FEATURE_UNIT = 64  # of words, and of what enters and leaves networks: a component's unit
LEAST_UNIT, MOST_UNIT = -10, 30  # binary logarithms, as csrc/rdc/predictions.h
MOST_REFERRED, MOST_REFERENCES, MOST_REFERENCE_SCALE, MOST_ADAPTATION = 65536, 8, 4096, 65535  # as there

# Ranges from which no integer overflows and no float becomes infinite, and whatever a decoder makes stays within them.
BITS = Integer(-200, 200)  # powers of two of number formats: values of float32 and what comes of them stay far within float64
MOST_STEP_OFFSET = 64  # so that with every quality spacings are 2**-16 to 2**16, which predictions have integers for
MOST_SCALE = 2**16  # scales of the grid are fewer
LARGEST = float(np.finfo(np.float32).max)


class FrontCodec(Codec):
    """Transform, words, steps and tables. Quality is on the grid: the quantisation step is proportional to 2**(-quality / 8).

    Parameters
    ----------
    config : dict
        JSON values: the split (`layer`, `channels`) and the integers of the number formats.
    tensors : dict of ndarray
        As in the checkpoint.

    Raises
    ------
    RdcodecError
        A field or a tensor is missing, does not have the type or the shape that the others ask for, or is out of its range.
    LimitError
        What is made of the tensors would take too much memory.

    Attributes
    ----------
    layer : int
        Split point the codec was made for: it codes ``hidden_states[layer]``.
    """

    _FIELDS = {
        "layer": Integer(0, 2**31 - 1),
        "channels": CHANNELS,
        "gain_limit_bits": Integer(-127, 128),  # gains are 0 to 255
        "state_bits": BITS,
        "analysis_bits": BITS,
        "component_bits": BITS,
        "synthesis_bits": BITS,
        "inward": Integers(2, Integer(0, 15)),
        "zero_scale": Integer(-MOST_SCALE, MOST_SCALE),
        "scales": Integer(1, MOST_SCALE // 2),
        "referred": Integer(0, MOST_REFERRED),  # earlier tokens that can be
        "references": Integer(0, MOST_REFERENCES),  # of a token
        "adaptation": Integer(0, MOST_ADAPTATION),  # tokens that scales count for before they follow the text; 0: they stay
    }
    _SPECS = (
        Tensor("mean", np.float32, ("c",), -LARGEST, LARGEST),
        Tensor("word_prior", np.int32, ("words",), -(2**30), 2**30),
        Tensor("word_components", np.int32, ("selected",)),
        Tensor("word_code_scale", np.float32, ("selected",), 0, LARGEST),
        Tensor("step_offsets", np.int32, ("steps",), -MOST_STEP_OFFSET, MOST_STEP_OFFSET),
        Tensor("scale_offsets", np.int32, ("candidates",), -MOST_SCALE, MOST_SCALE, "rising"),
        Tensor("component_scale", np.int32, ("c",), -MOST_SCALE, MOST_SCALE),
        Tensor("component_shape", np.uint8, ("c",)),
        Tensor("unit", np.int8, ("c",), LEAST_UNIT, MOST_UNIT),
        Tensor("reference_scale", np.int32, ("c",), 0, MOST_REFERENCE_SCALE),
        *TABLE_SPECS,
    )

    def __init__(self, config, tensors):
        config = check_config(self._FIELDS, config)
        super().__init__(config["channels"], min_quality=-QUALITY_RANGE, max_quality=QUALITY_RANGE)
        self._sizes = check_tensors(self._SPECS, self.channels, tensors)
        self.layer = config["layer"]
        self._parts = config, dict(tensors)
        t = self._t = tensors
        self._references = ReferenceTables(self._first_reference_table(), config["referred"], config["references"])
        self._check_tensors()
        check_memory(self._memory(self._sizes, tensors), tensors)
        self._gain_limit = config["gain_limit_bits"]
        self._mean = t["mean"].astype(np.float64)
        self._analysis = exact_matrix("analysis", t["analysis"], config["analysis_bits"], config["state_bits"])
        self._synthesis = exact_matrix("synthesis", t["synthesis"], config["synthesis_bits"], config["component_bits"])
        self._step_offsets = t["step_offsets"].astype(np.int64)
        self._scale_offsets = np.ascontiguousarray(t["scale_offsets"], np.int32)
        self._inward = config["inward"]
        self._zero_scale = config["zero_scale"]
        self._units = np.ldexp(1.0, t["unit"])
        self._tables = tables_of(t)
        self._grid = (
            np.ascontiguousarray(t["component_scale"], np.int32),
            np.ascontiguousarray(t["component_shape"], np.uint8),
            config["scales"],
            self._first_level_table(),
        )

    def _predictor_of(self, net, looks_back):
        """What predicts components, for states to be made of."""
        t, config = self._t, self._parts[0]
        rules = (config["referred"], config["references"], np.ascontiguousarray(t["reference_scale"]))
        costs = self._costs(), self._scale_offsets
        unit = np.ascontiguousarray(t["unit"])
        return _core.predictor_make(self._grid, net, unit, looks_back, tuple(self._inward), rules, costs, config["adaptation"])

    def _check_tensors(self):
        """What the table of tensors does not say: how they depend on each other and on the config."""
        if not self._parts[0]["referred"] == self._parts[0]["references"] == 0:
            check_field("references", Integer(1, MOST_REFERENCES), self._parts[0]["references"])
            check_field("referred", Integer(1, MOST_REFERRED), self._parts[0]["referred"])
        check_range("word_components", self._t["word_components"], 0, self.channels - 1)
        check_count("step_thresholds", self._sizes["steps"] - 1, self._sizes["thresholds"])
        shapes = int(self._t["component_shape"].max()) + 1
        check_count("counts", self._first_level_table() + 2 * self._parts[0]["scales"] * shapes, self._sizes["tables"])

    @classmethod
    def _memory(cls, sizes, tensors):
        """dict of str to int : bytes of what is made of tensors with axes of these sizes, before any of it is."""
        costs = 2 * 2 * COST_LEVELS * sizes["tables"]  # and copied
        words, selected = sizes["words"], sizes["selected"]
        return {
            "analysis and synthesis": 8 * cls._MATRICES * sizes["c"] ** 2,
            "frequencies": table_bytes(sizes["frequencies"], sizes["tables"]) + costs,
            "word_components": WORD_BYTES * words * selected + network_bytes((words, 1, selected)),
        }

    def _first_reference_table(self):
        return SIDE_TABLES + self._sizes["steps"] + self.latents

    def _first_level_table(self):
        return self._first_reference_table() + self._references.count

    latents = 0

    def _new_state(self):
        return _Row(self, _core.prediction_make(self._predictor))

    # ---- coding

    def _encode_tokens(self, h, quality, state):
        said = self._symbols(h, quality, state)
        symbols = np.concatenate([*said.side, said.levels.ravel()]).astype(np.int32)
        return self._tables.encode(symbols, np.concatenate([*said.side_tables, said.level_tables.ravel()]))

    def _symbols(self, h, quality, state):
        """`Symbols` of the next tokens."""
        gains, x = self._tamed(h)
        y = self._analysis_at(quality).multiply(x)
        words, steps = self._choose_words(y), self._choose_steps(y)
        latents = self._choose_latents(y, words)
        available = self._references.available(_core.prediction_referable(state.core), len(h))
        said, token_scale = self._said(words, steps, quality, latents)
        levels, level_tables, distances, weights, scales = _core.prediction_encode(state.core, y, *said, token_scale)
        references, reference_tables = self._references.said(distances, weights, available)
        side = [gains, words, steps, *latents.T, scales, *references]
        return Symbols(side, [*self._side_tables(len(h), steps), *reference_tables], levels, level_tables)

    def _decode_tokens(self, payload, tokens, quality, state):
        kinds = SIDE_TABLES + self.latents + 1 + 2 * self._references.most
        block = self._tables.decoder(payload, tokens * (kinds + self.channels))
        gains, words, steps = self._decode_side(block, tokens)
        tables = self._side_tables(tokens, steps)[SIDE_TABLES:-1]
        latents = block.decode(np.concatenate(tables)) if tables else np.empty(0, np.int32)
        latents = latents.reshape(self.latents, tokens).T
        scales = self._decode_scales(block, steps)
        references = self._references.decode(block, self._references.available(_core.prediction_referable(state.core), tokens))
        said, token_scale = self._said(words, steps, quality, latents)
        token_scale += self._scale_offsets[scales]
        y = _core.prediction_decode(state.core, block._core, *said, token_scale, *references)
        block.finish()
        return self._synthesise(gains, y)

    def _side_tables(self, tokens, steps):
        """Tables of gains, words, steps, hyper-latents and scales, uint16 [tokens] each."""
        first = SIDE_TABLES + len(self._step_offsets)
        tables = [*range(SIDE_TABLES), *range(first, first + self.latents)]
        return [*(np.full(tokens, table, np.uint16) for table in tables), (SIDE_TABLES + steps).astype(np.uint16)]

    def _said(self, words, steps, quality, latents):
        """What the prediction is told of tokens, and what their scales begin with."""
        exponents = self._step_offsets[steps] - quality
        base = self._words[words]
        return (self._inputs(base, exponents, latents), base, exponents.astype(np.int32)), self._token_scale(exponents)

    def _inputs(self, base, exponents, latents):
        """What a network is told of tokens, int16 [tokens, inputs]: nothing, without one."""
        return np.empty((len(base), 0), np.int16)

    def _choose_latents(self, y, words):
        return np.empty((len(y), 0), np.int16)

    # ---- checkpoint

    def _config(self):
        return self._parts[0]

    def _tensors(self):
        return self._parts[1]

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config, tensors)

    # ---- transform

    def _tamed(self, h):
        """Gains' exponents, and what is left of h without them and the mean, float64 [tokens, channels]."""
        _, exponents = np.frexp(np.abs(h).max(axis=1))
        gains = np.maximum(exponents - self._gain_limit, 0)
        x = h.astype(np.float64)
        if gains.any():
            x = np.ldexp(x, -gains[:, None])
        x -= self._mean
        return gains, x

    def _synthesise(self, gains, y):
        x = self._synthesis.multiply(y)
        x += self._mean
        if gains.any():
            x = np.ldexp(x, gains[:, None])
        return np.clip(x, -LARGEST, LARGEST, out=x).astype(np.float32)

    # ---- what a frame says, for those who ask how far from its entropy it is

    def symbols(self, h, quality=None):
        """The integers that a frame says of tokens, all of its information.

        Parameters
        ----------
        h : array_like of float, [tokens, channels]
            Finite; what a new encoder is given first.
        quality : int, optional
            Higher is finer; `default_quality` where it is not given.

        Returns
        -------
        side : ndarray of int32, [tokens, kinds]
            Gains, words, steps, hyper-latents, scales, and distance and weight of each reference.
        levels : ndarray of int32, [tokens, channels]
        """
        h = np.ascontiguousarray(h, np.float32)
        if h.ndim != 2 or h.shape[1] != self.channels or not np.isfinite(h).all():
            raise RdcodecError(f"h: expected finite numbers [tokens, {self.channels}], got shape {h.shape}")
        said = self._symbols(h, self._checked_quality(quality), self._new_state())
        return np.stack(said.side, axis=1).astype(np.int32), said.levels

    def level_map(self, quality=None):
        """Float64 [channels, components]: about how levels follow the state, at the token's step that lies in the middle."""
        quality = self._checked_quality(quality)
        exponent = np.sort(self._step_offsets)[len(self._step_offsets) // 2] - quality
        return self._analysis_at(quality).values / (2 * float(grid_power(exponent)))

    def components(self, h, quality=None):
        """Float64 [tokens, components]: states h, float32 [tokens, channels], in the transform, before anything is subtracted."""
        return self._analysis_at(self._checked_quality(quality)).multiply(self._tamed(h)[1])

    @property
    def level_slope(self):
        """float : bits by which the code length of a level changes from one magnitude to the next, at most."""
        return float(np.abs(np.diff(self._costs().astype(np.int64), axis=1)).max()) / 2**COST_BITS

    def _analysis_at(self, quality):
        return self._analysis

    # ---- what the encoder chooses for a token

    def _choose_words(self, y):
        """The word whose distance, in the metric of what words leave over, and code length are least together."""
        codes = self._word_codes(y[:, self._t["word_components"]])
        return self._word_search.best_row(2 * codes).astype(np.int64)

    def _word_codes(self, values):
        codes = np.rint(values * self._t["word_code_scale"].astype(np.float64))
        return np.clip(codes, -WORD_CODE_LIMIT, WORD_CODE_LIMIT).astype(np.int16)

    def _selected_words(self):
        selected = self._t["word_components"]
        return self._words[:, selected] * (self._units[selected] / FEATURE_UNIT)

    @cached_property
    def _word_search(self):
        """A network of one layer: the mixed term of the square, and as its bias what does not depend on the token."""
        codes = self._word_codes(self._selected_words())
        bias = self._t["word_prior"] - np.square(codes, dtype=np.int64).sum(axis=1)
        layer = Layer(codes[:, None].astype(np.int8), bias.astype(np.int32), np.zeros(len(codes), np.uint8), NO_CLIP)
        return IntegerNet([layer], 2 * WORD_CODE_LIMIT)

    def _token_scale(self, exponents):
        """What spacings of 2**(exponents / 8) add to the scales of tokens' components."""
        return (self._zero_scale - exponents).astype(np.int32)

    def _costs(self):
        return level_costs(self._tables, self._grid[3])

    # ---- what the decoder reads of a token first

    def _decode_side(self, block, tokens):
        """Gains, words and steps, int [tokens]."""
        first = np.repeat(np.arange(SIDE_TABLES, dtype=np.uint16), tokens)
        gains, words, steps = block.decode(first).reshape(SIDE_TABLES, tokens)
        check_symbols("gain", gains, 256)
        check_symbols("word", words, self._sizes["words"])
        check_symbols("step", steps, len(self._step_offsets))
        return gains, words, steps

    def _decode_scales(self, block, steps):
        scales = block.decode((SIDE_TABLES + steps).astype(np.uint16))
        check_symbols("scale", scales, len(self._scale_offsets))
        return scales


class Symbols(NamedTuple):
    """What a frame says of tokens: all of its information.

    Attributes
    ----------
    side, side_tables : list of ndarray
        Integers [tokens] and uint16 [tokens] of each kind of side information, in the order of the block.
    levels, level_tables : ndarray
        int32 and uint16 [tokens, components].
    """

    side: list
    side_tables: list
    levels: np.ndarray
    level_tables: np.ndarray


class _Row(State):
    """Where the coding of a row of tokens has come to."""

    def __init__(self, codec, core):
        self.codec = codec
        self.core = core

    def copy(self):
        return _Row(self.codec, _core.prediction_copy(self.core))

    def mark(self):
        _core.prediction_begin(self.core)

    def rollback(self, mark):
        _core.prediction_rollback(self.core)

    def __reduce__(self):
        return _loaded_row, (self.codec, _core.prediction_save(self.core))


def _loaded_row(codec, saved):
    return _Row(codec, _core.prediction_load(codec._predictor, saved))


def exact_matrix(name, integers, matrix_bits, value_bits):
    """An `ExactMatrix` for the values that go through the transforms; the name is of the tensor that it is made of."""
    try:
        return ExactMatrix(integers, matrix_bits, value_bits, VALUE_RANGE_BITS)
    except RdcodecError as error:
        raise RdcodecError(f"{name}: {error}") from error


def check_symbols(name, values, count):
    outside = (values < 0) | (values >= count)
    if outside.any():
        at = int(outside.argmax())
        raise CorruptStreamError(f"{name} of token {at}: expected 0 to {count - 1}, got {values[at]}")

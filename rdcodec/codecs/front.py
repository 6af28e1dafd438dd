"""What codecs say of each token before its levels, and the transform that they share.

What a token becomes, in the order of the block: the exponent of a power-of-two *gain* (massive activations alone have one),
the *word* of a codebook that is subtracted after the transform, the token's *step* (a coarser one where the model's output
minds errors less), its *scale* (how large what is left is), and the *levels* of its components. A level's table is chosen on
one logarithmic grid, by integers alone.

Everything is exact: transforms are integer products, so encoder and decoder give the same bytes and the same floats on
every machine and with every number of threads.
"""

from functools import cached_property

import numpy as np

from rdcodec.codecs.base import Codec
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.codecs.fields import CHANNELS, Integer, Integers, Tensor, check_config, check_count, check_range, check_tensors
from rdcodec.codecs.grid import GRID_STEPS, grid_power
from rdcodec.codecs.limits import check_memory, network_bytes, table_bytes
from rdcodec.codecs.tables import TABLE_SPECS, tables_of
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.net import IntegerNet, Layer

__all__ = [
    *("BITS", "COST_LEVELS", "ESCAPE_BITS", "LARGEST", "MOST_STEP_OFFSET", "SIDE_TABLES", "VALUE_RANGE_BITS"),
    *("FrontCodec", "check_symbols", "code_lengths", "exact_matrix"),
]

VALUE_RANGE_BITS = 22  # of the integers that go through the transforms
WORD_CODE_LIMIT = 127  # of the integers by which words are compared
WORD_BYTES = 40  # that each of these takes on the way
NO_CLIP = np.array([-(2**15 - 1), 2**15 - 1], np.int16)
SIDE_TABLES = 3  # of gains, words and steps; those of scales, one a step, follow
COST_LEVELS = 256
COST_TABLES = 1024  # at a time
COST_BITS = 8  # fractional bits of a code length in the search for a token's scale
ESCAPE_BITS = 6  # of a typical Exp-Golomb code
QUALITY_RANGE = 8 * GRID_STEPS

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
        *TABLE_SPECS,
    )

    def __init__(self, config, tensors):
        config = check_config(self._FIELDS, config)
        super().__init__(config["channels"], min_quality=-QUALITY_RANGE, max_quality=QUALITY_RANGE)
        self._sizes = check_tensors(self._SPECS, self.channels, tensors)
        self.layer = config["layer"]
        self._parts = config, dict(tensors)
        t = self._t = tensors
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
        self._tables = tables_of(t)
        self._grid = (
            np.ascontiguousarray(t["component_scale"], np.int32),
            np.ascontiguousarray(t["component_shape"], np.uint8),
            config["scales"],
            self._first_level_table(),
        )

    def _check_tensors(self):
        """What the table of tensors does not say: how they depend on each other and on the config."""
        check_range("word_components", self._t["word_components"], 0, self.channels - 1)
        check_count("step_thresholds", self._sizes["steps"] - 1, self._sizes["thresholds"])
        shapes = int(self._t["component_shape"].max()) + 1
        check_count("counts", self._first_level_table() + 2 * self._parts[0]["scales"] * shapes, self._sizes["tables"])

    @classmethod
    def _memory(cls, sizes, tensors):
        """dict of str to int : bytes of what is made of tensors with axes of these sizes, before any of it is."""
        costs = 2 * COST_LEVELS * sizes["tables"]
        words, selected = sizes["words"], sizes["selected"]
        return {
            "analysis and synthesis": 8 * cls._MATRICES * sizes["c"] ** 2,
            "frequencies": table_bytes(sizes["frequencies"], sizes["tables"]) + costs,
            "word_components": WORD_BYTES * words * selected + network_bytes((words, 1, selected)),
        }

    def _first_level_table(self):
        return SIDE_TABLES + self._sizes["steps"]

    # ---- checkpoint

    def _config(self):
        return self._parts[0]

    def _tensors(self):
        return self._parts[1]

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config, tensors)

    # ---- transform

    def _analyse(self, h):
        """Gains' exponents int [tokens], components float64 [tokens, components]."""
        gains, x = self._tamed(h)
        return gains, self._analysis.multiply(x)

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
            Gains, words, steps, hyper-latents and scales.
        levels : ndarray of int32, [tokens, channels]
        """
        h = np.ascontiguousarray(h, np.float32)
        if h.ndim != 2 or h.shape[1] != self.channels or not np.isfinite(h).all():
            raise RdcodecError(f"h: expected finite numbers [tokens, {self.channels}], got shape {h.shape}")
        return self._side_and_levels(h, self._checked_quality(quality))

    def level_map(self, quality=None):
        """Float64 [channels, components]: about how levels follow the state, at the token's step that lies in the middle."""
        quality = self._checked_quality(quality)
        exponent = np.sort(self._step_offsets)[len(self._step_offsets) // 2] - quality
        return self._analysis_at(quality).values / (2 * float(grid_power(exponent)))

    @property
    def level_slope(self):
        """float : bits by which the code length of a level changes from one magnitude to the next, at most."""
        return float(np.abs(np.diff(self._costs.astype(np.int64), axis=1)).max()) / 2**COST_BITS

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

    @cached_property
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


def exact_matrix(name, integers, matrix_bits, value_bits):
    """An `ExactMatrix` for the values that go through the transforms; the name is of the tensor that it is made of."""
    try:
        return ExactMatrix(integers, matrix_bits, value_bits, VALUE_RANGE_BITS)
    except RdcodecError as error:
        raise RdcodecError(f"{name}: {error}") from error


def level_costs(tables, first):
    """Code lengths of the magnitudes 0 to 255 in the tables from `first` on, uint16 in 1/256 bit, by integers alone."""
    arrays = tables.to_arrays()
    starts = np.concatenate([[0], np.cumsum(arrays["counts"], dtype=np.int64)])
    explicit = (int(arrays["precision"]) << COST_BITS) - _fixed_log2(np.arange(1.0, 2**15 + 1))
    costs = np.empty((len(tables) - first, COST_LEVELS), np.uint16)
    for start in range(first, len(tables), COST_TABLES):
        part = slice(start, min(start + COST_TABLES, len(tables)))
        entry = np.arange(COST_LEVELS) - arrays["offsets"][part, None].astype(np.int64)
        escape = arrays["counts"][part, None].astype(np.int64) - 1
        known = (entry >= 0) & (entry < escape)
        frequencies = arrays["frequencies"][starts[:-1][part, None] + np.where(known, entry, escape)]
        costs[start - first : part.stop - first] = explicit[frequencies - 1] + np.where(known, 0, ESCAPE_BITS << COST_BITS)
    for table in first + np.flatnonzero(arrays.get("run_counts", np.zeros(0))[first:]):  # wide ones
        frequencies, beside = _paid(arrays, table, COST_LEVELS)
        costs[table - first] = explicit[frequencies - 1] + (beside << COST_BITS)
    return costs


def code_lengths(arrays, table, symbols):
    """Code lengths in bits of the symbols from 0 on in one of some tables.

    Symbols that the table has no entry for take its escape and a typical code.
    """
    frequencies, beside = _paid(arrays, table, symbols)
    return int(arrays["precision"]) - np.log2(frequencies) + beside


def _paid(arrays, table, symbols):
    """Of the symbols from 0 on in one of some tables: the frequencies of their entries, int64, and what is paid beside these, in bits."""
    entries = _rows(arrays["counts"], table)
    escape = entries.stop - entries.start - 1
    place, ends = np.arange(symbols) - int(arrays["offsets"][table]), np.arange(1, escape + 1)
    raw_bits = np.zeros(escape + 1, np.int64)
    if "runs" in arrays and arrays["run_counts"][table]:
        place = _places(arrays["runs"][_rows(arrays["run_counts"], table)].astype(np.int64), place)
        raw_bits = arrays["raw_bits"][entries].astype(np.int64)
        ends = np.cumsum(1 << raw_bits[:-1])
    known = (place >= 0) & (place < ends[-1])
    entry = np.where(known, np.searchsorted(ends, place, side="right"), escape)
    return arrays["frequencies"][entries][entry].astype(np.int64), np.where(known, raw_bits[entry], ESCAPE_BITS)


def _places(runs, distance):
    """Places of symbols, counted from the offset, in the runs of a wide table; -1 for those that no run has."""
    starts, lengths = runs.T
    order = np.argsort(starts)
    run = order[np.maximum(np.searchsorted(starts[order], distance, side="right") - 1, 0)]
    within = distance - starts[run]
    return np.where((within >= 0) & (within < lengths[run]), (np.cumsum(lengths) - lengths)[run] + within, -1)


def _rows(counts, table):
    """Where the rows of a table are in an array of the rows of all."""
    end = int(counts[: table + 1].sum())
    return slice(end - int(counts[table]), end)


def _fixed_log2(values):
    """``floor(2**8 * log2(value))`` of integers of 1 to 2**16, held as float64, by squaring."""
    mantissa, exponent = np.frexp(values)
    mantissa, result = np.rint(np.ldexp(mantissa, 31)).astype(np.uint64), exponent.astype(np.int64) - 1
    for _ in range(COST_BITS):
        mantissa = (mantissa * mantissa) >> np.uint64(30)
        carry = mantissa >> np.uint64(31)
        result = 2 * result + carry.astype(np.int64)
        mantissa >>= carry
    return result


def check_symbols(name, values, count):
    outside = (values < 0) | (values >= count)
    if outside.any():
        at = int(outside.argmax())
        raise CorruptStreamError(f"{name} of token {at}: expected 0 to {count - 1}, got {values[at]}")

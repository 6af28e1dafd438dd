"""What all codecs with a transform are made of; `csrc/codec` codes with them.

What a token becomes, in the order of the block: the exponent of a power-of-two *gain* (massive activations alone have one),
the *codeword* of a codebook that is subtracted after the transform, the token's *step* (a coarser one where the model's output
minds errors less), hyper-latents where a family has them, its *scale* (how large what is left is), the earlier tokens that it *refers* to,
multiples of which are subtracted too, and the *levels* of its components. A level's table is chosen on one logarithmic grid, by
integers alone.

Everything is exact: transforms are integer products, so encoder and decoder give the same bytes and the same floats on
every machine and with every number of threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from rdcodec import _core
from rdcodec.codecs.base import Codec
from rdcodec.codecs.costs import COST_BITS, COST_LEVELS, level_costs
from rdcodec.codecs.exact import ExactMatrix
from rdcodec.codecs.fields import CHANNELS, Integer, Integers, Tensor, check_config, check_count, check_field, check_range, check_tensors
from rdcodec.codecs.grid import GRID_STEPS, LevelGrid, grid_power
from rdcodec.codecs.limits import check_memory, network_bytes, table_bytes
from rdcodec.codecs.link import State
from rdcodec.codecs.references import reference_table_count
from rdcodec.codecs.tables import TABLE_SPECS, tables_of
from rdcodec.codecs.values import HOST
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

    from rdcodec.types import Array

__all__ = [
    *("BITS", "FEATURE_UNIT", "INWARD_UNIT", "LARGEST", "MOST_REFERENCE_SCALE", "MOST_STEP_OFFSET", "SIDE_TABLES", "VALUE_RANGE_BITS"),
    *("TransformCoding", "Symbols", "exact_matrix"),
]

VALUE_RANGE_BITS = 22  # of the integers that go through the transforms
CODEWORD_BYTES = 40  # that each integer takes on the way by which codewords are compared
SIDE_TABLES = 3  # of gains, codewords and steps; those of scales, one a step, follow
QUALITY_RANGE = 8 * GRID_STEPS
INWARD_UNIT = 16  # reconstruction points move in sixteenths of half a step
FEATURE_UNIT = 64  # of codewords, and of what enters and leaves networks: a component's unit
LEAST_UNIT, MOST_UNIT = -10, 30  # binary logarithms, as csrc/rdc/predictions.h
MOST_REFERRED, MOST_REFERENCES, MOST_REFERENCE_SCALE, MOST_ADAPTATION = 65536, 8, 4096, 65535  # as there

# Ranges from which no integer overflows and no float becomes infinite, and whatever a decoder makes stays within them.
BITS = Integer(-200, 200)  # powers of two of number formats: values of float32 and what comes of them stay far within float64
MOST_STEP_OFFSET = 64  # so that with every quality spacings are 2**-16 to 2**16, which predictions have integers for
MOST_SCALE = 2**16  # scales of the grid are fewer
LARGEST = float(np.finfo(np.float32).max)


class Parts(NamedTuple):
    """What a codec is made of, as in its checkpoint."""

    config: dict
    tensors: dict


class TransformCoding(Codec):
    """Transform, codewords, steps and tables. Quality is on the grid: the quantisation step is proportional to 2**(-quality / 8).

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
    units : ndarray
        float64 [components], powers of two.
    step_offsets, scale_offsets : ndarray
        int64 [steps] and int32 [candidates], grid steps: what a token's step is multiplied by, and what may be added to its scale.
    analysis, synthesis : ExactMatrix or ExactBlocks
        [channels, components] and [components, channels]; `analysis_at` has what a family makes of it at a quality.
    tables : FrequencyTables
        Of gains, codewords, steps, scales (one a step), hyper-latents, references and, from `first_level_table` on, levels.
    latents : int
        Hyper-latents a token.
    """

    FIELDS = {
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
    SPECS: tuple[Tensor, ...] = (
        Tensor("mean", np.float32, ("c",), -LARGEST, LARGEST),
        Tensor("word_prior", np.int32, ("codewords",), -(2**30), 2**30),
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

    _core: _core.Codec  # which families make

    def __init__(self, config, tensors):
        config = check_config(self.FIELDS, config)
        super().__init__(config["channels"], min_quality=-QUALITY_RANGE, max_quality=QUALITY_RANGE)
        self._sizes = check_tensors(self.SPECS, self.channels, tensors)
        self.layer = config["layer"]
        self._parts = Parts(config, dict(tensors))
        t = self._parts.tensors
        self._check_tensors()
        check_memory(self._memory(self._sizes, tensors), tensors)
        self.analysis, self.synthesis = self._transforms()
        self.step_offsets = t["step_offsets"].astype(np.int64)
        self.scale_offsets = np.ascontiguousarray(t["scale_offsets"], np.int32)
        self.units = np.ldexp(1.0, t["unit"])
        self.tables = tables_of(t)

    @property
    def codebook(self) -> Array:
        """ndarray : int16 [codewords, components], in 64ths of `units`; of the core's memory, not to be written to."""
        return _core.codec_codewords(self._core)

    @property
    def latents(self) -> int:
        """int : hyper-latents a token."""
        return 0

    def _transforms(self):
        """Analysis and synthesis."""
        config, t = self._parts
        analysis = exact_matrix("analysis", t["analysis"], config["analysis_bits"], config["state_bits"])
        return analysis, exact_matrix("synthesis", t["synthesis"], config["synthesis_bits"], config["component_bits"])

    def _predictor_of(self, net, uses_context):
        """What predicts components, for states to be made of."""
        config, t = self._parts
        grid = LevelGrid.of(t["component_scale"], t["component_shape"], config["scales"], self.first_level_table)
        rules = ReferenceRules(config["referred"], config["references"], np.ascontiguousarray(t["reference_scale"]))
        costs = ScaleCosts(self.level_costs(), self.scale_offsets)
        unit = np.ascontiguousarray(t["unit"])
        return _core.predictor_make(grid, net, unit, uses_context, tuple(config["inward"]), rules, costs, config["adaptation"])

    def _check_tensors(self):
        """What the table of tensors does not say: how they depend on each other and on the config."""
        config, t = self._parts
        if not config["referred"] == config["references"] == 0:
            check_field("references", Integer(1, MOST_REFERENCES), config["references"])
            check_field("referred", Integer(1, MOST_REFERRED), config["referred"])
        check_range("word_components", t["word_components"], 0, self.channels - 1)
        check_count("step_thresholds", self._sizes["steps"] - 1, self._sizes["thresholds"])
        shapes = int(t["component_shape"].max()) + 1
        check_count("counts", self.first_level_table + 2 * config["scales"] * shapes, self._sizes["tables"])

    @classmethod
    def _memory(cls, sizes, tensors):
        """dict of str to int : bytes of what is made of tensors with axes of these sizes, before any of it is."""
        costs = 2 * 2 * COST_LEVELS * sizes["tables"]  # and copied
        codewords, selected = sizes["codewords"], sizes["selected"]
        return {
            "analysis and synthesis": cls._transform_bytes(sizes),
            "frequencies": table_bytes(sizes["frequencies"], sizes["tables"]) + costs,
            "word_components": CODEWORD_BYTES * codewords * selected + network_bytes((codewords, 1, selected)),
        }

    @classmethod
    def _transform_bytes(cls, sizes):
        return 8 * cls._MATRICES * sizes["c"] ** 2

    def _new_state(self):
        return _Row(self, _core.prediction_make(self._predictor))

    def _core_of(self, codewords, arrays, step_net=None, latent_net=None):
        """What codes tokens, of the codebook, int16 [codewords, components], and what else a family's choice of steps depends on."""
        config, t = self._parts
        pointed = self.tables.core, self._predictor, self.synthesis.core, *(net and net.core for net in (step_net, latent_net))
        names = "mean", "word_prior", "word_components", "word_code_scale", "step_offsets"
        arrays = {
            **{name: t[name] for name in (*names, *arrays)},
            "words": codewords,
            "step_thresholds": t["step_thresholds"].astype(np.int64),
        }
        arrays = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
        return _core.codec_make(pointed, arrays, config["gain_limit_bits"], config["zero_scale"])

    # ---- coding

    def _encode_tokens(self, h, quality, state):
        return self._encode_rows(h[None], quality, [state])[0]

    def _decode_tokens(self, payload, tokens, quality, state):
        return self._decode_rows([payload], tokens, quality, [state])[0]

    def _encode_rows(self, h, quality, states):
        cores, analysis = tuple(state.core for state in states), self.analysis_at(quality)
        if self.place is HOST:
            return _core.codec_encode(self._core, cores, analysis.core, h, quality)
        return _core.codec_encode_components(self._core, cores, *self.place.components(h, analysis), quality)

    def _decode_rows(self, payloads, tokens, quality, states):
        cores, payloads = tuple(state.core for state in states), tuple(payloads)
        if self.place is HOST:
            return _core.codec_decode(self._core, cores, payloads, tokens, quality)
        return self.place.states(*_core.codec_decode_components(self._core, cores, payloads, tokens, quality), self.synthesis)

    def to(self, device: Any) -> Self:
        """A codec whose transforms run on a device, where a model's states are: PyTorch multiplies, components cross to the coder.

        The bytes are the same, and so are decoded values: sums are exact in float64. Where a device has none (MPS), bytes may
        differ and are decoded to the same tokens by all codecs, values but for rounding to float32.

        Parameters
        ----------
        device : str or torch.device or None
            None for the processor's memory without PyTorch, as codecs are when they are made or loaded.

        Returns
        -------
        TransformCodec or LearnedCodec
            Equal to this one, which stays as it is. Its decoders leave float32 tensors on the device. Copies are there too; a codec
            that was pickled comes back in the processor's memory.

        Raises
        ------
        RdcodecError
            PyTorch has no such device.
        ImportError
            PyTorch is not there.
        """
        twin = self.__copy__()
        twin.place = HOST
        if device is not None:
            from rdcodec.codecs.device import Device

            twin.place = Device(device, self._parts.tensors["mean"], self._parts.config["gain_limit_bits"])
        return twin

    # ---- checkpoint

    def _config(self):
        return self._parts.config

    def _tensors(self):
        return self._parts.tensors

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config, tensors)

    # ---- what it is made of, for those who fit it or train it

    @property
    def config(self):
        """dict : JSON values, as in the checkpoint; a copy."""
        return dict(self._parts.config)

    @property
    def tensors(self):
        """dict of ndarray : as in the checkpoint, by name; a copy that shares the arrays, which must stay as they are."""
        return dict(self._parts.tensors)

    @property
    def first_level_table(self):
        """int : table of `tables` from which on they are of levels."""
        config = self._parts.config
        references = reference_table_count(config["referred"], config["references"])
        return SIDE_TABLES + self._sizes["steps"] + self.latents + references

    def analysis_at(self, quality):
        """The `ExactMatrix` [channels, components] by which states are transformed at a quality."""
        return self.analysis

    def level_costs(self):
        """Code lengths of levels, uint16 [tables of levels, magnitudes], in 1/256 bit."""
        return level_costs(self.tables, self.first_level_table)

    # ---- what a frame holds, for those who fit tables to it or ask how far from its entropy it is

    def symbols(self, h, quality=None):
        """The integers that a frame holds of tokens, all of its information.

        Parameters
        ----------
        h : array_like of float, [tokens, channels]
            Finite; what a new encoder is given first.
        quality : int, optional
            Higher is finer; `default_quality` where it is not given.

        Returns
        -------
        side : ndarray of int32, [tokens, kinds]
            Gains, codewords, steps, hyper-latents, scales, and distance and weight of each reference.
        levels : ndarray of int32, [tokens, channels]
        """
        coded = self.coded_symbols(h, quality)
        return np.ascontiguousarray(coded.side.T), coded.levels

    def coded_symbols(self, h, quality=None):
        """`Symbols` of tokens, with the table that codes each; parameters as of `symbols`."""
        h = self._states(h)
        state, quality = self._new_state(), self._checked_quality(quality)
        symbols, tables = _core.codec_symbols(self._core, state.core, self.analysis_at(quality).core, h, quality)
        side = symbols.size - h.size
        shapes = (-1, len(h)), (len(h), self.channels)
        return Symbols(
            symbols[:side].reshape(shapes[0]), tables[:side].reshape(shapes[0]), *(a[side:].reshape(shapes[1]) for a in (symbols, tables))
        )

    def _states(self, h):
        h = np.ascontiguousarray(h, np.float32)
        if h.ndim != 2 or h.shape[1] != self.channels or not np.isfinite(h).all():
            raise RdcodecError(f"h: expected finite numbers [tokens, {self.channels}], got shape {h.shape}")
        return h

    def level_map(self, quality=None):
        """Float64 [channels, components]: about how levels follow the state, at the token's step that lies in the middle."""
        quality = self._checked_quality(quality)
        exponent = np.sort(self.step_offsets)[len(self.step_offsets) // 2] - quality
        return self.analysis_at(quality).values / (2 * float(grid_power(exponent)))

    def tame(self, h):
        """Exponents of gains, int32 [tokens], and what is left of h without gains and mean, float64 [tokens, channels]."""
        return _core.codec_tame(self._core, self._states(h))

    def components(self, h, quality=None):
        """Float64 [tokens, components]: states h, float32 [tokens, channels], in the transform, before anything is subtracted."""
        return self.analysis_at(self._checked_quality(quality)).multiply(self.tame(h)[1])

    def choose(self, y):
        """Codeword and step of each token, int32 [tokens], from its components, float64 [tokens, components]."""
        return _core.codec_choose(self._core, y)

    @property
    def level_slope(self):
        """float : bits by which the code length of a level changes from one magnitude to the next, at most."""
        return float(np.abs(np.diff(self.level_costs().astype(np.int64), axis=1)).max()) / 2**COST_BITS


class ReferenceRules(NamedTuple):
    """To which earlier tokens a token may refer, as `rdc_reference_rules`."""

    tokens: int
    most: int
    scale: np.ndarray


class ScaleCosts(NamedTuple):
    """What a token's scale is chosen by, as `rdc_scale_costs`."""

    costs: np.ndarray
    candidates: np.ndarray


class Symbols(NamedTuple):
    """What a frame holds of tokens: all of its information.

    Attributes
    ----------
    side, side_tables : ndarray
        int32 and uint16 [kinds, tokens] of side information, in the order of the block.
    levels, level_tables : ndarray
        int32 and uint16 [tokens, components].
    """

    side: np.ndarray
    side_tables: np.ndarray
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

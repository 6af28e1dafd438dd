"""Learned codecs: integer networks choose each token's step and predict the mean and the scale of each of its levels.

The four families differ in what the prediction sees besides the token's word and step: hyper-latents, which are coded with the
token, and earlier tokens as they are decoded. Levels stand token after token, for each may wait for the one before.
"""

import numpy as np

from rdcodec import _core
from rdcodec.codecs.exact import EXACT_BITS
from rdcodec.codecs.fields import Integer, Tensor
from rdcodec.codecs.front import BITS, SIDE_TABLES, VALUE_RANGE_BITS, FrontCodec, exact_matrix
from rdcodec.codecs.grid import grid_power
from rdcodec.codecs.limits import network_bytes, table_bytes
from rdcodec.codecs.link import State
from rdcodec.codecs.words import WORD_SPECS, unpack_words
from rdcodec.entropy import WIDE_ARRAYS
from rdcodec.errors import RdcodecError
from rdcodec.messages import shown
from rdcodec.net import IntegerNet

__all__ = ["ContextCodec", "DirectAccessCodec", "FactorisedHyperpriorCodec", "FourierHyperpriorCodec", "LearnedCodec"]

FEATURE_UNIT = 64  # of what enters and leaves networks, a component's unit
FEATURE_LIMIT = 2**15 - 1
EXPONENT_FEATURE = 8  # a grid step of the spacing
LATENT_FEATURE = 16  # a step of a hyper-latent
LEAST_EMPHASISED = -16  # quality from which on downwards the emphasis does not grow
EMPHASIS_RANGE_BITS = 24  # of the integers on the way to a matrix
KEPT_MATRICES = 8
LEAST_UNIT, MOST_UNIT = -10, 30  # binary logarithms, as csrc/rdc.h


class LearnedCodec(FrontCodec):
    """A codec that `rdcodec train` makes; see `rdcodec.training`.

    Quality is on the grid: the quantisation step of the transformed state is proportional to ``2**(-quality / 8)``.

    Parameters
    ----------
    config : dict
        JSON values: the split (`layer`, `channels`), the number of hyper-latents, the integers of the number formats.
    tensors : dict of ndarray
        Transforms, words, scales, networks and frequency tables, as in the checkpoint.

    Raises
    ------
    RdcodecError
        A tensor is missing, does not have the type or the shape that the others ask for, or is out of its range.

    Attributes
    ----------
    looks_back : bool
        Whether the prediction sees earlier tokens.
    latent_density : str or None
        The density that tables of hyper-latents are made of, "factorised" or "fourier"; None without hyper-latents.
    """

    looks_back = False
    latent_density = None

    _MATRICES = KEPT_MATRICES + 4  # analysis, synthesis, and what is on the way to one
    _FIELDS = {**FrontCodec._FIELDS, "latents": Integer(0, 65535), "emphasis_bits": BITS}
    _SPECS = (
        *FrontCodec._SPECS,
        Tensor("analysis", np.int16, ("c", "c")),
        Tensor("synthesis", np.int16, ("c", "c")),
        *WORD_SPECS,
        Tensor("unit", np.int8, ("c",), LEAST_UNIT, MOST_UNIT),
        Tensor("step_thresholds", np.int32, ("thresholds",), order="sorted"),
        Tensor("emphasis_in", np.int8, ("c", "emphasis")),
        Tensor("emphasis_out", np.int8, ("emphasis", "c")),
    )

    def __init__(self, config, tensors):
        super().__init__(config, tensors)
        self._words = unpack_words(tensors)
        self._units = np.ldexp(1.0, tensors["unit"])
        self._emphasised = {LEAST_EMPHASISED: self._emphasised_analysis(LEAST_EMPHASISED)}
        self._check_emphasis()
        self._step_net = _net("steps", tensors, self.channels, 1)
        self._latent_net = _net("latents", tensors, self.channels, self.latents) if self.latents else None
        for name, net in (("steps", self._step_net), ("latents", self._latent_net)):
            if net and net.looks_back:
                raise RdcodecError(f"{name}: expected layers of one tap, for tokens are taken on their own")
        seen = self.channels if self.looks_back else 0
        net = _net("predictor", tensors, seen + self._sizes["selected"] + 1 + self.latents, 2 * self.channels)
        self._check_names([("steps", self._step_net), ("latents", self._latent_net), ("predictor", net)])
        unit = np.ascontiguousarray(tensors["unit"])
        self._predictor = _core.predictor_make(self._grid, net._core, unit, self.looks_back, tuple(self._inward))

    def _check_names(self, nets):
        """Every tensor is of some use; those that are not there were missed before."""
        expected = {name for name, *_ in self._SPECS} | {prefix + name for prefix in ("", "word_") for name in WIDE_ARRAYS}
        expected.update(*(net.to_tensors(prefix) for prefix, net in nets if net))
        for name in sorted(self._t.keys() - expected):
            raise RdcodecError(f"{shown(name)}: expected no such tensor in a checkpoint of family {self.family}")

    @property
    def latents(self):
        """int : hyper-latents a token."""
        return int(self._parts[0]["latents"])

    def _check_emphasis(self):
        """Products are exact at every quality: the matrix of quality q is A + 2**(-q / 8) C, rounded, so that no column has a larger
        sum than A or the one that is emphasised most, but for the rounding."""
        sums = [matrix.column_sum() for matrix in (self._analysis, self._emphasised[LEAST_EMPHASISED])]
        if max(sums) + self.channels >= 2.0 ** (EXACT_BITS - VALUE_RANGE_BITS):
            raise RdcodecError(f"analysis and emphasis: an exact product needs more than {EXACT_BITS} bits")

    @classmethod
    def _memory(cls, sizes, tensors):
        layers = (tensor.shape for name, tensor in tensors.items() if name.endswith(".weight") and tensor.ndim == 3)
        return {
            **super()._memory(sizes, tensors),
            "words": 2 * sizes["words"] * sizes["c"],
            "word_frequencies": table_bytes(sizes["word_frequencies"], sizes["word_tables"]),
            "weights of networks": sum(map(network_bytes, layers)),
        }

    def _first_level_table(self):
        return super()._first_level_table() + self.latents

    def _new_state(self):
        return _Row(self, _core.prediction_make(self._predictor))

    # ---- coding

    def _encode_tokens(self, h, quality, state):
        symbols, index, levels, level_index = self._symbols(h, quality, state)
        symbols = np.concatenate([*symbols, levels.ravel()]).astype(np.int32)
        return self._tables.encode(symbols, np.concatenate([*index, level_index.ravel()]))

    def _symbols(self, h, quality, state):
        """Side symbols and their tables, a list of arrays [tokens] each; levels and their tables [tokens, components]."""
        gains, y = self._analyse_at(h, quality)
        words, steps = self._choose_words(y), self._choose_steps(y)
        latents = self._choose_latents(y, words)
        said, token_scale = self._said(words, steps, quality, latents)
        levels, index, scales = _core.prediction_encode(state.core, y, *said, token_scale, self._costs, self._scale_offsets)
        tables = self._side_tables(len(y), steps)
        return [gains, words, steps, *latents.T, scales], tables, levels, index

    def _side_and_levels(self, h, quality):
        side, _, levels, _ = self._symbols(h, quality, self._new_state())
        return np.stack(side, axis=1).astype(np.int32), levels

    def _decode_tokens(self, payload, tokens, quality, state):
        block = self._tables.decoder(payload, tokens * (self.channels + SIDE_TABLES + 1 + self.latents))
        gains, words, steps = self._decode_side(block, tokens)
        tables = self._side_tables(tokens, steps)[SIDE_TABLES:-1]
        latents = block.decode(np.concatenate(tables)) if tables else np.empty(0, np.int32)
        latents = latents.reshape(self.latents, tokens).T
        scales = self._decode_scales(block, steps)
        said, token_scale = self._said(words, steps, quality, latents)
        token_scale += self._scale_offsets[scales]
        y = _core.prediction_decode(state.core, block._core, *said, token_scale)
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
        side = np.empty((len(words), self._sizes["selected"] + 1 + self.latents), np.int16)
        base = self._words[words]
        side[:, : self._sizes["selected"]] = base[:, self._t["word_components"]]
        side[:, self._sizes["selected"]] = EXPONENT_FEATURE * exponents
        side[:, self._sizes["selected"] + 1 :] = clipped(LATENT_FEATURE * latents.astype(np.int64))
        return (side, base, exponents.astype(np.int32)), self._token_scale(exponents)

    # ---- analysis

    def _analyse_at(self, h, quality):
        """As `_analyse`, with what the model's output minds most emphasised: the more so, the coarser the steps are."""
        gains, x = self._tamed(h)
        return gains, self._analysis_at(quality).multiply(x)

    def _analysis_at(self, quality):
        quality = max(quality, LEAST_EMPHASISED)
        matrix = self._emphasised.get(quality)
        if matrix is None:
            matrix = self._emphasised_analysis(quality)
            if len(self._emphasised) >= KEPT_MATRICES:  # another thread may have filled it meanwhile, or be about to use what goes
                self._emphasised.clear()
            self._emphasised[quality] = matrix
        return matrix

    def _emphasised_analysis(self, quality):
        """Analysis A of integers becomes A + g A E, E of low rank in units, with sums that no machine rounds."""
        t, config = self._t, self._parts[0]
        inner = (t["analysis"] / self._units) @ t["emphasis_in"].astype(np.float64)
        shift = max(0, int(np.frexp(np.abs(inner).max(initial=0.0))[1]) - EMPHASIS_RANGE_BITS)
        inner = np.rint(np.ldexp(inner, -shift))
        change = np.ldexp(inner @ t["emphasis_out"].astype(np.float64), shift - config["emphasis_bits"]) * self._units
        matrix = np.rint(t["analysis"] + float(grid_power(-quality)) * change)
        return exact_matrix("analysis and emphasis", matrix, config["analysis_bits"], config["state_bits"])

    # ---- what the encoder chooses for a token

    def _features(self, y):
        """Components as networks see them, int16."""
        return clipped(np.rint(y * (FEATURE_UNIT / self._units)))

    def _selected_words(self):
        selected = self._t["word_components"]
        return self._words[:, selected] * (self._units[selected] / FEATURE_UNIT)

    def _choose_steps(self, y):
        """Index of each token's step, from the predicted logarithm of how much the output minds an error in it."""
        sensitivity = self._step_net.apply(self._features(y))[:, 0].astype(np.int32)
        return np.searchsorted(self._t["step_thresholds"], -sensitivity, side="right")

    def _choose_latents(self, y, words):
        if self._latent_net is None:
            return np.empty((len(y), 0), np.int16)
        return self._latent_net.apply(self._features(y - self._words[words] * (self._units / FEATURE_UNIT)))


class FactorisedHyperpriorCodec(LearnedCodec):
    """Means and scales from hyper-latents with deep factorised densities (Balle et al., ICLR 2018)."""

    family = "hyperprior-factorised"
    latent_density = "factorised"


class FourierHyperpriorCodec(LearnedCodec):
    """Means and scales from hyper-latents with Fourier basis densities (De la Fuente et al., arXiv 2402.15345)."""

    family = "hyperprior-fourier"
    latent_density = "fourier"


class DirectAccessCodec(LearnedCodec):
    """Means and scales from hyper-latents and from earlier tokens (direct access, arXiv 2601.22002)."""

    family = "direct-access"
    latent_density = "factorised"
    looks_back = True


class ContextCodec(LearnedCodec):
    """Means and scales from earlier tokens alone."""

    family = "context"
    looks_back = True


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


def _net(name, tensors, inputs, outputs):
    net = IntegerNet.from_tensors(name, tensors)
    if (net.inputs, net.outputs) != (inputs, outputs):
        raise RdcodecError(f"{name}: expected a network of {inputs} inputs and {outputs} outputs, got {net.inputs} and {net.outputs}")
    return net


def clipped(values):
    """int16"""
    return np.clip(values, -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.int16)

"""Transform codec: a fixed linear transform, a dependent quantiser, and tables on a grid of scales.

A level's table is the clamped sum of its component's scale, its token's scale and step, and the quality.
"""

import numpy as np

from rdcodec import _core
from rdcodec.codecs.fields import Tensor, check_count, check_range
from rdcodec.codecs.front import BITS, LARGEST, SIDE_TABLES, FrontCodec
from rdcodec.codecs.grid import grid_power, grid_round

__all__ = ["TransformCodec"]

FEATURE_LIMIT = 2**15
INWARD_UNIT = 16  # reconstruction points move in sixteenths of half a step
QUANTISED = 2.0**29 - 1  # half steps that the quantiser takes


class TransformCodec(FrontCodec):
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
        A field or a tensor is missing, does not have the type or the shape that the others ask for, or is out of its range.

    Attributes
    ----------
    layer : int
        Split point the codec was calibrated for: it codes ``hidden_states[layer]``.
    """

    family = "transform"

    _MATRICES = 3  # one of them on the way
    _FIELDS = {**FrontCodec._FIELDS, "word_bits": BITS}
    _SPECS = (
        *FrontCodec._SPECS,
        Tensor("analysis", np.int32, ("c", "c")),
        Tensor("synthesis", np.int32, ("c", "c")),
        Tensor("words", np.int16, ("words", "c")),
        Tensor("feature_scale", np.float32, ("c",), 0, LARGEST),
        Tensor("feature_weights", np.int32, ("c",)),
        Tensor("band_edges", np.int32, ("edges",), order="rising"),
        Tensor("band_weights", np.int32, ("bands",)),
        Tensor("step_thresholds", np.int64, ("thresholds",), order="sorted"),
    )

    def __init__(self, config, tensors):
        super().__init__(config, tensors)
        self._words = np.ldexp(tensors["words"].astype(np.float64), -config["word_bits"])
        # A component of a massive activation may be larger than the quantiser takes; with most codecs none can be.
        largest = self._analysis.largest_product() + float(np.abs(self._words).max())
        self._saturates = largest >= QUANTISED * float(grid_power(self._step_offsets.min() - self.max_quality))

    def _check_tensors(self):
        super()._check_tensors()
        check_count("band_edges", self._sizes["bands"] + 1, self._sizes["edges"])
        check_range("band_edges", self._t["band_edges"], 0, self.channels)

    @classmethod
    def _memory(cls, sizes, tensors):
        return {**super()._memory(sizes, tensors), "words": 16 * sizes["words"] * sizes["c"]}

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
        exponents = self._step_offsets[steps] - quality
        token_scale = self._token_scale(exponents)
        y -= self._words[words]
        y *= (1 / grid_power(exponents))[:, None]
        if self._saturates:
            np.clip(y, -QUANTISED, QUANTISED, out=y)
        levels = _core.trellis_quantise(y)
        scales = _core.levels_fit_scale(self._grid, levels, token_scale, self._costs, self._scale_offsets)
        token_scale += self._scale_offsets[scales]
        return gains, words, steps, scales, levels, token_scale

    def _side_and_levels(self, h, quality):
        *side, levels, _ = self._symbols(h, quality)
        return np.stack(side, axis=1).astype(np.int32), levels

    def _decode_tokens(self, payload, tokens, quality, state):
        block = self._tables.decoder(payload, tokens * (self.channels + SIDE_TABLES + 1))
        gains, words, steps = self._decode_side(block, tokens)
        scales = self._decode_scales(block, steps)
        exponents = self._step_offsets[steps] - quality
        token_scale = self._token_scale(exponents)
        token_scale += self._scale_offsets[scales]
        points = _core.levels_decode(self._grid, block._core, token_scale)
        block.finish()
        y = self._reconstruct(points)
        y *= grid_power(exponents)[:, None]
        y += self._words[words]
        return self._synthesise(gains, y)

    def _reconstruct(self, points):
        """Values in units of half a step: small points move inward, by what calibration found best for the loss."""
        magnitude = np.abs(points)
        inward = np.asarray(self._inward)[np.minimum(magnitude, len(self._inward)) - 1]
        y = (INWARD_UNIT * points - np.sign(points) * inward).astype(np.float64)
        y *= 1 / INWARD_UNIT
        return y

    # ---- what the encoder chooses for a token

    def _selected_words(self):
        return self._words[:, self._t["word_components"]]

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

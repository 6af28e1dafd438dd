"""Transform codec: all of it comes in closed form.

A level's table is the clamped sum of its component's scale, its token's scale and step, and the quality.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec.codecs.fields import Tensor, check_count, check_range
from rdcodec.codecs.transform_coding import LARGEST, TransformCoding

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.types import Array

__all__ = ["CHOICE_SPECS", "FEATURE_LIMIT", "TransformCodec"]

FEATURE_LIMIT = 2**15  # of the features by which steps are chosen, as csrc/codec/choices.c


# Codewords, and what a token's step is chosen by: of calibrated codecs of every kind.
CHOICE_SPECS = (
    Tensor("words", np.int16, ("codewords", "c")),
    Tensor("feature_scale", np.float32, ("c",), 0, LARGEST),
    Tensor("feature_weights", np.int32, ("c",)),
    Tensor("band_edges", np.int32, ("edges",), order="rising"),
    Tensor("band_weights", np.int32, ("bands",)),
    Tensor("step_thresholds", np.int64, ("thresholds",), order="sorted"),
)


class TransformCodec(TransformCoding):
    """The codec that `rdcodec.calibrate` fits; see there.

    Quality is on the grid: the quantisation step of the transformed state is proportional to ``2**(-quality / 8)``.

    Parameters
    ----------
    config : dict
        JSON values: the split (`layer`, `channels`) and the integers of the number formats.
    tensors : dict of ndarray
        Transforms, codewords, scales, predictor and frequency tables, as in the checkpoint.

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
    SPECS = (
        *TransformCoding.SPECS,
        Tensor("analysis", np.int32, ("c", "c")),
        Tensor("synthesis", np.int32, ("c", "c")),
        *CHOICE_SPECS,
    )

    def __init__(self, config: dict[str, Any], tensors: dict[str, Array]) -> None:
        super().__init__(config, tensors)
        self._predictor = self._predictor_of(None, False)
        self._core = self._core_of(tensors["words"], ("feature_scale", "feature_weights", "band_edges", "band_weights"))
        self._parts.tensors["words"] = self.codebook  # one in memory, not a second one

    def _check_tensors(self):
        super()._check_tensors()
        check_count("band_edges", self._sizes["bands"] + 1, self._sizes["edges"])
        check_range("band_edges", self._parts.tensors["band_edges"], 0, self.channels)

    @classmethod
    def _memory(cls, sizes, tensors):
        return {**super()._memory(sizes, tensors), "words": 2 * sizes["codewords"] * sizes["c"]}

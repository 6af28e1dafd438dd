"""Transform codec of wide states, whose transforms are products of block-diagonal matrices.

A whole matrix of c x c integers is what a token on its own waits for, and most of a checkpoint; stages of blocks have some c x width each.
"""

import numpy as np

from rdcodec.codecs.exact import ExactBlocks
from rdcodec.codecs.fields import Tensor
from rdcodec.codecs.transform import CHOICE_SPECS, TransformCodec
from rdcodec.codecs.transform_coding import BITS, VALUE_RANGE_BITS, TransformCoding
from rdcodec.errors import RdcodecError

__all__ = ["BlockTransformCodec"]

WHOLE_BITS = ("analysis_bits", "state_bits", "synthesis_bits", "component_bits")  # here numbers of each stage: tensors
COLUMNS = 24  # that a panel of a block has at least, as csrc/dense


class BlockTransformCodec(TransformCodec):
    """A `TransformCodec` that takes a wide state to its components, and back, in stages of small blocks.

    Each block of a stage makes `width` outputs of as many inputs. Between stages of the analysis the outputs of all blocks that
    have the same place in theirs come next to each other; between those of the synthesis they go back.

    Parameters
    ----------
    config : dict
    tensors : dict of ndarray
        As of `TransformCodec`, but with `analysis_blocks` and `synthesis_blocks`, int16 [stages, channels, width], in the place of whole
        matrices, and with `analysis_formats` and `synthesis_formats`, int32 [stages, 2], which are each stage's binary digits behind
        the point: of its integers, and of the values that it is given.

    Raises
    ------
    RdcodecError
        A field or a tensor is missing, does not have the type or the shape that the others ask for, or is out of its range.
    """

    family = "block-transform"

    FIELDS = {name: kind for name, kind in TransformCodec.FIELDS.items() if name not in WHOLE_BITS}
    SPECS = (
        *TransformCoding.SPECS,
        Tensor("analysis_blocks", np.int16, ("stages", "c", "width")),
        Tensor("synthesis_blocks", np.int16, ("stages", "c", "width")),
        Tensor("analysis_formats", np.int32, ("stages", "bits"), BITS.least, BITS.most),
        Tensor("synthesis_formats", np.int32, ("stages", "bits"), BITS.least, BITS.most),
        *CHOICE_SPECS,
    )

    def _check_tensors(self):
        super()._check_tensors()
        if self.channels % self._sizes["width"]:
            raise RdcodecError(f"analysis_blocks: expected a width that divides {self.channels} channels, got {self._sizes['width']}")

    @classmethod
    def _transform_bytes(cls, sizes):
        columns, pairs = -(-sizes["width"] // COLUMNS) * COLUMNS, -(-sizes["width"] // 2)
        return 2 * sizes["stages"] * sizes["c"] // sizes["width"] * columns * pairs * 4

    def _transforms(self):
        t, width = self._parts.tensors, self._sizes["width"]
        analysis = ExactBlocks(t["analysis_blocks"], width, t["analysis_formats"], VALUE_RANGE_BITS)
        return analysis, ExactBlocks(t["synthesis_blocks"], self.channels // width, t["synthesis_formats"], VALUE_RANGE_BITS)

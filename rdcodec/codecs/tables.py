"""Frequency tables in a checkpoint."""

import numpy as np

from rdcodec.codecs.fields import Tensor
from rdcodec.entropy import WIDE_ARRAYS, FrequencyTables
from rdcodec.errors import RdcodecError

__all__ = ["TABLE_SPECS", "tables_of"]

TABLE_SPECS = (
    Tensor("frequencies", np.uint16, ("frequencies",)),
    Tensor("counts", np.uint32, ("tables",)),
    Tensor("offsets", np.int32, ("tables",)),
    Tensor("precision", np.uint8, (), 12, 15),
)

WIDE_RANKS = {"raw_bits": 1, "run_counts": 1, "runs": 2}


def tables_of(tensors, prefix=""):
    """`FrequencyTables` of tensors whose names begin with the prefix; all tables of a checkpoint have one precision."""
    arrays = (tensors[f"{prefix}{name}"] for name in ("frequencies", "counts", "offsets"))
    wide = {name: tensors[prefix + name] for name in WIDE_ARRAYS if prefix + name in tensors}
    for name, array in wide.items():
        if array.dtype != WIDE_ARRAYS[name] or array.ndim != WIDE_RANKS[name]:
            expected = f"{WIDE_ARRAYS[name]} of {WIDE_RANKS[name]} dimensions"
            raise RdcodecError(f"{prefix}{name}: expected {expected}, got {array.dtype} of shape {list(array.shape)}")
    return FrequencyTables.from_frequencies(*arrays, int(tensors["precision"]), **wide)

"""Frequency tables in a checkpoint."""

import numpy as np

from rdcodec.codecs.fields import Tensor
from rdcodec.entropy import FrequencyTables

__all__ = ["TABLE_SPECS", "tables_of"]

TABLE_SPECS = (
    Tensor("frequencies", np.uint16, ("frequencies",)),
    Tensor("counts", np.uint32, ("tables",)),
    Tensor("offsets", np.int32, ("tables",)),
    Tensor("precision", np.uint8, (), 12, 15),
)


def tables_of(tensors, prefix=""):
    """`FrequencyTables` of tensors whose names begin with the prefix; all tables of a checkpoint have one precision."""
    arrays = (tensors[f"{prefix}{name}"] for name in ("frequencies", "counts", "offsets"))
    return FrequencyTables.from_frequencies(*arrays, int(tensors["precision"]))

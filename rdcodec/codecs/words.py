"""The codebook of a learned codec: entropy-coded in the checkpoint, for it is the largest part of it."""

import numpy as np

from rdcodec.entropy import FrequencyTables
from rdcodec.errors import RdcodecError

__all__ = ["WORD_EXPONENTS", "WORD_SPECS", "unpack_words", "word_tables"]

WORD_EXPONENTS = 16  # powers of two by which a level can be multiplied
WORD_SPECS = (
    ("words", np.uint8, ("word_bytes",)),
    ("word_exponents", np.uint8, ("words",)),  # a word that is often used has smaller steps ...
    ("component_exponents", np.uint8, ("c",)),  # ... as have components that vary little
    ("component_classes", np.uint8, ("c",)),
    ("word_frequencies", np.uint16, ("word_frequencies",)),
    ("word_counts", np.uint32, ("word_tables",)),
    ("word_offsets", np.int32, ("word_tables",)),
)


def unpack_words(tensors):
    """int16 [words, components] in 64ths of units.

    Raises
    ------
    RdcodecError
        The tensors do not fit each other, or the words are damaged.
    """
    exponents = tensors["word_exponents"][:, None].astype(np.int32) + tensors["component_exponents"]
    if exponents.max() >= WORD_EXPONENTS:
        raise RdcodecError(f"word_exponents and component_exponents: expected sums below {WORD_EXPONENTS}, got {exponents.max()}")
    tables = FrequencyTables.from_frequencies(
        tensors["word_frequencies"], tensors["word_counts"], tensors["word_offsets"], int(tensors["precision"])
    )
    index = word_tables(tensors)
    if index.max() >= len(tables):
        raise RdcodecError(f"word_counts: expected {index.max() + 1} or more entries, got {len(tables)}")
    levels = tables.decode(tensors["words"].tobytes(), index.ravel()).reshape(exponents.shape)
    values = levels.astype(np.int64) << exponents
    if np.abs(values).max() >= 2**15:
        raise RdcodecError(f"words: expected values of 16 bits, got {np.abs(values).max()}")
    return values.astype(np.int16)


def word_tables(tensors):
    """Table of each level, uint16 [words, components]: by the class of the component and the exponent of the word."""
    return tensors["component_classes"].astype(np.uint16) * WORD_EXPONENTS + tensors["word_exponents"][:, None]

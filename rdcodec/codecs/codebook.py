"""The codebook of a learned codec: entropy-coded in the checkpoint, for it is the largest part of it."""

import numpy as np

from rdcodec import _core
from rdcodec.codecs.fields import Tensor
from rdcodec.codecs.limits import check_codebook
from rdcodec.codecs.tables import tables_of
from rdcodec.errors import RdcodecError

__all__ = ["CODEWORD_EXPONENTS", "CODEBOOK_SPECS", "unpack_codebook", "codeword_tables"]

CODEWORD_EXPONENTS = 16  # powers of two by which a level can be multiplied
CODEBOOK_SPECS = (
    Tensor("words", np.uint8, ("codebook_bytes",)),
    Tensor("word_exponents", np.uint8, ("codewords",), 0, CODEWORD_EXPONENTS - 1),  # a codeword that is often used has smaller steps ...
    Tensor("component_exponents", np.uint8, ("c",), 0, CODEWORD_EXPONENTS - 1),  # ... as have components that vary little
    Tensor("component_classes", np.uint8, ("c",)),
    Tensor("word_frequencies", np.uint16, ("codebook_frequencies",)),
    Tensor("word_counts", np.uint32, ("codebook_tables",)),
    Tensor("word_offsets", np.int32, ("codebook_tables",)),
)


def unpack_codebook(tensors):
    """int16 [codewords, components] in 64ths of units.

    Raises
    ------
    LimitError
        There are so many that decoding them would take too much memory.
    RdcodecError
        The tensors do not fit each other, or the codewords are damaged.
    """
    codewords, components = tensors["word_exponents"], tensors["component_exponents"]
    check_codebook(len(codewords), len(components))
    tables = int(tensors["component_classes"].max()) * CODEWORD_EXPONENTS + int(codewords.max()) + 1
    if len(tensors["word_counts"]) < tables:
        raise RdcodecError(f"word_counts: expected {tables} or more entries, got {len(tensors['word_counts'])}")
    names = "words", "word_exponents", "component_exponents", "component_classes"
    try:
        return _core.codebook_unpack(tables_of(tensors, "word_").core, *(np.ascontiguousarray(tensors[name]) for name in names))
    except RdcodecError as error:  # of the core, which knows no names of tensors
        raise RdcodecError(f"words: {error}") from error


def codeword_tables(tensors):
    """Table of each level, uint16 [codewords, components]: by the class of the component and the exponent of the codeword."""
    return tensors["component_classes"].astype(np.uint16) * CODEWORD_EXPONENTS + tensors["word_exponents"][:, None]

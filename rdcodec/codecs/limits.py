"""Bounds on what a checkpoint may ask for, so that no small file takes a large machine: all that a codec allocates is known from
shapes, and is refused here before it is taken. Networks have bounds of their own (docs/integer-networks.md).
"""

from rdcodec.errors import LimitError

__all__ = ["AXES", "MOST_CONFIG_BYTES", "MOST_HEADER_BYTES", "check_codebook", "check_memory", "network_bytes", "table_bytes"]

# Of files. A config has some 500 bytes, a header of safetensors 100 a tensor.
MOST_CONFIG_BYTES = 2**20
MOST_HEADER_BYTES = 2**20

MOST_TABLES = 65535

# Sizes of the axes of tensors. Calibration and training make up to 8,192 codewords, 128 selected components, 12 steps, 14 candidates
# and an emphasis of rank 64.
AXES = {
    "c": (1, 65536),
    "stages": (1, 8),
    "width": (1, 65536),
    "bits": (2, 2),
    "codewords": (1, 65536),
    "selected": (1, 256),
    "steps": (1, 256),
    "thresholds": (0, 255),
    "candidates": (1, 256),
    "edges": (1, 65537),
    "bands": (0, 65536),
    "emphasis": (0, 256),
    "tables": (1, MOST_TABLES),
    "frequencies": (1, 2**31),
    "codebook_tables": (1, MOST_TABLES),
    "codebook_frequencies": (1, 2**31),
    "codebook_bytes": (1, 2**31),
}

# Of an entropy-coded codebook, which nearly no bytes may hold: 4,096 codewords of 65,536 channels, half a GiB once decoded.
MOST_CODEBOOK_ELEMENTS = 2**28

# Of all that is made from tensors: 1 GiB, or so many times their bytes, if that is more. No array grows more than frequencies do, of
# which 2 bytes become 96: what encoders look up, and up to 8 intervals for decoders. Of matrices, a learned codec may keep ten in
# float64, which are 40 bytes for one of its int16. So codecs of large models load, and small files cannot take more than a GiB.
MOST_MEMORY = 2**30
MOST_MEMORY_A_BYTE = 48

BYTES_AN_ENTRY, BYTES_A_TABLE = 96, 128


def table_bytes(entries, tables):
    """Memory of `FrequencyTables`, at most."""
    return BYTES_AN_ENTRY * entries + BYTES_A_TABLE * tables


def network_bytes(shape):
    """Memory of a layer's weights [outputs, taps, inputs], which are padded."""
    outputs, taps, inputs = shape
    return 2 * (-(-outputs // 16) * 16) * (-(-taps * inputs // 4) * 4)


def check_codebook(codewords, channels):
    """A codebook that is small enough to decode."""
    if codewords * channels > MOST_CODEBOOK_ELEMENTS:
        raise LimitError(f"words: expected at most {MOST_CODEBOOK_ELEMENTS} components in all, got {codewords} codewords of {channels}")


def check_memory(parts, tensors):
    """What will be made from tensors, a dict of name to bytes."""
    total = sum(parts.values())
    limit = max(MOST_MEMORY, MOST_MEMORY_A_BYTE * sum(tensor.nbytes for tensor in tensors.values()))
    if total > limit:
        largest = max(parts, key=parts.get)
        raise LimitError(f"{largest}: the codec would take {total} bytes, most of them here, its tensors allow {limit}")

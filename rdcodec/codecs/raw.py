"""Raw 16-bit values, plain or through a general-purpose compressor: what sending hidden states costs without a codec."""

import threading
import zlib

import numpy as np

from rdcodec.codecs.base import Codec
from rdcodec.codecs.fields import CHANNELS, Choice, check_config
from rdcodec.codecs.values import all_finite
from rdcodec.errors import CorruptStreamError, RdcodecError

__all__ = ["RawCodec"]


class RawCodec(Codec):
    """Float16 or bfloat16 values, the high bytes of a frame before its low bytes, optionally compressed.

    Values beyond the range of the element type become the largest finite one. The order of the bytes costs nothing and
    is kind to the compressors: the high bytes, sign and exponent, resemble each other.

    Parameters
    ----------
    channels : int
    dtype : {"float16", "bfloat16"}
        Of the values sent.
    compression : {None, "zlib", "zstd"}
        zlib at level 6, or Zstandard at level 9, which needs the package `zstandard` (the extra `zstd`).

    Raises
    ------
    RdcodecError
        `dtype` or `compression` is none of these.
    ImportError
        Zstandard is asked for and not installed.

    Examples
    --------
    >>> import numpy as np
    >>> codec = RawCodec(channels=4, dtype="bfloat16")
    >>> codec.decode(codec.encode(np.array([[1, -2, 0.5, 3.14159]], np.float32)))
    array([[ 1.      , -2.      ,  0.5     ,  3.140625]], dtype=float32)
    """

    family = "raw"

    _FIELDS = {"channels": CHANNELS, "dtype": Choice(("float16", "bfloat16")), "compression": Choice((None, "zlib", "zstd"))}

    def __init__(self, channels, dtype="float16", compression=None):
        super().__init__(channels)
        if dtype not in _TO_BYTES:
            raise RdcodecError(f"dtype: expected one of {', '.join(_TO_BYTES)}, got {dtype!r}")
        if compression not in _COMPRESSIONS:
            raise RdcodecError(f"compression: expected one of None, 'zlib', 'zstd', got {compression!r}")
        self.dtype = dtype
        self.compression = compression
        self._compress, self._decompress = _COMPRESSIONS[compression]()

    def _config(self):
        return {"channels": self.channels, "dtype": self.dtype, "compression": self.compression}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(**check_config(cls._FIELDS, config))

    def _encode_tokens(self, h, quality, state):
        low_high = _TO_BYTES[self.dtype](h)
        return self._compress(low_high[1::2] + low_high[::2])

    def _decode_tokens(self, payload, tokens, quality, state):
        count = tokens * self.channels
        planes = self._decompress(payload, 2 * count)
        low_high = bytearray(2 * count)
        low_high[1::2], low_high[::2] = planes[:count], planes[count:]
        values = _FROM_BYTES[self.dtype](low_high).reshape(tokens, self.channels)
        if not all_finite(values):
            raise CorruptStreamError(f"the payload holds a {self.dtype} value that is not finite")
        return values


# Little-endian types and limits are made once: to make them takes as long as a token.
_FLOAT16, _UINT16 = np.dtype("<f2"), np.dtype("<u2")
_LARGEST_FLOAT16 = np.float32(np.finfo(np.float16).max)


def _float16_bytes(h):
    return h.clip(-_LARGEST_FLOAT16, _LARGEST_FLOAT16).astype(_FLOAT16).tobytes()


def _bfloat16_bytes(h):
    """Rounded to the nearest, ties to even: the high half of float32 and a carry from the low half."""
    bits = h.view(np.uint32)
    rounded = bits + (0x7FFF + ((bits >> 16) & 1))
    overflow = (rounded & 0x7F800000) == 0x7F800000
    return (np.where(overflow, (bits & 0x80000000) | 0x7F7F0000, rounded) >> 16).astype(_UINT16).tobytes()


_TO_BYTES = {"float16": _float16_bytes, "bfloat16": _bfloat16_bytes}
_FROM_BYTES = {
    "float16": lambda data: np.frombuffer(data, _FLOAT16).astype(np.float32),
    "bfloat16": lambda data: (np.frombuffer(data, _UINT16).astype(np.uint32) << 16).view(np.float32),
}


def _plain():
    def decompress(payload, size):
        if len(payload) != size:
            raise CorruptStreamError(f"the payload has {len(payload)} bytes, its tokens take {size}")
        return payload

    return bytes, decompress


def _zlib():
    def decompress(payload, size):
        stream = zlib.decompressobj()
        try:
            data = stream.decompress(payload, size + 1)
        except zlib.error as error:
            raise CorruptStreamError(f"the payload is not what zlib wrote: {error}") from error
        if len(data) != size or not stream.eof or stream.unused_data:
            raise CorruptStreamError(f"the zlib payload does not hold the {size} bytes of its tokens")
        return data

    return zlib.compress, decompress


def _zstd():
    try:
        import zstandard
    except ImportError as error:
        raise ImportError("compression='zstd' needs the package zstandard: pip install 'rdcodec[zstd]'") from error

    class Contexts(threading.local):
        """Of each thread its own, for one is not to be used by two; making them anew for a call takes longer than a small frame."""

        def __init__(self):
            self.compressor, self.decompressor = zstandard.ZstdCompressor(level=9), zstandard.ZstdDecompressor()

    contexts = Contexts()

    def compress(data):
        return contexts.compressor.compress(data)

    def decompress(payload, size):
        try:
            claimed = zstandard.frame_content_size(payload)
            data = contexts.decompressor.decompress(payload, allow_extra_data=False) if claimed == size else None
        except zstandard.ZstdError as error:
            raise CorruptStreamError(f"the payload is not what Zstandard wrote: {error}") from error
        if data is None or len(data) != size:
            raise CorruptStreamError(f"the Zstandard payload does not hold the {size} bytes of its tokens")
        return data

    return compress, decompress


_COMPRESSIONS = {None: _plain, "zlib": _zlib, "zstd": _zstd}

"""Raw 16-bit values, plain or through a general-purpose compressor: what sending hidden states costs without a codec."""

from __future__ import annotations

import threading
import zlib

from rdcodec import _core
from rdcodec.codecs.base import Codec
from rdcodec.codecs.fields import CHANNELS, Choice, check_config
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.stream import DTYPES

__all__ = ["RawCodec"]

_TYPES = DTYPES[1:]


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

    FIELDS = {"channels": CHANNELS, "dtype": Choice(_TYPES), "compression": Choice((None, "zlib", "zstd"))}

    def __init__(self, channels: int, dtype: str = "float16", compression: str | None = None) -> None:
        super().__init__(channels)
        if dtype not in _TYPES:
            raise RdcodecError(f"dtype: expected one of {', '.join(_TYPES)}, got {dtype!r}")
        if compression is not None and compression not in _COMPRESSIONS:
            raise RdcodecError(f"compression: expected one of None, 'zlib', 'zstd', got {compression!r}")
        self.dtype = dtype
        self.compression = compression
        self._type = DTYPES.index(dtype)
        if compression is not None:
            self._compress, self._decompress = _COMPRESSIONS[compression]()

    def _config(self):
        return {"channels": self.channels, "dtype": self.dtype, "compression": self.compression}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(**check_config(cls.FIELDS, config))

    def _new_state(self):
        return None  # every frame stands on its own

    def _encode_tokens(self, h, quality, state):
        planes = _core.halves_pack(h, self._type)
        return planes if self.compression is None else self._compress(planes)

    def _decode_tokens(self, payload, tokens, quality, state):
        planes = payload if self.compression is None else self._decompress(payload, 2 * tokens * self.channels)
        return _core.halves_unpack(planes, self._type, tokens, self.channels)


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


_COMPRESSIONS = {"zlib": _zlib, "zstd": _zstd}

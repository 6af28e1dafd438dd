"""A filter of numcodecs, for those who keep chunks with it: takes arrays whose last axis are channels, gives bytes."""

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ndarray_copy
from numcodecs.registry import register_codec

from rdcodec.store.chunks import ChunkCoder

__all__ = ["NumcodecsFilter"]


class NumcodecsFilter(Codec):
    """Codes float32 or float16 [..., channels] and gives [tokens, channels] back. Parameters and errors as of `ChunkCoder`."""

    codec_id = "rdcodec"

    def __init__(self, path, quality=None, made_with=None):
        self._coder = ChunkCoder(path, quality, made_with)

    def get_config(self):
        """dict : of JSON values, of which `from_config` makes another one."""
        return {"id": self.codec_id, **self._coder.settings}

    def encode(self, buf):
        """bytes : of an array."""
        return self._coder.encode(buf)

    def decode(self, buf, out=None):
        """The array of bytes, or `out` with its elements."""
        values = self._coder.decode(bytes(buf))
        return values if out is None else ndarray_copy(values, np.asarray(out).reshape(values.shape))


register_codec(NumcodecsFilter)

"""Chunks of other formats' arrays, coded one by one: what a codec of zarr and a filter of numcodecs share."""

from functools import lru_cache

import numpy as np

from rdcodec.codecs import Codec
from rdcodec.errors import CodecMismatchError

__all__ = ["ChunkCoder"]


class ChunkCoder:
    """Codes arrays whose last axis are channels, each as a stream.

    Parameters
    ----------
    path : str or path
        Folder of a codec's checkpoint, which must be there when the array is read.
    quality : int, optional
        Higher is finer; the codec's default where it is not given.
    made_with : str, optional
        The codec's id, 16 hexadecimal digits; that of the checkpoint where it is not given.

    Raises
    ------
    CodecMismatchError
        The checkpoint is that of another codec.
    RdcodecError
        It is damaged, or the quality out of range.
    """

    def __init__(self, path, quality=None, made_with=None):
        self.codec = _codec(str(path))
        self.codec.encoder(quality)
        found = self.codec.codec_id.hex()
        if made_with not in (None, found):
            raise CodecMismatchError(f"{path}: the array was coded with codec {made_with}, this one is {found}")
        self.settings = {"path": str(path), "quality": quality, "made_with": found}

    def encode(self, chunk):
        """bytes : of float32 or float16 [..., channels]."""
        chunk = np.asarray(chunk)
        return self.codec.encode(chunk.reshape(-1, chunk.shape[-1]), self.settings["quality"])

    def decode(self, data):
        """The array [tokens, channels] of bytes."""
        return self.codec.decode(data)


@lru_cache(16)
def _codec(path):
    """Loaded once: arrays have many chunks, and each opens its codec anew."""
    return Codec.from_pretrained(path)

"""A codec of zarr v3: ``zarr.create_array(..., serializer=ZarrCodec("layer10"), compressors=None)``."""

import asyncio

from zarr.abc.codec import ArrayBytesCodec
from zarr.core.common import parse_named_configuration
from zarr.registry import register_codec

from rdcodec.store.chunks import ChunkCoder

__all__ = ["ZarrCodec"]

NAME = "rdcodec"


class ZarrCodec(ArrayBytesCodec):
    """Codes chunks of float32 or float16 whose last axis are channels. Parameters and errors as of `ChunkCoder`."""

    is_fixed_size = False

    def __init__(self, path, quality=None, made_with=None):
        object.__setattr__(self, "coder", ChunkCoder(path, quality, made_with))  # codecs of zarr are frozen

    def __eq__(self, other):
        return isinstance(other, ZarrCodec) and self.coder.settings == other.coder.settings

    def __hash__(self):
        return hash(tuple(self.coder.settings.values()))

    @classmethod
    def from_dict(cls, data):
        """Of the metadata of an array."""
        return cls(**parse_named_configuration(data, NAME)[1])

    def to_dict(self):
        """For the metadata of an array."""
        return {"name": NAME, "configuration": self.coder.settings}

    async def _encode_single(self, chunk_array, chunk_spec):
        data = await asyncio.to_thread(self.coder.encode, chunk_array.as_numpy_array())
        return chunk_spec.prototype.buffer.from_bytes(data)

    async def _decode_single(self, chunk_bytes, chunk_spec):
        values = await asyncio.to_thread(self.coder.decode, chunk_bytes.to_bytes())
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(values.reshape(chunk_spec.shape))

    def compute_encoded_size(self, input_byte_length, chunk_spec):
        """Not known before a chunk is coded."""
        raise NotImplementedError


register_codec(NAME, ZarrCodec)

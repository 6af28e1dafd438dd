"""hivemind's 8-bit quantisation, whose look-up table travels with every tensor, as a codec beside others."""

import numpy as np
import torch
from hivemind.compression import serialize_torch_tensor
from hivemind.proto.runtime_pb2 import CompressionType

from rdcodec import Codec

__all__ = ["HivemindCodec"]


class HivemindCodec(Codec):
    """`UNIFORM_8BIT`, the one of its 8-bit kinds that needs no other package and is fast.

    Parameters
    ----------
    channels : int
    """

    family = "hivemind"

    def _config(self):
        return {"channels": self.channels}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(**config)

    def _encode_tokens(self, h, quality, state):
        return serialize_torch_tensor(torch.from_numpy(np.ascontiguousarray(h)), CompressionType.UNIFORM_8BIT).buffer

    def _decode_tokens(self, payload, tokens, quality, state):
        """As its `Quantization.extract`, which does not run under NumPy 2.4 and later."""
        (entries,) = np.frombuffer(payload, np.int64, 1)
        table = np.frombuffer(payload, np.float32, entries, 8)
        return table[np.frombuffer(payload, np.uint8, -1, 8 + table.nbytes)].reshape(tokens, self.channels)

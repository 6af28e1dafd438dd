"""Methods by their own packages, which are optional: ZipNN and zfp."""

import importlib

import numpy as np
import torch

from rdcodec.evaluation.baselines.base import Baseline

__all__ = ["ZfpCodec", "ZipNNCodec"]


class ZipNNCodec(Baseline):
    """Lossless: 16-bit values by ZipNN, which codes exponents by Huffman codes and leaves mantissas alone (arXiv 2411.05239).

    Parameters
    ----------
    channels : int
    dtype : {"float16", "bfloat16"}
        Of the values sent.

    Raises
    ------
    ImportError
        The package `zipnn` is not installed.
    """

    def __init__(self, channels, dtype="bfloat16"):
        super().__init__(channels, "zipnn", dtype=dtype)
        self._dtype = getattr(torch, dtype)
        self._coder = _package("zipnn").ZipNN(bytearray_dtype=dtype)

    def _encode_tokens(self, h, quality, state):
        largest = torch.finfo(self._dtype).max
        values = torch.from_numpy(h).clamp(-largest, largest).to(self._dtype)
        return bytes(self._coder.compress(bytearray(values.view(torch.int16).numpy().tobytes())))

    def _decode_tokens(self, payload, tokens, quality, state):
        data = bytearray(self._coder.decompress(bytes(payload)))
        return torch.frombuffer(data, dtype=self._dtype).float().numpy().reshape(tokens, self.channels)


class ZfpCodec(Baseline):
    """zfp (Lindstrom 2014) on the frame as an image of tokens and channels, in its mode of fixed accuracy.

    Its blocks are 4 by 4 values: it presumes that neighbouring channels are alike, which they are not in hidden states. zfp lowers
    a tolerance to a power of two; values are divided by theirs first, so that every tolerance is one of its own.

    Parameters
    ----------
    channels : int
    tolerance : float
        Largest error of a value, above 0.

    Raises
    ------
    ImportError
        The package `zfpy` is not installed.
    """

    def __init__(self, channels, tolerance):
        super().__init__(channels, "zfp", tolerance=tolerance)
        self._tolerance = tolerance
        self._package = _package("zfpy")

    def _encode_tokens(self, h, quality, state):
        return self._package.compress_numpy(h / np.float32(self._tolerance), tolerance=1.0)

    def _decode_tokens(self, payload, tokens, quality, state):
        return self._package.decompress_numpy(bytes(payload)) * np.float32(self._tolerance)


def _package(name):
    """A module, or an error that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(f"this baseline needs the package {name}: pip install 'rdcodec[baselines]'") from error

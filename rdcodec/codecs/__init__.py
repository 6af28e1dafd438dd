"""Codec families under one contract."""

from .base import Codec, Decoder, Encoder

__all__ = ["Codec", "Decoder", "Encoder"]

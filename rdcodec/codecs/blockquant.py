"""Block quantisation, the usual way to shrink activations: few bits an element and a scale a block, packed for real."""

from __future__ import annotations

import numpy as np

from rdcodec.arguments import integer
from rdcodec.codecs.base import Codec
from rdcodec.codecs.fields import CHANNELS, Integer, check_config
from rdcodec.errors import CorruptStreamError

__all__ = ["IntegerCodec", "MXFP4Codec"]


class IntegerCodec(Codec):
    """Symmetric integers with a float16 scale a block: the largest magnitude of the block over the largest integer.

    Values beyond 65504 times the largest integer become that.
    A payload is the scales, then the integers, bit-packed: ``16 * blocks + bits * channels`` bits a token.

    Parameters
    ----------
    channels : int
    bits : int
        2 to 8 bits an element; the integers are ``-(2**(bits - 1) - 1) .. 2**(bits - 1) - 1``.
    group : int, optional
        Channels that share a scale, a last group may be smaller; by default all channels of the token.

    Raises
    ------
    RdcodecError
        `bits` or `group` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> codec = IntegerCodec(channels=4, bits=4)
    >>> codec.decode(codec.encode(np.array([[7, -3, 0.4, 1.6]], np.float32)))
    array([[ 7., -3.,  0.,  2.]], dtype=float32)
    """

    family = "integer"

    FIELDS = {"channels": CHANNELS, "bits": Integer(2, 8), "group": CHANNELS}

    def __init__(self, channels: int, bits: int = 8, group: int | None = None) -> None:
        super().__init__(channels)
        self.bits = integer("bits", bits, 2, 8)
        self.group = self.channels if group is None else integer("group", group, 1, self.channels, f"1 to {self.channels} channels")
        self._largest = 2 ** (self.bits - 1) - 1

    def _config(self):
        return {"channels": self.channels, "bits": self.bits, "group": self.group}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(**check_config(cls.FIELDS, config))

    def _encode_tokens(self, h, quality, state):
        blocks = _blocks(h, self.group)
        peak = np.abs(blocks).max(axis=2, keepdims=True)
        limit = np.finfo(np.float16).max
        scales = np.minimum(peak / self._largest, limit).astype("<f2")
        divisor = np.where(scales == 0, np.float32(np.inf), scales.astype(np.float32))
        levels = np.clip(np.rint(blocks / divisor), -self._largest, self._largest)
        levels = _tokens(levels, self.channels).astype(np.int8)
        return scales.tobytes() + _pack(levels.view(np.uint8), self.bits)

    def _decode_tokens(self, payload, tokens, quality, state):
        count = -(-self.channels // self.group)
        scales, packed = _split(payload, tokens, self.channels, count, 2, self.bits)
        scales = np.frombuffer(scales, "<f2").astype(np.float32).reshape(tokens, count, 1)
        raised = _unpack(packed, self.bits, tokens * self.channels) << (8 - self.bits)
        levels = (raised.view(np.int8) >> (8 - self.bits)).astype(np.float32)  # the shifts extend the sign
        if not (np.isfinite(scales).all() and (scales >= 0).all() and (levels >= -self._largest).all()):
            raise CorruptStreamError("the payload holds a scale or an integer that no encoder writes")
        return _tokens(_blocks(levels.reshape(tokens, self.channels), self.group) * scales, self.channels)


class MXFP4Codec(Codec):
    """MXFP4 of the OCP Microscaling Formats (MX) Specification v1.0: 32 E2M1 elements share an E8M0 scale.

    The scale is ``2**(floor(log2(largest magnitude)) - 2)`` (section 6.3 of the specification), elements are rounded to
    the nearest, ties to even, and saturate at 6. A payload is the scales, a byte each, then the elements, 4 bits each:
    4.25 bits an element where the channels are a multiple of 32.

    Parameters
    ----------
    channels : int
        A last block may be smaller than 32.

    Examples
    --------
    >>> import numpy as np
    >>> codec = MXFP4Codec(channels=4)
    >>> codec.decode(codec.encode(np.array([[5.2, -2.4, 0.2, 0.9]], np.float32)))
    array([[ 6., -2.,  0.,  1.]], dtype=float32)
    """

    family = "mxfp4"

    FIELDS = {"channels": CHANNELS}

    GROUP = 32
    VALUES = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
    EXPONENT_BIAS = 127
    LARGEST_ELEMENT_EXPONENT = 2

    def _config(self):
        return {"channels": self.channels}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(**check_config(cls.FIELDS, config))

    def _encode_tokens(self, h, quality, state):
        blocks = _blocks(h, self.GROUP)
        peak = np.abs(blocks).max(axis=2, keepdims=True)
        exponents = np.frexp(peak)[1] - 1 - self.LARGEST_ELEMENT_EXPONENT  # frexp has its mantissa in [1/2, 1)
        exponents = np.where(peak == 0, -self.EXPONENT_BIAS, np.maximum(exponents, -self.EXPONENT_BIAS))
        elements = _tokens(_e2m1(np.ldexp(blocks, -exponents)), self.channels)
        return (exponents + self.EXPONENT_BIAS).astype(np.uint8).tobytes() + _pack(elements, 4)

    def _decode_tokens(self, payload, tokens, quality, state):
        count = -(-self.channels // self.GROUP)
        scales, packed = _split(payload, tokens, self.channels, count, 1, 4)
        scales = np.frombuffer(scales, np.uint8).astype(np.int32).reshape(tokens, count, 1)
        if (scales > 2 * self.EXPONENT_BIAS - self.LARGEST_ELEMENT_EXPONENT).any():
            raise CorruptStreamError("the payload holds a scale that no encoder writes")
        codes = _unpack(packed, 4, tokens * self.channels).reshape(tokens, self.channels)
        values = np.concatenate([self.VALUES, -self.VALUES])[codes]
        return _tokens(np.ldexp(_blocks(values, self.GROUP), scales - self.EXPONENT_BIAS), self.channels)


def _e2m1(x):
    """Codes 0..15 (sign, two bits of exponent, one of mantissa) of the nearest elements to x."""
    magnitude = np.abs(x)
    values = MXFP4Codec.VALUES
    codes = np.searchsorted((values[1:] + values[:-1]) / 2, magnitude, side="left").astype(np.uint8)
    # A tie was put below: it belongs to the even mantissa, above wherever the lower code is odd.
    tie = magnitude == (values[np.minimum(codes + 1, 7)] + values[codes]) / 2
    codes += (tie & (codes % 2 == 1) & (codes < 7)).astype(np.uint8)
    return codes | (np.signbit(x).astype(np.uint8) << 3)


def _blocks(h, group):
    """[tokens, channels] as [tokens, blocks, group], with zeros where the last block is smaller."""
    tokens, channels = h.shape
    count = -(-channels // group)
    if channels % group:
        h = np.pad(h, ((0, 0), (0, count * group - channels)))
    return h.reshape(tokens, count, group)


def _tokens(blocks, channels):
    """The inverse of `_blocks`."""
    return np.ascontiguousarray(blocks.reshape(len(blocks), -1)[:, :channels])


def _pack(codes, bits):
    """The low `bits` bits of each uint8 code, one after the other from the high bit down; zeros fill the last byte."""
    if bits == 8:
        return codes.tobytes()
    return np.packbits(np.unpackbits(codes.reshape(-1, 1), axis=1)[:, 8 - bits :]).tobytes()


def _unpack(packed, bits, count):
    """The inverse of `_pack`: `count` uint8 codes."""
    data = np.frombuffer(packed, np.uint8)
    if bits == 8:
        return data
    flat = np.unpackbits(data)
    if flat[count * bits :].any():
        raise CorruptStreamError("the payload's last byte is not padded with zeros")
    wide = np.zeros((count, 8), np.uint8)
    wide[:, 8 - bits :] = flat[: count * bits].reshape(count, bits)
    return np.packbits(wide)


def _split(payload, tokens, channels, blocks, scale_bytes, bits):
    """Scales and packed codes of a payload of the right length."""
    scales = tokens * blocks * scale_bytes
    expected = scales + -(-tokens * channels * bits // 8)
    if len(payload) != expected:
        raise CorruptStreamError(f"the payload has {len(payload)} bytes, its tokens take {expected}")
    return memoryview(payload)[:scales], memoryview(payload)[scales:]

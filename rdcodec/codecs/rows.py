"""The next frames of several rows of tokens at once: batches, and one token each of many sequences.

Bytes are those of the rows one by one. A call happens whole or leaves all ends as they were.
"""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

from rdcodec import _core
from rdcodec.stream import bytes_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.codecs.link import Decoder, Encoder
    from rdcodec.types import Bytes, States

__all__ = ["decode_rows", "encode_rows", "transmit_rows"]


def encode_rows(encoders: Sequence[Encoder], h: States, quality: int | None = None) -> list[bytes]:
    """The next frame of each encoder.

    Parameters
    ----------
    encoders : sequence of Encoder
        Of one codec, each for a row of its own.
    h : ndarray or torch.Tensor
        [rows, tokens, channels], element types as in `Codec.encode`, up to 4096 tokens.
    quality : int, optional
        Holds for all rows from these frames on; each keeps its own where it is not given.

    Returns
    -------
    list of bytes
        A frame a row.

    Raises
    ------
    TypeError, RdcodecError, LimitError
        As `Encoder.encode`; the encoders are of several codecs, or not as many as rows. All encoders are then as they were before.
    """
    return _core.link_encode(tuple(encoders), h, quality)


def decode_rows(decoders: Sequence[Decoder], frames: Sequence[Bytes]) -> States:
    """Tokens of the next frame of each decoder.

    Parameters
    ----------
    decoders : sequence of Decoder
        Of one codec, each for a row of its own.
    frames : sequence of bytes-like
        One a decoder, of as many tokens each.

    Returns
    -------
    ndarray or torch.Tensor
        float32 [rows, tokens, channels]; a tensor of a codec that was moved to a device.

    Raises
    ------
    CorruptStreamError, LimitError
        As `Decoder.decode`, for the first frame that is wrong. All decoders are then as they were before.
    RdcodecError
        The decoders are of several codecs, or not as many as frames; the frames hold different numbers of tokens.
    """
    return _core.link_decode(tuple(decoders), tuple(map(bytes_of, frames)))


def transmit_rows(encoders: Sequence[Encoder], decoders: Sequence[Decoder], h: States) -> tuple[States, int, float, float]:
    """`encode_rows`, then `decode_rows`, where both ends of the links are in one process.

    Parameters
    ----------
    encoders, decoders : sequence
        The two ends of each row.
    h : ndarray or torch.Tensor
        [rows, tokens, channels], as for `encode_rows`.

    Returns
    -------
    values : ndarray or torch.Tensor
        float32 [rows, tokens, channels], as `decode_rows` returns.
    size : int
        Bytes of all frames.
    encode_seconds, decode_seconds : float

    Raises
    ------
    TypeError, RdcodecError, LimitError
        As `encode_rows` and `decode_rows`; all encoders and decoders are then as they were before.
    CorruptStreamError
        The decoders are not the other ends of these encoders.
    """
    return _core.link_transmit(tuple(encoders), tuple(decoders), h, perf_counter)

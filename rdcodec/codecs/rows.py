"""The next frames of several rows of tokens at once: batches, and one token each of many sequences.

Bytes are those of the rows one by one. A call happens whole or leaves all ends as they were.
"""

from contextlib import ExitStack, contextmanager

import numpy as np

from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import LimitError, RdcodecError
from rdcodec.stream import MAX_FRAME_TOKENS, bytes_of

__all__ = ["decode_rows", "encode_rows"]


def encode_rows(encoders, h, quality=None):
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
    values, _ = values_of(h)
    if values.ndim != 3 or len(values) != len(encoders):
        raise RdcodecError(f"h: expected [rows, tokens, channels] of {len(encoders)} rows, one an encoder, got shape {values.shape}")
    if values.shape[1] > MAX_FRAME_TOKENS:
        raise LimitError(f"h: {values.shape[1]} tokens, a frame holds {MAX_FRAME_TOKENS}")
    codec = _codec_of("encoders", encoders)
    check_values(values, codec.channels)
    checked = None if quality is None else codec._checked_quality(quality)
    with _turns(encoders):
        steps = [encoder._step(encoder._quality if checked is None else checked) for encoder in encoders]
        with _all_or_none(steps):
            payloads = _payloads(codec, values, steps)
            written = [end._written(values.shape[1], payload, step) for end, payload, step in zip(encoders, payloads, steps)]
        for encoder, step, (_, checksum) in zip(encoders, steps, written):
            encoder._go_on(step, checksum)
    return [frame for frame, _ in written]


def decode_rows(decoders, frames):
    """Tokens of the next frame of each decoder.

    Parameters
    ----------
    decoders : sequence of Decoder
        Of one codec, each for a row of its own.
    frames : sequence of bytes-like
        One a decoder, of as many tokens each.

    Returns
    -------
    ndarray
        float32 [rows, tokens, channels].

    Raises
    ------
    CorruptStreamError, LimitError
        As `Decoder.decode`, for the first frame that is wrong. All decoders are then as they were before.
    RdcodecError
        The decoders are of several codecs, or not as many as frames; the frames hold different numbers of tokens.
    """
    if len(frames) != len(decoders):
        raise RdcodecError(f"frames: expected one a decoder, {len(decoders)}, got {len(frames)}")
    codec = _codec_of("decoders", decoders)
    with _turns(decoders):
        read = [decoder._read(bytes_of(frame)) for decoder, frame in zip(decoders, frames)]
        tokens = sorted({frame.tokens for frame in read})
        if len(tokens) > 1:
            raise RdcodecError(f"frames: expected as many tokens in each, got {tokens[0]} to {tokens[-1]}")
        steps = [decoder._step(frame) for decoder, frame in zip(decoders, read)]
        with _all_or_none(steps):
            values = _values(codec, decoders, read, steps)
        for decoder, step, frame in zip(decoders, steps, read):
            decoder._go_on(step, frame)
    return values


def _codec_of(name, ends):
    if not ends or len(set(map(id, ends))) < len(ends):
        raise RdcodecError(f"{name}: expected at least one, and none twice")
    codec = ends[0]._codec
    if any(end._codec is not codec and end._codec.codec_id != codec.codec_id for end in ends):
        raise RdcodecError(f"{name}: expected those of one codec")
    return codec


@contextmanager
def _turns(ends):
    with ExitStack() as taken:
        for end in ends:
            taken.enter_context(end._turn)
        yield


@contextmanager
def _all_or_none(steps):
    """Where one row fails, none has gone on."""
    try:
        yield
    except BaseException:
        for step in steps:
            step.undo()
        raise


def _payloads(codec, values, steps):
    if not values.shape[1]:
        return [b""] * len(steps)
    if len({step.quality for step in steps}) == 1:
        return codec._encode_rows(values, steps[0].quality, [step.state for step in steps])
    return [codec._encode_tokens(row, step.quality, step.state) for row, step in zip(values, steps)]


def _values(codec, decoders, frames, steps):
    if frames[0].tokens and len({step.quality for step in steps}) == 1:
        payloads, states = [frame.payload for frame in frames], [step.state for step in steps]
        return codec._decode_rows(payloads, frames[0].tokens, steps[0].quality, states)
    return np.stack([decoder._values(frame, step) for decoder, frame, step in zip(decoders, frames, steps)])

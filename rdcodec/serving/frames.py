"""The next frames of rows that may differ in length, and what they hold: side by side where they can be."""

import torch

from rdcodec.codecs import decode_rows, encode_rows
from rdcodec.errors import CorruptStreamError
from rdcodec.stream import MAX_FRAME_TOKENS

__all__ = ["decode_states", "encode_states", "frame_counts"]


def frame_counts(counts, size):
    """list of int : frames of each row of `encode_states`, of rows of so many tokens."""
    return [-(-count // size) for count in counts]


def encode_states(encoders, states, size):
    """The next frames of each row.

    Parameters
    ----------
    encoders : list of Encoder
        One a row.
    states : sequence of torch.Tensor
        [tokens, channels] of each row; a row without tokens has no frame.
    size : int
        Tokens a frame at most.

    Returns
    -------
    list of list of bytes
    """
    if _side_by_side([len(row) for row in states], size):
        return [[frame] for frame in encode_rows(encoders, torch.stack(list(states)))]
    return [[encoder.encode(part) for part in row.split(size) if len(part)] for encoder, row in zip(encoders, states)]


def decode_states(decoders, frames, counts, size):
    """What frames of `encode_states` hold.

    Parameters
    ----------
    decoders : list of Decoder
        One a row.
    frames : list of list of bytes
        As many of each row as `frame_counts` says.
    counts : list of int
        Tokens of each row.
    size : int
        Tokens a frame at most.

    Returns
    -------
    list of torch.Tensor
        float32 [tokens, channels] of each row that has tokens, None of others.

    Raises
    ------
    CorruptStreamError
        They are not the next frames of the rows, or hold another number of tokens.
    """
    if _side_by_side(counts, size):
        rows = list(torch.as_tensor(decode_rows(decoders, [frame for (frame,) in frames])))
    else:
        rows = [_decoded(decoder, row, size) if row else None for decoder, row in zip(decoders, frames)]
    held = [0 if row is None else len(row) for row in rows]
    if held != counts:
        raise CorruptStreamError(f"frames: expected {counts} tokens of the rows, got {held}")
    return rows


def _decoded(decoder, frames, size):
    return torch.cat([torch.as_tensor(decoder.decode(frame, max_tokens=size)) for frame in frames])


def _side_by_side(counts, size):
    return len(set(counts)) == 1 and 0 < counts[0] <= size and len(counts) * counts[0] <= MAX_FRAME_TOKENS

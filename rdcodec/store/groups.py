"""The parts of a group: states of a place as the frames of one row, token ids, and the texts of documents."""

import json

import numpy as np

from rdcodec.codecs.values import as_dtype
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.messages import printable
from rdcodec.store.buffers import empty, fill
from rdcodec.stream import row_frames

__all__ = ["decode_ids", "decode_states", "document_text", "encode_ids", "encode_states", "read_text", "split_frames"]


FRAME_TOKENS = 128  # a tenth of a percent more bytes than one frame, and a read need not decode those behind it


def encode_states(place, values):
    """The part of float32 [tokens, channels]: a row of its own, so that it decodes alone, or behind the place's exemplars."""
    encoder, step = place.encoder(), min(FRAME_TOKENS, place.codec.frame_tokens)
    return b"".join(encoder.encode(values[start : start + step]) for start in range(0, len(values), step))


def decode_states(place, part, tokens, dtype="float32", wanted=None):
    """[tokens, channels] of a part, or of its first frames that hold so many tokens as are wanted, as `as_dtype` gives them.

    Raises
    ------
    CorruptStreamError, LimitError
        The part holds anything else than frames of so many tokens.
    """
    frames = list(split_frames(place, part, tokens))  # all of them, before there is memory for so many tokens
    decoder, done = place.decoder(), 0
    values = empty((tokens, place.codec.channels), dtype)
    for frame in frames:
        found = decoder.decode(frame)
        fill(values, slice(done, done + len(found)), as_dtype(found, dtype))
        done += len(found)
        if wanted is not None and wanted <= done < tokens:
            break
    return values[:done]


def split_frames(place, part, tokens):
    """An iterator of the frames of a part, each as its bytes; errors as of `decode_states`."""
    at = 0
    for frame in row_frames(part, tokens, chain=place.chain):
        yield part[at : frame.end]
        at = frame.end
    if at != len(part):
        raise CorruptStreamError(f"byte {at}: {len(part) - at} bytes after the last frame")


def encode_ids(ids):
    """The part of uint32 [tokens]: each in as many bytes as the largest needs."""
    width = max(1, (int(ids.max()).bit_length() + 7) // 8)
    return ids.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :width].tobytes()


def decode_ids(part, tokens):
    """int64 [tokens] of a part."""
    width, rest = divmod(len(part), tokens)
    if rest or not 1 <= width <= 4:
        raise CorruptStreamError(f"{len(part)} bytes for the ids of {tokens} tokens")
    columns = np.zeros((tokens, 4), np.uint8)
    columns[:, :width] = np.frombuffer(part, np.uint8).reshape(tokens, width)
    if width > 1 and not columns[:, width - 1].any():
        raise CorruptStreamError("the ids of tokens take more bytes than they need")
    return columns.view("<u4")[:, 0].astype(np.int64)


def document_text(name, metadata):
    """What a store keeps of a document beside its tokens, as bytes."""
    if not isinstance(name, str) or not name:
        raise RdcodecError(f"document: expected an id, text that is not empty, got {name!r}")
    if metadata is not None and not isinstance(metadata, dict):
        raise RdcodecError(f"metadata: expected a dict, got {type(metadata).__name__}")
    try:
        return json.dumps([name, metadata or {}], ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:  # ValueError: text that UTF-8 has no bytes for, too
        raise RdcodecError(f"metadata: expected what JSON holds, but {printable(error)}") from error


def read_text(text):
    """The id and the metadata of a document."""
    try:
        name, metadata = json.loads(text.decode())
        right = type(name) is str and len(name.encode()) > 0 and type(metadata) is dict
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptStreamError(f"the text of a document: {printable(error)}") from error
    if not right:
        raise CorruptStreamError("the text of a document is no id with metadata")
    return name, metadata

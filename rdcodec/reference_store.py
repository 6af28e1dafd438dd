"""A second reader of shards, small and slow, in the order of ``docs/store.md``: the tests' oracle.

It takes a whole shard, refuses whatever no writer writes, and shares no code with `rdcodec.store`.
"""

import json
from hashlib import blake2b
from typing import NamedTuple

from rdcodec.errors import CorruptStreamError, UnsupportedVersionError
from rdcodec.reference import crc32, read_frame, take

__all__ = ["Group", "read_shard"]


class Group(NamedTuple):
    """A group as read: `frames` has a list for each place of (tokens, quality or None, payload), `documents` (end, tokens, id, metadata)."""

    first: int
    tokens: int
    frames: list
    ids: list | None
    documents: list


def number(data, at, size):
    return int.from_bytes(take(data, at, size), "little")


def check(condition, message):
    if not condition:
        raise CorruptStreamError(message)


def chained(data, store_id):
    return crc32(data, crc32(store_id) ^ 0xFFFFFFFF)


def read_shard(data, places, token_ids, exemplars=None):
    """The groups of a finished shard of a store with so many places, with token ids or without; its store id, number and first token.
    Exemplars are a frame of each place.

    Returns
    -------
    groups : list of Group
    header : tuple of (bytes, int, int)
    """
    parts = places + token_ids + 1
    header = read_header(data, parts)
    store_id = header[0]
    groups, entries, records, at, first, behind = [], [], [], 32, 0, -header[2]
    while data[at : at + 4] == b"RDCg":
        sizes, tokens, checksum, begin = read_head(data, at, parts, store_id, first)
        found = []
        for size, crc in sizes:
            part = take(data, begin, size)
            check(crc32(part) == crc, f"byte {begin}: the checksum of a part does not match")
            found.append(part)
            begin += size
        listed, documents = read_documents(found[-1], first, tokens, behind)
        ids = read_ids(found[places], tokens) if token_ids else None
        groups.append(
            Group(first, tokens, [read_row(part, tokens, frame) for part, frame in zip(found, exemplars or [b""] * places)], ids, documents)
        )
        entries.append(
            at.to_bytes(8, "little") + first.to_bytes(8, "little") + tokens.to_bytes(4, "little") + checksum.to_bytes(4, "little")
        )
        records += listed
        behind = documents[-1][0] if documents else behind
        at, first = begin, first + tokens
    check(groups, f"byte {at}: no group")
    index = b"".join(entries) + b"".join(records) + len(entries).to_bytes(8, "little") + len(records).to_bytes(8, "little")
    check(
        data[at:] == index + chained(index, store_id).to_bytes(4, "little") + b"RDC\x9f", f"byte {at}: another index than of these groups"
    )
    return groups, header


# ---- 4 Shard ----


def read_header(data, parts):
    check(data[:4] == b"RDC\x9e"[: len(data)], "byte 0: no shard")
    if number(data, 4, 1) > 1:
        raise UnsupportedVersionError(f"byte 4: version {data[4]}")
    check(number(data, 28, 4) == crc32(data[:28]), "byte 28: the checksum does not match")
    check(
        data[4:6] == b"\1\0" and number(data, 6, 2) == parts and number(data, 20, 8) < 2**62,
        "byte 4: no such version, parts or first token",
    )
    return data[8:16], number(data, 16, 4), number(data, 20, 8)


# ---- 5 Group ----


def read_head(data, at, parts, store_id, first):
    """Bytes and checksum of each part, tokens, the head's checksum and the offset behind it."""
    end = at + 16 + 8 * parts
    checksum = number(data, end, 4)
    check(checksum == chained(data[at:end], store_id), f"byte {end}: the checksum of a head does not match")
    tokens = number(data, at + 4, 4)
    check(1 <= tokens <= 4096 and number(data, at + 8, 8) == first, f"byte {at}: a group of {tokens} tokens, or out of order")
    sizes = [(number(data, at + 16 + 8 * part, 4), number(data, at + 20 + 8 * part, 4)) for part in range(parts)]
    return sizes, tokens, checksum, end + 4


def read_row(part, tokens, exemplars):
    frames, at, before, restarts = [], 0, 2**32 - 1, 0
    if exemplars:
        before = read_frame(exemplars)[4]
    while tokens:
        count, quality, payload, at, before, restart = read_frame(part, at, before)
        check(0 < count <= tokens, f"byte {at}: a frame of {count} tokens")
        check(not 0 < restart <= restarts, f"byte {at}: a new start that was there before")
        frames.append((count, quality, payload))
        tokens, restarts = tokens - count, restart or restarts
    check(at == len(part), f"byte {at}: bytes behind the last frame")
    return frames


def read_ids(part, tokens):
    width = len(part) // tokens
    check(1 <= width <= 4 and width * tokens == len(part), f"{len(part)} bytes of {tokens} ids")
    ids = [number(part, width * i, width) for i in range(tokens)]
    check(width == 1 or max(ids) >= 256 ** (width - 1), "ids in more bytes than they need")
    return ids


def read_documents(part, first, tokens, behind):
    """The records, and the documents, of a part; those before end at `behind`."""
    if not part:
        return [], []
    count = number(part, 0, 4)
    check(count, "a list of no documents")
    records, documents, text_at = [], [], 4 + 32 * count
    for i in range(count):
        at = 4 + 32 * i
        records.append(take(part, at, 32))
        end, length, key = (number(part, at + 8 * field, 8) for field in range(3))
        size = number(part, at + 28, 4)
        check(number(part, at + 24, 4) == text_at, f"byte {at}: texts that do not lie side by side")
        name, metadata = read_text(take(part, text_at, size))
        check(key == int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"), f"byte {at}: another key than the id's")
        check(first < end <= first + tokens and length and end - length >= behind, f"byte {at}: a document out of order")
        documents.append((end, length, name, metadata))
        text_at, behind = text_at + size, end
    check(text_at == len(part), "bytes behind the last text")
    return records, documents


def read_text(data):
    try:
        name, metadata = json.loads(data.decode())
        check(type(name) is str and name.encode() and type(metadata) is dict, "a text that is no list of an id and metadata")
    except (ValueError, TypeError, RecursionError) as error:
        raise CorruptStreamError("a text that is no list of an id and metadata") from error
    return name, metadata

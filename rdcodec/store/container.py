"""The bytes of a shard: its header, the heads of groups, records of documents, and the index at its end (``docs/store.md``)."""

import hashlib
import struct
import zlib
from typing import NamedTuple

import numpy as np

from rdcodec.errors import CorruptStreamError, LimitError, UnsupportedVersionError

__all__ = [
    *("DOCUMENT", "GROUP", "GROUP_MAGIC", "HEADER_BYTES", "MAX_GROUP_TOKENS", "TRAILER_BYTES", "Head", "ShardHeader"),
    *("checksum", "document_key", "head_bytes", "read_head", "read_index", "read_records", "read_shard_header", "read_trailer"),
    *("write_group", "write_index", "write_records", "write_shard_header"),
]

VERSION = 1
MAX_GROUP_TOKENS = 4096
MAX_PART_BYTES = 2**32 - 1
MOST_TOKENS = 2**62  # no number of a token is as large, so that sums of two are integers of 64 bits
KEY_BYTES = 8

SHARD_MAGIC, GROUP_MAGIC, INDEX_MAGIC = b"RDC\x9e", b"RDCg", b"RDC\x9f"
_HEADER = struct.Struct("<4sBBH8sIQ")
_HEAD = struct.Struct("<4sIQ")
_PART = struct.Struct("<II")
_CHECKSUM = struct.Struct("<I")
_COUNTS = struct.Struct("<QQ")
HEADER_BYTES = _HEADER.size + _CHECKSUM.size
TRAILER_BYTES = _COUNTS.size + _CHECKSUM.size + len(INDEX_MAGIC)

GROUP = np.dtype([("offset", "<u8"), ("first", "<u8"), ("tokens", "<u4"), ("checksum", "<u4")])
"""Of a group in the index: byte offset in the shard, first token counted from the shard's, tokens, and the checksum of its head."""

DOCUMENT = np.dtype([("end", "<u8"), ("tokens", "<u8"), ("key", "<u8"), ("at", "<u4"), ("bytes", "<u4")])
"""Of a document: the token behind it counted from the shard's first, its tokens, the key of its id, and where its text stands in the part."""


class ShardHeader(NamedTuple):
    """What a shard says of itself.

    Attributes
    ----------
    parts : int
        Of each group.
    store_id : bytes
        8 bytes.
    number : int
        Of the shard in its store, from 0 on.
    first : int
        Of its tokens, counted from the store's first.
    """

    parts: int
    store_id: bytes
    number: int
    first: int


class Head(NamedTuple):
    """What a group says of itself.

    Attributes
    ----------
    tokens : int
    first : int
        Counted from the shard's first token.
    parts : tuple of (int, int)
        Bytes and checksum of each.
    checksum : int
    size : int
        Bytes of the group, the head included.
    """

    tokens: int
    first: int
    parts: tuple
    checksum: int
    size: int


def checksum(data, store_id):
    """CRC-32 that begins with that of the store's id: what belongs to another store does not match."""
    return zlib.crc32(data, zlib.crc32(store_id))


def head_bytes(parts):
    return _HEAD.size + _PART.size * parts + _CHECKSUM.size


# ---- the header of a shard


def write_shard_header(header):
    """The 32 bytes that a shard begins with."""
    data = _HEADER.pack(SHARD_MAGIC, VERSION, 0, *header)
    return data + _CHECKSUM.pack(zlib.crc32(data))


def read_shard_header(data):
    """The header at the start of a shard.

    Raises
    ------
    UnsupportedVersionError
        A later version of the format.
    CorruptStreamError
        Anything else that no writer writes.
    """
    if data[:4] != SHARD_MAGIC[: len(data)]:
        raise CorruptStreamError("byte 0: not a shard of an rdcodec store")
    if len(data) > 4 and data[4] > VERSION:
        raise UnsupportedVersionError(f"byte 4: version {data[4]} of stores, this release reads up to {VERSION}")
    if len(data) < HEADER_BYTES:
        raise CorruptStreamError(f"byte {len(data)}: the data end within the header")
    _, version, reserved, *fields = _HEADER.unpack_from(data)
    if _CHECKSUM.unpack_from(data, _HEADER.size)[0] != zlib.crc32(data[: _HEADER.size]):
        raise CorruptStreamError(f"byte {_HEADER.size}: the checksum of the header does not match")
    header = ShardHeader(*fields)
    if version != VERSION or reserved or header.parts < 2 or header.first >= MOST_TOKENS:
        raise CorruptStreamError("byte 4: no such version, parts or first token")
    return header


# ---- groups


def write_group(tokens, first, parts, store_id):
    """A group, and the checksum of its head.

    Parameters
    ----------
    tokens : int
        1 to 4096.
    first : int
        Counted from the shard's first token.
    parts : list of bytes
    store_id : bytes

    Returns
    -------
    data : bytes
    checksum : int

    Raises
    ------
    LimitError
        A part has more than 2**32 - 1 bytes.
    """
    for part in parts:
        if len(part) > MAX_PART_BYTES:
            raise LimitError(f"a part of a group of {len(part)} bytes, expected at most {MAX_PART_BYTES}")
    head = _HEAD.pack(GROUP_MAGIC, tokens, first) + b"".join(_PART.pack(len(part), zlib.crc32(part)) for part in parts)
    check = checksum(head, store_id)
    return b"".join([head, _CHECKSUM.pack(check), *parts]), check


def read_head(data, parts, store_id):
    """The head at the start of a group of so many parts.

    Raises
    ------
    CorruptStreamError
        No writer writes such a head.
    """
    size = head_bytes(parts)
    if len(data) < size or data[:4] != GROUP_MAGIC:
        raise CorruptStreamError("no group begins here")
    (check,) = _CHECKSUM.unpack_from(data, size - _CHECKSUM.size)
    if check != checksum(data[: size - _CHECKSUM.size], store_id):
        raise CorruptStreamError("the checksum of the group's head does not match")
    _, tokens, first = _HEAD.unpack_from(data)
    if not 1 <= tokens <= MAX_GROUP_TOKENS or first >= MOST_TOKENS:
        raise CorruptStreamError(f"a group of {tokens} tokens, from {first} on")
    sizes = tuple(_PART.iter_unpack(data[_HEAD.size : size - _CHECKSUM.size]))
    return Head(tokens, first, sizes, check, size + sum(part for part, _ in sizes))


# ---- documents


def document_key(name):
    """Of a document's id, a number by which it is looked up."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=KEY_BYTES).digest(), "little")


def write_records(documents):
    """The last part of a group.

    Parameters
    ----------
    documents : list of (int, int, int, bytes)
        End, tokens, key and text of each.

    Returns
    -------
    part : bytes
        Nothing where there are none.
    records : ndarray of DOCUMENT
    """
    records = np.zeros(len(documents), DOCUMENT)
    at = DOCUMENT.itemsize * len(documents) + _CHECKSUM.size
    for number, (end, tokens, key, text) in enumerate(documents):
        records[number] = end, tokens, key, at, len(text)
        at += len(text)
    if not documents:
        return b"", records
    return b"".join([_CHECKSUM.pack(len(documents)), records.tobytes(), *(text for *_, text in documents)]), records


def read_records(part):
    """ndarray of DOCUMENT : the documents that a group's last part holds.

    Raises
    ------
    CorruptStreamError
        No writer writes such a part.
    """
    if not part:
        return np.zeros(0, DOCUMENT)
    count = int.from_bytes(part[:4], "little")
    texts = 4 + DOCUMENT.itemsize * count
    if not count or texts > len(part):
        raise CorruptStreamError(f"{len(part)} bytes for {count} documents")
    records = np.frombuffer(part, DOCUMENT, count, 4)
    ends = records["at"].astype(np.int64) + records["bytes"]
    if records["at"][0] != texts or ends[-1] != len(part) or (records["at"][1:] != ends[:-1]).any():
        raise CorruptStreamError("the texts of documents do not lie side by side")
    return records


# ---- the index


def write_index(groups, documents, store_id):
    """The end of a shard, of its arrays of GROUP and of DOCUMENT."""
    data = groups.tobytes() + documents.tobytes() + _COUNTS.pack(len(groups), len(documents))
    return data + _CHECKSUM.pack(checksum(data, store_id)) + INDEX_MAGIC


def read_trailer(data, size):
    """Where the index of a shard of so many bytes begins, of its last 24 bytes; None where there is none."""
    if len(data) != TRAILER_BYTES or not data.endswith(INDEX_MAGIC):
        return None
    groups, documents = _COUNTS.unpack_from(data)
    start = size - TRAILER_BYTES - GROUP.itemsize * groups - DOCUMENT.itemsize * documents
    return start if groups and start > HEADER_BYTES else None


def read_index(data, start, parts, store_id):
    """The arrays of an index, views of its bytes.

    Parameters
    ----------
    data : bytes
        From the start of the index to the end of the shard.
    start : int
        Of the index in the shard.
    parts : int
        Of a group.
    store_id : bytes

    Returns
    -------
    groups : ndarray of GROUP
    documents : ndarray of DOCUMENT

    Raises
    ------
    CorruptStreamError
        The checksum does not match, or no writer writes such an index.
    """
    trailer = len(data) - TRAILER_BYTES
    count, documents = _COUNTS.unpack_from(data, trailer)
    covered = trailer + _COUNTS.size
    if _CHECKSUM.unpack_from(data, covered)[0] != checksum(memoryview(data)[:covered], store_id):
        raise CorruptStreamError(f"byte {start}: the checksum of the index does not match")
    groups = np.frombuffer(data, GROUP, count)
    records = np.frombuffer(data, DOCUMENT, documents, groups.nbytes)
    _check_groups(groups, start, parts)
    _check_records(records, groups)
    return groups, records


def _check_groups(groups, end, parts):
    """Groups that lie one behind the other, in bytes as in tokens."""
    if groups["offset"].max() > end or groups["first"].max() >= MOST_TOKENS:
        raise CorruptStreamError("the index is of groups beyond the shard")
    offsets, firsts, tokens = (groups[name].astype(np.int64) for name in ("offset", "first", "tokens"))
    if offsets[0] < HEADER_BYTES or (np.diff(offsets, append=end) < head_bytes(parts)).any():
        raise CorruptStreamError("the index is of groups that do not lie one behind the other")
    if tokens.min() < 1 or tokens.max() > MAX_GROUP_TOKENS or (firsts[1:] < (firsts + tokens)[:-1]).any():
        raise CorruptStreamError("the index is of groups out of order, or of none that there can be")


def _check_records(records, groups):
    last = int(groups["first"][-1]) + int(groups["tokens"][-1])
    if not len(records):
        return
    if (
        records["end"].max() > last
        or records["end"][0] < 1
        or (np.diff(records["end"].astype(np.int64)) < 1).any()
        or records["tokens"].min() < 1
    ):
        raise CorruptStreamError("the index is of documents out of order, or beyond the shard's tokens")

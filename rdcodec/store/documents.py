"""The documents of a store: ranges of tokens with an id and metadata, read when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np

from rdcodec.arguments import integer
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.store.container import document_key
from rdcodec.store.groups import read_text

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.store.shard import Shard

__all__ = ["Document", "Documents", "Taken"]

MERGED_AT = 2**16  # new keys, in the memory of a set


class Document(NamedTuple):
    """A document: `store[document.start : document.stop]` are its states.

    Attributes
    ----------
    id : str
    start, stop : int
        Its tokens in the store.
    metadata : dict
        Of JSON values.
    """

    id: str
    start: int
    stop: int
    metadata: dict[str, Any]


class Documents(Sequence[Document]):
    """The documents of a store by number or by id, in the order of their tokens.

    Ids and metadata stay on disk; a document by its id is found among keys of 8 bytes, which are sorted when that is first asked for.

    Parameters
    ----------
    shards : list of Shard
    """

    def __init__(self, shards: list[Shard]) -> None:
        self._shards = shards
        self._ends = np.cumsum([len(shard.documents) for shard in shards], dtype=np.int64)
        self._sorted = None
        self._last = None, None  # a group and its texts: documents in order come from one for a while

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    @overload
    def __getitem__(self, wanted: int | str) -> Document: ...
    @overload
    def __getitem__(self, wanted: slice) -> list[Document]: ...

    def __getitem__(self, wanted: int | str | slice) -> Document | list[Document]:
        """A `Document` of an id or a number, or the list of those of a slice.

        Raises
        ------
        KeyError
            There is none of this id.
        IndexError
            There is none of this number.
        RdcodecError
            Several have this id.
        CorruptStreamError
            The group that holds it is damaged.
        """
        if isinstance(wanted, slice):
            return [self._document(number) for number in range(*wanted.indices(len(self)))]
        if isinstance(wanted, str):
            return self._by_id(wanted)
        number = integer("document", wanted, -len(self), len(self) - 1, f"an id, or a number within {len(self)}", IndexError)
        return self._document(number % len(self))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and bool(self._found(name))

    def _by_id(self, name):
        found = self._found(name)
        if not found:
            raise KeyError(name)
        if len(found) > 1:
            raise RdcodecError(f"document: {len(found)} have the id {name!r}, the first at tokens {found[0].start} and {found[1].start}")
        return found[0]

    def _found(self, name):
        if self._sorted is None:
            keys = np.concatenate([shard.documents["key"] for shard in self._shards]) if self._shards else np.zeros(0, np.uint64)
            order = np.argsort(keys, kind="stable")
            self._sorted = keys[order], order
        keys, order = self._sorted
        key = np.uint64(document_key(name))
        first, last = np.searchsorted(keys, key, "left"), np.searchsorted(keys, key, "right")
        return [document for number in order[first:last] if (document := self._document(int(number))).id == name]

    def _document(self, number):
        at = int(np.searchsorted(self._ends, number, side="right"))
        shard = self._shards[at]
        record = shard.documents[number - (int(self._ends[at - 1]) if at else 0)]
        stop = shard.first + int(record["end"])
        name, metadata = read_text(self._text(shard, record))
        return Document(name, stop - int(record["tokens"]), stop, metadata)

    def _text(self, shard, record):
        group = shard.find(int(record["end"]) - 1)
        if group is None:
            raise CorruptStreamError(f"{shard.path}: the group with token {shard.first + int(record['end']) - 1} is missing")
        read, part = self._last
        if read != (shard.number, group):
            (part,) = shard.read(group, [shard.parts - 1])
            self._last = (shard.number, group), part
        text = part[int(record["at"]) : int(record["at"]) + int(record["bytes"])]
        if len(text) != record["bytes"]:
            raise CorruptStreamError(f"{shard.describe(group)}: the text of a document is cut short")
        return text


class Taken:
    """Which ids the documents of a store have, as keys of 8 bytes: two ids of the same key need not be expected below a billion documents.

    Parameters
    ----------
    shards : iterable of Shard
    """

    def __init__(self, shards):
        self._sorted = np.sort(np.concatenate([np.zeros(0, np.uint64), *(shard.documents["key"] for shard in shards)]))
        self._new = set()

    def __contains__(self, key):
        at = int(np.searchsorted(self._sorted, np.uint64(key)))
        return key in self._new or (at < len(self._sorted) and int(self._sorted[at]) == key)

    def add(self, key):
        self._new.add(key)
        if len(self._new) >= MERGED_AT:
            self._sorted = np.sort(np.concatenate([self._sorted, np.fromiter(self._new, np.uint64)]))
            self._new.clear()

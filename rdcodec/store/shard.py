"""A shard as it is read: its index, and the parts of its groups. Nothing is open or in memory between reads but the index."""

import os
import zlib
from functools import cached_property
from itertools import chain

import numpy as np

from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.store.container import (
    DOCUMENT,
    GROUP,
    GROUP_MAGIC,
    HEADER_BYTES,
    TRAILER_BYTES,
    head_bytes,
    read_head,
    read_index,
    read_records,
    read_shard_header,
    read_trailer,
)
from rdcodec.store.names import finished_name, unfinished_name
from rdcodec.store.paths import open_bytes

__all__ = ["Shard"]

SCANNED_AT_ONCE = 2**20  # bytes that are looked through for the next group behind a damaged one


class Shard:
    """A shard of a store.

    Files are opened for each read, and read, not mapped: threads and processes have nothing to share, the memory is that of what
    is read, and a file that is cut short under a reader is an error and no signal that ends the process.

    Parameters
    ----------
    folder : path
        Local, or one of `path_of`.
    number : int
    parts : int
        Of a group.
    store_id : bytes

    Attributes
    ----------
    first : int
        Of its tokens in the store.
    groups, documents : ndarray
        Of GROUP and of DOCUMENT.
    indexed : bool
        Whether the index was there; otherwise it was rebuilt from the groups.
    end : int
        Offset of the byte behind the last group.

    Raises
    ------
    CorruptStreamError
        The header is damaged, or that of another shard.
    """

    def __init__(self, folder, number, parts, store_id):
        self._folder, self.number, self.parts, self._store_id = folder, number, parts, store_id
        with self._open() as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            self.first = self._checked_first(file)
            self.groups, self.documents, self.end = self._indexed(file, size) or (None, None, None)
            self.indexed = self.groups is not None
            if not self.indexed:
                self.groups, self.end = self._scan(file, size)
        if not self.indexed:
            self.documents = self._collected()

    @property
    def path(self):
        """Where it is now: a shard that is being written gets its name when it is finished."""
        finished = self._folder / finished_name(self.number)
        return finished if finished.exists() else self._folder / unfinished_name(self.number)

    @cached_property
    def firsts(self):
        """int64 : the first token of each group, side by side in memory as searches want it."""
        return self.groups["first"].astype(np.int64)

    @property
    def tokens(self):
        """int : up to the end of its last group."""
        return int(self.groups["first"][-1]) + int(self.groups["tokens"][-1]) if len(self.groups) else 0

    def find(self, token):
        """The group that holds a token, counted from the shard's first, or None."""
        group = int(np.searchsorted(self.firsts, token, side="right")) - 1
        return group if group >= 0 and token < self.firsts[group] + int(self.groups["tokens"][group]) else None

    def read(self, group, wanted):
        """Parts of a group.

        Parameters
        ----------
        group : int
        wanted : sequence of int

        Returns
        -------
        list of bytes

        Raises
        ------
        CorruptStreamError
            The group is damaged; the message names it.
        """
        entry = self.groups[group]
        try:
            with self._open() as file:
                file.seek(int(entry["offset"]))
                head = read_head(file.read(head_bytes(self.parts)), self.parts, self._store_id)
                if (head.checksum, head.tokens, head.first) != (entry["checksum"], entry["tokens"], entry["first"]):
                    raise CorruptStreamError("another group than the index says")
                return [self._part(file, int(entry["offset"]), head, part) for part in wanted]
        except CorruptStreamError as error:
            raise CorruptStreamError(f"{self.describe(group)}: {error}") from error

    def behind(self, group):
        """Offset of the byte behind a group whose head is not damaged; of the next group, or of the index, otherwise."""
        offset = int(self.groups["offset"][group])
        try:
            with self._open() as file:
                file.seek(offset)
                return offset + read_head(file.read(head_bytes(self.parts)), self.parts, self._store_id).size
        except CorruptStreamError:
            return int(self.groups["offset"][group + 1]) if group + 1 < len(self.groups) else self.end

    def describe(self, group):
        """A group, in messages."""
        first = self.first + int(self.firsts[group])
        last = first + int(self.groups["tokens"][group]) - 1
        return f"{self.path}: group {group} (tokens {first} to {last}, byte {int(self.groups['offset'][group])})"

    def _open(self):
        while True:
            path = self.path
            try:
                return open_bytes(path)
            except FileNotFoundError:
                if path == self.path:  # it was not finished just now
                    raise

    def _checked_first(self, file):
        try:
            header = read_shard_header(file.read(HEADER_BYTES))
        except RdcodecError as error:
            raise type(error)(f"{self.path}: {error}") from error
        if header[:3] != (self.parts, self._store_id, self.number):
            raise CorruptStreamError(
                f"{self.path}: expected shard {self.number} of store {self._store_id.hex()}, got {header.number} of {header.store_id.hex()}"
            )
        return header.first

    def _indexed(self, file, size):
        """The index and where it begins; None where it is missing or damaged."""
        file.seek(max(0, size - TRAILER_BYTES))
        start = read_trailer(file.read(TRAILER_BYTES), size)
        if start is None:
            return None
        file.seek(start)
        try:
            return *read_index(file.read(size - start), start, self.parts, self._store_id), start
        except CorruptStreamError:
            return None

    def _scan(self, file, size):
        """The groups that are there, by going from head to head."""
        entries, at, first = [], HEADER_BYTES, 0
        while (found := self._next_head(file, at, first, size)) is not None:
            offset, head = found
            entries.append((offset, head.first, head.tokens, head.checksum))
            at, first = offset + head.size, head.first + head.tokens
        return np.array(entries, GROUP), at

    def _next_head(self, file, at, first, size):
        """The next group that lies whole within the file, at a byte or behind it: its offset and its head."""
        for offset in chain([at], _magics(file, at + 1)):
            file.seek(offset)
            try:
                head = read_head(file.read(head_bytes(self.parts)), self.parts, self._store_id)
            except CorruptStreamError:
                continue
            if head.first >= first and offset + head.size <= size:
                return offset, head
        return None

    def _part(self, file, offset, head, part):
        before = sum(size for size, _ in head.parts[:part])
        size, check = head.parts[part]
        file.seek(offset + head_bytes(self.parts) + before)
        data = file.read(min(size, max(0, self.end - file.tell())))
        if len(data) != size:
            raise CorruptStreamError(f"the data end within part {part}")
        if zlib.crc32(data) != check:
            raise CorruptStreamError(f"the checksum of part {part} does not match")
        return data

    def _collected(self):
        """The documents of all groups whose list of them is not damaged."""
        found = [np.zeros(0, DOCUMENT)]
        for group in range(len(self.groups)):
            try:
                found.append(read_records(self.read(group, [self.parts - 1])[0]))
            except CorruptStreamError:
                continue
        records = np.concatenate(found)
        rising = records["end"].astype(np.int64)
        return records[np.append(True, rising[1:] > np.maximum.accumulate(rising)[:-1])] if len(records) else records


def _magics(file, at):
    """Offsets of all bytes from one on with which a group may begin."""
    while True:
        file.seek(at)
        data = file.read(SCANNED_AT_ONCE)
        found = data.find(GROUP_MAGIC)
        while found >= 0:
            yield at + found
            found = data.find(GROUP_MAGIC, found + 1)
        if len(data) < len(GROUP_MAGIC):
            return
        at += len(data) - len(GROUP_MAGIC) + 1

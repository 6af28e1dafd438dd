"""The shard that is being written: it grows by whole groups, and gets its name when it is finished."""

import os
from contextlib import contextmanager

import numpy as np

from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.store.container import DOCUMENT, GROUP, HEADER_BYTES, ShardHeader, write_group, write_index, write_records, write_shard_header
from rdcodec.store.names import finished_name, unfinished_name
from rdcodec.store.shard import Shard

__all__ = ["Unfinished", "finish_left"]


class Unfinished:
    """A shard under its first name. Every call happens whole or leaves the file as it was.

    Parameters
    ----------
    folder : pathlib.Path
    description : Description
    number, first : int
        Of the shard, and of its first token in the store.
    """

    def __init__(self, folder, description, number, first):
        self._folder, self._description, self.number, self.first = folder, description, number, first
        self._entries, self._documents = [], []
        self.tokens = 0
        self.size = HEADER_BYTES
        self._path = folder / unfinished_name(number)
        header = write_shard_header(ShardHeader(description.parts, description.store_id, number, first))
        self._file = open(self._path, "xb", buffering=0)  # noqa: SIM115 (until it is finished)
        try:
            _write(self._file, header)
        except BaseException:
            self._file.close()
            self._path.unlink()
            raise

    def add(self, tokens, parts, documents):
        """A group, of its parts but the last, and its documents as `write_records` takes them, counted from the store's first token."""
        own = [(end - self.first, *others) for end, *others in documents]
        last, records = write_records(own)
        data, check = write_group(tokens, self.tokens, [*parts, last], self._description.store_id)
        with _whole(self._file, self.size):
            _write(self._file, data)
        self._entries.append((self.size, self.tokens, tokens, check))
        self._documents.append(records)
        self.tokens += tokens
        self.size += len(data)

    def sync(self):
        os.fsync(self._file.fileno())

    def finish(self):
        """Write the index and give the shard its name; one without groups goes."""
        if not self._entries:
            self._file.close()
            self._path.unlink()
            return
        documents = np.concatenate([np.zeros(0, DOCUMENT), *self._documents])
        with _whole(self._file, self.size):
            _write(self._file, write_index(np.array(self._entries, GROUP), documents, self._description.store_id))
            self.sync()
        self._file.close()
        _give_name(self._folder, self.number)

    def leave(self):
        """Close the file as it is: `finish_left` does the rest when the store is next added to."""
        self._file.close()


def finish_left(folder, description, number):
    """Finish the shard of a writer that did not come to do it; what is left of a last group goes."""
    path = folder / unfinished_name(number)
    if path.stat().st_size < HEADER_BYTES:
        path.unlink()
        return
    shard = Shard(folder, number, description.parts, description.store_id)
    count = len(shard.groups)
    while count and not _is_whole(shard, count - 1):
        count -= 1
    if not count:
        path.unlink()
        return
    groups = shard.groups[:count]
    last = shard.end if count == len(shard.groups) else int(shard.groups["offset"][count])
    documents = shard.documents[shard.documents["end"] <= groups["first"][-1] + groups["tokens"][-1]]
    with open(path, "r+b", buffering=0) as file:
        file.truncate(last)
        with _whole(file, last):
            _write(file, write_index(groups, documents, description.store_id))
            os.fsync(file.fileno())
    _give_name(folder, number)


def _is_whole(shard, group):
    try:
        shard.read(group, range(shard.parts))
    except CorruptStreamError:
        return False
    return True


def _give_name(folder, number):
    finished = folder / finished_name(number)
    if finished.exists():
        raise RdcodecError(f"{finished} exists beside {unfinished_name(number)}: expected one of them")
    os.rename(folder / unfinished_name(number), finished)
    _sync_folder(folder)


def _sync_folder(folder):
    if os.name == "nt":  # it has no such thing
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(file, data):
    """All of the data, of which the system may take less than that at once."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


@contextmanager
def _whole(file, size):
    """After a failure the file ends where it did."""
    file.seek(size)
    try:
        yield
    except BaseException:
        file.truncate(size)
        raise

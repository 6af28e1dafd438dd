"""Adding to a store: tokens are gathered to groups, groups are coded, and written in their order."""

from __future__ import annotations

import os
import secrets
import shutil
from collections import deque
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.arguments import integer
from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import RdcodecError
from rdcodec.store.container import document_key
from rdcodec.store.description import describe, read_description, write_description
from rdcodec.store.documents import Taken
from rdcodec.store.groups import document_text, encode_ids, encode_states
from rdcodec.store.lock import Lock
from rdcodec.store.names import LOCK_FILE, numbers, unfinished_name
from rdcodec.store.paths import local_path
from rdcodec.store.shard import Shard
from rdcodec.store.unfinished import Unfinished, finish_left
from rdcodec.store.workers import pool_of

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor
    from typing import Any

    from typing_extensions import Self

    from rdcodec.codecs import Codec
    from rdcodec.store.description import Description
    from rdcodec.types import ArrayLike, PathLike, States

__all__ = ["Writer"]

SHARD_BYTES = 2**28
CHECKED_AT_ONCE = 4096  # tokens
MOST_IDS = 2**32


class Writer:
    """Adds to a store, from one thread of one process at a time. Made by `create` or `append`; close it, or use it as a context.

    Tokens are on disk when their group is full: what a process that is ended in any way loses is the group in the making, less than
    `group_tokens` tokens and, with several workers, those that are being coded. What the machine itself loses is up to a shard, or what
    came after the last `flush`.

    Attributes
    ----------
    path : pathlib.Path
    description : Description
    """

    def __init__(self, path: PathLike, description: Description, shard_bytes: int, workers: int) -> None:
        self.path, self.description = local_path(path), description
        self._shard_bytes, self._workers = _checked_sizes(shard_bytes, workers)
        self._process = os.getpid()
        self._lock: Lock | None = Lock(self.path / LOCK_FILE)
        self._shard: Unfinished | None = None
        self._rows: list[list[Any]] = []
        self._gathered = 0
        self._documents: list[tuple[int, int, int, bytes]] = []
        self._coding: deque[tuple[int, Any, Any]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        try:
            self._number, self._tokens, self._documented = self._take_up()
        except BaseException:
            self._lock.release()
            raise

    # ---- ways in

    @classmethod
    def create(
        cls, path: PathLike, codecs: Codec | dict[str, Codec], shard_bytes: int = SHARD_BYTES, workers: int = 1, **options: Any
    ) -> Self:
        """A new store.

        Parameters
        ----------
        path : str or path
            Of a folder that does not exist.
        codecs : Codec or dict of str to Codec
            One for each place, by its name; a single one's place is named ``layerN`` after the codec's layer, or ``states``.
        shard_bytes : int
            After which a new file begins.
        workers : int
            Threads that code groups side by side. Bytes do not depend on it.
        dtype : str
            float32, float16 (by default) or bfloat16: of the states that are added.
        quality : int or dict of str to int, optional
            Of all places or of each; the codec's default where it is not given.
        group_tokens : int
            1 to 4096, by default 512: what a read decodes at least. Small ones are read faster at random, large ones are smaller.
        token_ids : bool
            Keep each token's id; not by default.
        exemplars : ndarray, torch.Tensor or Exemplars, or dict of str to these, optional
            [tokens, channels], some thousand tokens like those that will come, which all groups may refer to: 5% smaller where the codec
            refers to earlier tokens, and added more slowly.

        Returns
        -------
        Writer

        Raises
        ------
        FileExistsError
            There is something at the path.
        RdcodecError
            A codec, its name, the quality or another argument is none, or out of range.
        OSError
            The folder cannot be written; nothing is left of it.
        """
        path = local_path(path)
        description = describe(codecs, **options)
        _checked_sizes(shard_bytes, workers)
        if path.exists():
            raise FileExistsError(f"{path} exists: expected the path of a new store, or Store.append for this one")
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        beside.mkdir()
        try:
            write_description(description, beside)
            os.rename(beside, path)
        except BaseException:
            shutil.rmtree(beside)
            raise
        return cls(path, description, shard_bytes, workers)

    @classmethod
    def append(cls, path: PathLike, shard_bytes: int = SHARD_BYTES, workers: int = 1) -> Self:
        """A store that is there. A shard that its last writer did not finish is finished first.

        Parameters
        ----------
        path : str or path
        shard_bytes, workers : int
            As for `create`.

        Raises
        ------
        FileNotFoundError
            There is no store.
        RdcodecError
            Another writer is adding to it, or it is damaged.
        OSError
            It cannot be written.
        """
        return cls(path, read_description(path), shard_bytes, workers)

    @classmethod
    def open(
        cls, path: PathLike, codecs: Codec | dict[str, Codec], shard_bytes: int = SHARD_BYTES, workers: int = 1, **options: Any
    ) -> Self:
        """A new store, or one at the path that was created with the same codecs and options, to go on with; arguments and errors as of `create`.

        Raises
        ------
        RdcodecError
            The store at the path is another one; it is left as it is.
        """
        if not local_path(path).exists():
            return cls.create(path, codecs, shard_bytes=shard_bytes, workers=workers, **options)
        wanted, there = describe(codecs, **options), read_description(path)
        if wanted.store_id != there.store_id:
            raise RdcodecError(f"{path}: the store there is another one: expected {_differences(wanted, there)}")
        return cls(path, there, shard_bytes, workers)

    # ---- adding

    def __len__(self) -> int:
        """Tokens: those in the store and those that were added."""
        return self._tokens

    def add(
        self,
        states: States | dict[str, States],
        token_ids: ArrayLike | None = None,
        document: str | None = None,
        metadata: dict[str, Any] | None = None,
        first: int | None = None,
    ) -> None:
        """Add tokens behind the last one.

        Parameters
        ----------
        states : ndarray or torch.Tensor, or dict of str to these
            [tokens, channels] of the store's element type; of several places a dict of all.
        token_ids : array of int, optional
            [tokens], 0 to 2**32 - 1, where the store keeps them.
        document : str, optional
            An id, which no other document of the store has: these tokens are a document.
        metadata : dict, optional
            Of JSON values, kept with it.
        first : int, optional
            The document's first token in the store, where tokens of it were added before.

        Raises
        ------
        TypeError, RdcodecError
            States of another element type, number of channels or tokens, NaN or infinity among them, ids where there should be none or
            the other way round; a document without tokens, one that begins within another, or whose id is taken. The store is then as it was.
        OSError
            The disk is full, for example. Files are then as they were; the tokens that `len` counts are kept, and `flush` tries again.
        """
        self._check_turn()
        states = self._checked_states(states)
        count = len(states[0])
        ids = []
        if self.description.token_ids:
            ids = [_checked_ids(token_ids, count)]
        elif token_ids is not None:
            raise RdcodecError("token_ids: the store keeps none; it was created without token_ids=True")
        if document is not None:
            text, key = document_text(document, metadata), document_key(document)
            if key in self._taken:
                raise RdcodecError(f"document: {document!r}: the store has a document of this id")
            first = self._tokens if first is None else integer("first", first, self._documented, self._tokens)
            if not count:
                raise RdcodecError(f"document: {document!r}: no tokens were given")
        for start in range(0, count, self.description.group_tokens):
            piece = slice(start, start + self.description.group_tokens)
            copied = [values_of(rows[piece])[0].copy() for rows in states]  # callers may use their buffers again
            self._gather(copied + [row[piece] for row in ids])
        if document is not None:
            self._documents.append((self._tokens, self._tokens - first, key, text))
            self._taken.add(key)
            self._documented = self._tokens

    def flush(self) -> None:
        """Write the group in the making, as it is, and see that the disk has all."""
        self._check_turn()
        self._send()
        self._write_coded(0)
        if self._shard is not None:
            self._shard.sync()

    def close(self) -> None:
        """Write what is left and finish the shard; nothing on a writer that is closed."""
        if self._lock is None:
            return
        try:
            self._check_turn()
            self._send()
            self._write_coded(0)
            self._finish_shard()
        finally:
            if self._shard is not None:
                self._shard.leave()
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- from tokens to groups

    def _check_turn(self):
        if self._lock is None:
            raise RdcodecError(f"{self.path}: this writer is closed")
        if os.getpid() != self._process:
            raise RdcodecError(f"{self.path}: this writer is another process's, which forked")

    def _checked_states(self, states):
        """What was given for each place, after a look at all of it."""
        names = [place.name for place in self.description.places]
        if not isinstance(states, dict):
            if len(names) > 1:
                raise RdcodecError(f"states: expected a dict of {', '.join(names)}, got {type(states).__name__}")
            states = {names[0]: states}
        if set(states) != set(names):
            raise RdcodecError(f"states: expected those of {', '.join(names)}, got {', '.join(map(str, states))}")
        for place in self.description.places:
            self._check(place, states[place.name])
        if len({len(states[name]) for name in names}) > 1:
            raise RdcodecError(f"states: expected as many tokens of each place, got {', '.join(str(len(states[name])) for name in names)}")
        return [states[name] for name in names]

    def _check(self, place, states):
        """A part at a time: there is room for the float32 values of a group, not of everything."""
        try:
            _, dtype = values_of(states[:0])
            if dtype != self.description.dtype:
                raise RdcodecError(f"expected {self.description.dtype} as the store holds, got {dtype}")
            if states.ndim != 2:
                raise RdcodecError(f"expected [tokens, channels], got shape {tuple(states.shape)}")
            for start in range(0, max(1, len(states)), CHECKED_AT_ONCE):
                check_values(values_of(states[start : start + CHECKED_AT_ONCE])[0], place.codec.channels, (start, 0))
        except (RdcodecError, TypeError) as error:
            raise type(error)(f"states: {place.name}: {error}") from error

    def _gather(self, rows):
        """Up to a group's tokens. A group goes when the next token comes: until then it can still get a document's end."""
        room = self.description.group_tokens - self._gathered
        if len(rows[0]) > room:
            self._hold([row[:room] for row in rows])
            self._send()
            rows = [row[room:] for row in rows]
        self._hold(rows)

    def _hold(self, rows):
        if len(rows[0]):
            self._rows.append(rows)
            self._gathered += len(rows[0])
            self._tokens += len(rows[0])

    def _send(self):
        """The group in the making to those who code."""
        if not self._gathered:
            return
        rows = [np.concatenate(pieces) for pieces in zip(*self._rows)]
        documents = self._documents
        self._coding.append((self._gathered, self._begin(rows), documents))
        self._rows, self._gathered, self._documents = [], 0, []
        self._write_coded(self._workers if self._workers > 1 else 0)  # one more than are coded, so that none waits

    def _begin(self, rows):
        """A function that returns the parts of a group."""
        if self._workers == 1:
            return lambda: self._parts(rows)
        if self._pool is None:
            self._pool = pool_of(self._workers)
        return self._pool.submit(self._parts, rows).result

    def _parts(self, rows):
        places = self.description.places
        parts = [encode_states(place, row) for place, row in zip(places, rows)]
        return parts + [encode_ids(row) for row in rows[len(places) :]]

    # ---- from groups to shards

    def _write_coded(self, left):
        """Write groups in their order until so many are left that are being coded. One that fails stays."""
        while len(self._coding) > left:
            tokens, parts, documents = self._coding[0]
            parts = parts()
            size = sum(map(len, parts))
            if self._shard is not None and self._shard.tokens and self._shard.size + size > self._shard_bytes:
                self._finish_shard()
            if self._shard is None:
                self._shard = Unfinished(self.path, self.description, self._number, self._written)
            self._shard.add(tokens, parts, documents)
            self._written += tokens
            self._coding.popleft()

    def _finish_shard(self):
        if self._shard is not None:
            self._shard.finish()
            self._shard = None
            self._number += 1

    @cached_property
    def _taken(self):
        """The ids of documents, which are read when the first document comes: all others are in finished shards then."""
        return Taken(self._read_shards(range(self._number)))

    def _read_shards(self, wanted):
        for number in wanted:
            yield Shard(self.path, number, self.description.parts, self.description.store_id)

    def _take_up(self):
        """Number of the next shard, tokens and the end of the last document of what is there."""
        found = numbers(self.path)
        for number in found:
            if (self.path / unfinished_name(number)).exists():
                finish_left(self.path, self.description, number)
        found = numbers(self.path)
        if found and found[-1] != len(found) - 1:
            raise RdcodecError(f"{self.path}: of {found[-1] + 1} shards {found[-1] + 1 - len(found)} are missing")
        tokens = documented = 0
        for shard in self._read_shards(reversed(found)):
            tokens = max(tokens, shard.first + shard.tokens)
            if len(shard.documents):
                documented = shard.first + int(shard.documents["end"][-1])
                break
        self._written = tokens
        return len(found), tokens, documented


def _differences(wanted, there):
    """Of two descriptions, in words."""
    wanted, there = wanted.fields(), there.fields()
    return ", ".join(f"{name} {wanted[name]}, got {there[name]}" for name in wanted if wanted[name] != there[name])


def _checked_sizes(shard_bytes, workers):
    return integer("shard_bytes", shard_bytes, 1, 2**62), integer("workers", workers, 1, 1024)


def _checked_ids(ids, tokens):
    """uint32 [tokens]."""
    if ids is None:
        raise RdcodecError("token_ids: the store keeps them, got none")
    ids = np.asarray(ids)
    if ids.shape != (tokens,) or ids.dtype.kind not in "iu":
        raise RdcodecError(f"token_ids: expected integers of shape [{tokens}], got {ids.dtype} of shape {ids.shape}")
    if tokens and not (ids.min() >= 0 and ids.max() < MOST_IDS):
        raise RdcodecError(f"token_ids: expected 0 to {MOST_IDS - 1}, got {ids.min()} to {ids.max()}")
    return ids.astype(np.uint32)

"""A store of hidden states: a folder of shards, opened for reading, or for adding to it."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from rdcodec.arguments import integer
from rdcodec.errors import CorruptStreamError, RdcodecError
from rdcodec.store.container import HEADER_BYTES
from rdcodec.store.description import read_description
from rdcodec.store.documents import Documents
from rdcodec.store.groups import decode_ids, decode_states
from rdcodec.store.names import finished_name, numbers, unfinished_name
from rdcodec.store.paths import path_of
from rdcodec.store.shard import Shard
from rdcodec.store.states import States
from rdcodec.store.workers import pool_of
from rdcodec.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from typing_extensions import Self

    from rdcodec.codecs import Codec
    from rdcodec.types import PathLike

__all__ = ["Store", "open_shards"]

CACHE_BYTES = 2**26


class Store:
    """States of tokens at one or several places of a model, compressed, on disk. Made by `open`.

    A store of one place is indexed like an array, ``store[150_000:150_010]``; of several, each is one, ``store["layer10"]``.
    Threads may share it; pickles are of its path and open it again where they are loaded.

    Attributes
    ----------
    path : pathlib.Path or upath.UPath
    description : Description
    dtype : str
        Of what indexing returns.
    documents : Documents
    places : dict of str to States
    """

    def __init__(self, path: PathLike, dtype: Any, cache_bytes: int, workers: int) -> None:
        self.path = path_of(path)
        self.description = read_description(self.path)
        self.dtype = self.description.dtype if dtype is None else dtype
        self._cache_bytes, self._workers = cache_bytes, integer("workers", workers, 1, 1024)
        self._shards = open_shards(self.path, self.description)
        self._firsts = np.array([shard.first for shard in self._shards], np.int64)
        self._behind = np.cumsum([len(shard.groups) for shard in self._shards], dtype=np.int64)
        self._held = sum(int(shard.groups["tokens"].sum(dtype=np.int64)) for shard in self._shards)
        self._cache: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._cached_bytes, self._lock = 0, Lock()
        self.documents = Documents(self._shards)
        self.places = {place.name: States(self, number) for number, place in enumerate(self.description.places)}

    # ---- ways in

    @classmethod
    def open(cls, path: PathLike, dtype: Any = None, cache_bytes: int = CACHE_BYTES, workers: int = 1) -> Self:
        """A store for reading, as far as it is written: groups that another process adds later are not seen.

        Parameters
        ----------
        path : str or path
            Of a folder, or what fsspec knows, such as ``s3://bucket/store``, which the extra `remote` and fsspec's own packages read: only what
            is asked for.
        dtype : optional
            float32, float16 or bfloat16, by name or as a type of NumPy or torch: what states are returned as; that of the states that were
            coded where it is not given.
        cache_bytes : int
            Of decoded groups, as the type that they are read as, which are kept in memory; those that were not read for longest go first. By
            default 64 MiB: 58,000 tokens of 576 channels as float16. With 0 none is, and a group is decoded no further than a read goes:
            right for short reads at random, all over a large store.
        workers : int
            Threads that decode the groups of one call.

        Returns
        -------
        Store

        Raises
        ------
        FileNotFoundError
            There is no store.
        CorruptStreamError, UnsupportedVersionError, RdcodecError
            It is damaged beyond groups, of a later version, or `workers` is out of range. Damaged groups are found when they are read.
        """
        return cls(path, dtype, cache_bytes, workers)

    @staticmethod
    def create(path: PathLike, codecs: Codec | dict[str, Codec], **options: Any) -> Writer:
        """A new store to add states to; see `Writer.create`."""
        return Writer.create(path, codecs, **options)

    @staticmethod
    def append(path: PathLike, **options: Any) -> Writer:
        """A store that is there, to add states to; see `Writer.append`."""
        return Writer.append(path, **options)

    # ---- what it holds

    def __len__(self) -> int:
        """Tokens."""
        return self._shards[-1].first + self._shards[-1].tokens if self._shards else 0

    @property
    def group_tokens(self) -> NDArray[np.int64]:
        """ndarray : int64 [groups], how many each has."""
        return np.concatenate([np.zeros(0, np.int64), *(shard.groups["tokens"] for shard in self._shards)], dtype=np.int64)

    @property
    def bytes(self) -> int:
        """int : of all shards, and of exemplars."""
        exemplars = sum(len(place.exemplars.frame) for place in self.description.places if place.exemplars)
        return exemplars + sum(shard.path.stat().st_size for shard in self._shards)

    @property
    def shards(self) -> list[Shard]:
        """list of Shard : in their order."""
        return list(self._shards)

    @property
    def shape(self) -> tuple[int, int]:
        """tuple of int : tokens and channels, of the only place."""
        return self.only.shape

    def token_ids(self, start: int = 0, stop: int | None = None) -> NDArray[np.int64]:
        """The ids of tokens, int64 [tokens].

        Raises
        ------
        RdcodecError
            The store keeps none, or the range is not within it.
        CorruptStreamError
            A group is damaged or missing.
        """
        if not self.description.token_ids:
            raise RdcodecError(f"{self.path} keeps no token ids")
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise RdcodecError(f"tokens: expected a range within {len(self)}, got {start} to {stop}")
        self.check_held(stop - start)
        out = np.empty(stop - start, np.int64)
        for shard, group, first, last in self._spans(start, stop):
            (part,) = shard.read(group, [len(self.places)])
            begins = shard.first + int(shard.firsts[group])
            out[first - start : last - start] = _named(shard, group, decode_ids, part)[first - begins : last - begins]
        return out

    # ---- a store of one place is an array

    @property
    def only(self) -> States:
        """States : of the only place.

        Raises
        ------
        RdcodecError
            There are several.
        """
        if len(self.places) > 1:
            raise RdcodecError(f"{self.path} has several places, name one: {', '.join(self.places)}")
        return next(iter(self.places.values()))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            if key not in self.places:
                raise KeyError(f"{key}: the places are {', '.join(self.places)}")
            return self.places[key]
        return self.only[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.only)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.only.__array__(dtype, copy)

    def read(self, start: int = 0, stop: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        """As `States.read`, of the only place."""
        return self.only.read(start, stop, dtype, out)

    def chunks(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        """As `States.chunks`, of the only place."""
        return self.only.chunks(*arguments, **options)

    # ---- groups

    def first_of(self, place: int, rising: NDArray[np.int64], dtype: str) -> Any:
        """The values of those of some tokens that are in the group of the first one.

        Parameters
        ----------
        place : int
        rising : ndarray of int
            Tokens, at least one.
        dtype : str

        Returns
        -------
        ndarray or torch.Tensor
            [tokens, channels] of that element type, by its name, a tensor where that is bfloat16.

        Raises
        ------
        CorruptStreamError
            It is damaged or missing.
        """
        shard, group = self._find(int(rising[0]))
        first = shard.first + int(shard.firsts[group])
        at = rising[: np.searchsorted(rising, first + int(shard.groups["tokens"][group]))] - first
        return self._values(place, shard, group, dtype, int(at[-1]) + 1)[at]

    def group(self, place: int, number: int, dtype: str) -> Any:
        """The values of a group by its number, as of `first_of`. They are not kept: who reads by groups reads each once."""
        at = int(np.searchsorted(self._behind, number, side="right"))
        return self._decoded(place, self._shards[at], number - (int(self._behind[at - 1]) if at else 0), dtype)

    def check_held(self, tokens: int) -> None:
        """Refuse more tokens than all groups have, which the numbers of damaged shards may claim, before memory is taken for them.

        Raises
        ------
        CorruptStreamError
        """
        if tokens > self._held:
            raise CorruptStreamError(f"{self.path}: {tokens} tokens were asked for, the groups hold {self._held}: some are missing")

    def for_groups(self, place: int, start: int, stop: int, dtype: str, use: Callable[[int, Any], object]) -> None:
        """Call ``use(at, values)`` with the tokens of a range, a group at a time, by all workers: `at` counts from `start`, values are as
        of `first_of`."""

        def one(span):
            shard, group, first, last = span
            begins = shard.first + int(shard.firsts[group])
            use(first - start, self._values(place, shard, group, dtype, last - begins)[first - begins : last - begins])

        spans = self._spans(start, stop)
        if self._workers == 1:
            for span in spans:
                one(span)
            return
        with pool_of(self._workers) as pool:
            for _ in pool.map(one, spans):
                pass

    def _spans(self, start, stop):
        """Shard, group, first token and the one behind the last, of each group of a range."""
        while start < stop:
            shard, group = self._find(start)
            last = min(stop, shard.first + int(shard.firsts[group]) + int(shard.groups["tokens"][group]))
            yield shard, group, start, last
            start = last

    def _find(self, token):
        number = int(np.searchsorted(self._firsts, token, side="right")) - 1
        shard = self._shards[number] if number >= 0 else None
        group = None if shard is None else shard.find(token - shard.first)
        if group is None:
            where = self.path if shard is None else shard.path
            raise CorruptStreamError(f"{where}: the group with token {token} is missing")
        return shard, group

    def _values(self, place, shard, group, dtype, wanted):
        """Of a group: all, which go into the cache, or where there is none at least its first tokens."""
        if not self._cache_bytes:
            return self._decoded(place, shard, group, dtype, wanted)
        key = (place, shard.number, group, dtype)
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        values = self._decoded(place, shard, group, dtype)
        with self._lock:
            if key not in self._cache:
                self._cache[key] = values
                self._cached_bytes += values.nbytes
            while self._cached_bytes > self._cache_bytes:
                self._cached_bytes -= self._cache.popitem(last=False)[1].nbytes
        return values

    def _decoded(self, place, shard, group, dtype, wanted=None):
        (part,) = shard.read(group, [place])
        decode = partial(decode_states, dtype=dtype, wanted=wanted)
        return _named(shard, group, decode, part, self.description.places[place])

    # ---- copies

    def __reduce__(self):
        return Store.open, (self.path, self.dtype, self._cache_bytes, self._workers)

    def __repr__(self) -> str:
        places = ", ".join(f"{place.name}: {place.codec.channels} channels" for place in self.description.places)
        return f"Store({str(self.path)!r}, {len(self)} tokens, {places})"


def open_shards(folder, description):
    """list of Shard : those of a store, in their order.

    Raises
    ------
    CorruptStreamError
        One is missing, is that of another place, or begins within the one before it.
    """
    shards, found = [], numbers(folder)
    for place, number in enumerate(found):
        if number != place:
            raise CorruptStreamError(f"{folder / finished_name(place)}: the shard is missing, {finished_name(number)} is there")
        if number == found[-1] and _just_begun(folder, number):
            break
        shard = Shard(folder, number, description.parts, description.store_id)
        before = shards[-1].first + shards[-1].tokens if shards else 0
        if shard.first < before:
            raise CorruptStreamError(f"{shard.path}: it begins at token {shard.first}, within the shard before it, which ends at {before}")
        shards.append(shard)
    return shards


def _just_begun(folder, number):
    """Whether a shard is so new that not even its header is written."""
    path = folder / unfinished_name(number)
    try:
        return path.stat().st_size < HEADER_BYTES
    except FileNotFoundError:
        return False


def _named(shard, group, decode, part, *place):
    """A part decoded, or an error that names its group."""
    try:
        return decode(*place, part, int(shard.groups["tokens"][group]))
    except RdcodecError as error:
        raise type(error)(f"{shard.describe(group)}: {error}") from error

"""The states of one place of a store, as an array that is decoded where it is read."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.store.buffers import check_buffer, dtype_name, empty, fill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from numpy.typing import NDArray

    from rdcodec.store.store import Store
    from rdcodec.types import ArrayLike

__all__ = ["States"]

CHUNK_TOKENS = 4096


class States:
    """States [tokens, channels] of one place. Made by `Store`; for any number of threads.

    Indexing decodes the groups that it touches: ``states[5]``, ``states[100:200]``, ``states[::8, :64]``, ``states[[3, 9, 7]]``, a mask.

    Attributes
    ----------
    name : str
    codec : Codec
    shape : tuple of int
    dtype : numpy.dtype or torch.dtype
        Of what indexing returns; arrays, and tensors where it is one of torch.
    """

    ndim = 2

    def __init__(self, store: Store, number: int) -> None:
        self._store, self._number = store, number
        place = store.description.places[number]
        self.name, self.codec = place.name, place.codec

    def __len__(self) -> int:
        return len(self._store)

    @property
    def shape(self) -> tuple[int, int]:
        """tuple of int : tokens and channels."""
        return len(self), self.codec.channels

    @property
    def dtype(self) -> Any:
        """numpy.dtype or torch.dtype : of what indexing returns."""
        return empty(0, self._store.dtype).dtype

    def __repr__(self) -> str:
        return f"States({self.name}, {list(self.shape)}, {self.dtype})"

    def read(self, start: int = 0, stop: int | None = None, dtype: Any = None, out: Any = None) -> Any:
        """Consecutive tokens.

        Parameters
        ----------
        start, stop : int
            Within the store; to its end where `stop` is not given.
        dtype : optional
            float32, float16 or bfloat16, by name or as a type of NumPy or torch; that of the store where it is not given.
        out : ndarray or torch.Tensor, optional
            [tokens, channels], to be filled in place of a new one; its own element type counts.

        Returns
        -------
        ndarray or torch.Tensor
            A tensor where the dtype is torch's, or bfloat16. What it cannot hold becomes the largest value that it can.

        Raises
        ------
        RdcodecError
            The range is not within the store, or `out` has another shape.
        CorruptStreamError
            A group is damaged or missing; the message names it.
        """
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise RdcodecError(f"tokens: expected a range within {len(self)}, got {start} to {stop}")
        self._store.check_held(stop - start)
        out = self._target(stop - start, dtype, out)
        self._store.for_groups(self._number, start, stop, dtype_name(out), lambda at, h: fill(out, slice(at, at + len(h)), h))
        return out

    def take(self, tokens: ArrayLike, dtype: Any = None, out: Any = None) -> Any:
        """Any tokens, in any order; each group is decoded once.

        Parameters
        ----------
        tokens : array of int
            [n], within the store; negative ones count from its end.
        dtype, out : optional
            As for `read`.

        Returns
        -------
        ndarray or torch.Tensor
            [n, channels].

        Raises
        ------
        IndexError
            A token is beyond the store.
        RdcodecError
            `tokens` are no integers.
        CorruptStreamError
            A group is damaged or missing.
        """
        tokens = self._within(np.asarray(tokens))
        out = self._target(len(tokens), dtype, out)
        order = np.argsort(tokens, kind="stable")
        rising, at = tokens[order], 0
        while at < len(rising):
            values = self._store.first_of(self._number, rising[at:], dtype_name(out))
            fill(out, order[at : at + len(values)], values)
            at += len(values)
        return out

    def chunks(self, size: int = CHUNK_TOKENS, start: int = 0, stop: int | None = None, dtype: Any = None) -> Iterator[Any]:
        """All tokens in order, so many at a time, in the memory of these.

        Yields
        ------
        ndarray or torch.Tensor
            [up to size, channels].
        """
        if size < 1:
            raise RdcodecError(f"size: expected 1 or more, got {size}")
        stop = len(self) if stop is None else stop
        for at in range(start, stop, size):
            yield self.read(at, min(at + size, stop), dtype)

    @property
    def group_tokens(self) -> NDArray[np.int64]:
        """ndarray : int64 [groups], the tokens of each group, which are decoded together."""
        return self._store.group_tokens

    def group(self, number: int, dtype: str) -> Any:
        """[tokens, channels] of a group by its number, of an element type by its name, a tensor where that is bfloat16; not kept in the cache."""
        return self._store.group(self._number, number, dtype)

    def __iter__(self) -> Iterator[Any]:
        for chunk in self.chunks():
            yield from chunk

    def __getitem__(self, key: Any) -> Any:
        rows, *others = key if isinstance(key, tuple) else (key,)
        if rows is Ellipsis:
            rows, others = slice(None), [Ellipsis, *others]
        found, one = self._rows(rows)
        if others:
            found = found[(slice(None), *others)]
        return found[0] if one else found

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("states are decoded: an array of them is always a copy")
        found = self.read(dtype=None if self._store.dtype != "bfloat16" else "float32")
        return found if dtype is None else found.astype(dtype, copy=False)

    def _rows(self, key):
        """Tokens of the first part of an index, and whether it is a single one."""
        if isinstance(key, slice):
            start, stop, step = key.indices(len(self))
            if step == 1:
                return self.read(start, max(start, stop)), False
            return self.take(np.arange(start, stop, step)), False
        if not hasattr(key, "__len__") and hasattr(key, "__index__"):
            return self.take([operator.index(key)]), True
        return self.take(key), False

    def _within(self, tokens):
        """Numbers of tokens from 0 on, of numbers or of a mask."""
        if tokens.dtype == bool:
            if tokens.shape != (len(self),):
                raise IndexError(f"tokens: expected a mask of {len(self)}, got shape {tokens.shape}")
            return np.flatnonzero(tokens)
        if tokens.size == 0:
            tokens = tokens.astype(np.int64)
        if tokens.ndim != 1 or tokens.dtype.kind not in "iu":
            raise RdcodecError(f"tokens: expected integers [n] or a mask, got {tokens.dtype} of shape {tokens.shape}")
        beyond = (tokens < -len(self)) | (tokens >= len(self))
        if beyond.any():
            raise IndexError(f"tokens: expected numbers within {len(self)}, got {tokens[beyond][0]}")
        return np.where(tokens < 0, tokens + len(self), tokens).astype(np.int64)

    def _target(self, tokens, dtype, out):
        shape = (tokens, self.codec.channels)
        return empty(shape, self._store.dtype if dtype is None else dtype) if out is None else check_buffer(out, shape)

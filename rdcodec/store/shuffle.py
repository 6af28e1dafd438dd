"""Tokens of a store in random order, for training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec import _core
from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.memory import give_back
from rdcodec.store.buffers import dtype_name, empty, fill, torch_dtype, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.store.store import Store

__all__ = ["Shuffled"]


class Shuffled(torch.utils.data.IterableDataset):
    """Batches of tokens of a store, drawn at random from those of some groups, in whose places the tokens of the next groups come, in random order.

    So a batch has tokens of many more groups than are in memory. Groups are shared out over ranks and over the workers of a DataLoader: each
    token comes once an epoch in all of them together. The order follows from the seed, the epoch, and the numbers of ranks and of workers.
    Memory is that of the tokens that are drawn from, of the store's element type or of the batches', whichever is smaller, and of two batches.

    Parameters
    ----------
    store : Store
    batch : int
        Tokens of a batch; the last one of an epoch, or of each worker, may have fewer.
    place : str, optional
        Which one, of a store of several.
    mixed_groups : int
        How many groups' tokens are drawn from; those of a batch at least.
    seed : int
    rank, ranks : int, optional
        This process, of how many; by default those of `torch.distributed` where that is initialised.
    dtype : torch.dtype, optional
        Of the batches, float32, float16 or bfloat16; that of the store where it is not given. Tokens are rounded to the element type
        that was coded on the way.

    Examples
    --------
    ::

        data = Shuffled(Store.open("states"), batch=4096)
        for epoch in range(3):
            data.set_epoch(epoch)
            for batch in torch.utils.data.DataLoader(data, batch_size=None, num_workers=2):
                ...
    """

    def __init__(
        self,
        store: Store,
        batch: int,
        place: str | None = None,
        mixed_groups: int = 32,
        seed: int = 0,
        rank: int | None = None,
        ranks: int | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.states = store.only if place is None else store[place]
        self.batch = integer("batch", batch, 1, 2**31)
        self.mixed_groups = integer("mixed_groups", mixed_groups, 1, 2**31)
        self.seed = integer("seed", seed, 0, 2**63 - 1)
        self.rank, self.ranks = _ranks(rank, ranks)
        self.dtype = torch_dtype(store.dtype if dtype is None else dtype)
        self._held_dtype = type_name(min(self.dtype, torch_dtype(store.description.dtype), key=lambda each: each.itemsize))
        self.epoch = self._skipped = self._taken = 0

    def set_epoch(self, epoch: int) -> None:
        """Begin an epoch: another order, from its first batch on."""
        self.epoch, self._skipped, self._taken = integer("epoch", epoch, 0, 2**63 - 1), 0, 0

    def state_dict(self, batches: int | None = None) -> dict[str, int]:
        """Where this rank's epoch has come to.

        Parameters
        ----------
        batches : int, optional
            How many were taken; needed where workers of a DataLoader make them, for it asks these for more in advance.
        """
        return {
            "epoch": self.epoch,
            "seed": self.seed,
            "batches": self._taken if batches is None else integer("batches", batches, 0, 2**63 - 1),
        }

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a `state_dict`, of the same store, batches, ranks and workers: the next pass begins with the next batch.

        Groups of which tokens are still to come are decoded anew, some hundreds.
        """
        self.set_epoch(state["epoch"])
        self.seed = state["seed"]
        self._skipped = self._taken = integer("batches", state["batches"], 0, 2**63 - 1)

    def __iter__(self) -> Iterator[torch.Tensor]:
        worker = torch.utils.data.get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        if worker is not None:
            _core.limit_threads(1)  # as torch does with its own threads there
        for batch in self._batches(*self._share(number, workers)):
            self._taken += 1
            yield batch

    def _share(self, number, workers):
        """Whose batches a worker makes, so that they come in turn from where the pass begins, of which groups, and how many it leaves out."""
        tokens = self.states.group_tokens
        order = np.random.default_rng([self.seed, self.epoch]).permutation(np.arange(len(tokens), dtype=np.int32))[self.rank :: self.ranks]
        own = [order[each::workers] for each in range(workers)]
        shares, turn = _shares([-(-int(tokens[groups].sum()) // self.batch) for groups in own], self._skipped)
        number = (number + turn) % workers  # a loader begins with its first worker, whoever's turn it was
        self._taken, self._skipped = self._skipped, 0
        return number, _Groups(self.states, own[number].copy(), tokens[own[number]]), int(shares[number])

    def _batches(self, number, groups, skipped):
        """Batches of a worker, but for the first ones."""
        held = self._held_tokens(groups)
        numbers, refills = np.arange(held), (groups.tokens - held) // self.batch
        begun = min(skipped, refills)
        for at in range(begun):
            numbers[self._drawn(number, at, held)] = self._refill(at, held)
        rows = empty((held, self.states.shape[1]), self._held_dtype)
        groups.read(rows, np.arange(held), numbers)
        del numbers
        for at in range(begun, refills):
            drawn = self._drawn(number, at, held)
            yield self._batch_of(rows, drawn)
            groups.read(rows, drawn, self._refill(at, held))
        last = self._random(number, refills).permutation(held)
        for at in range((skipped - begun) * self.batch, held, self.batch):
            yield self._batch_of(rows, last[at : at + self.batch])

    def _held_tokens(self, groups):
        """How many are drawn from: those of the groups or somewhat fewer, so that the others are whole batches, and those of a batch at least."""
        most = min(groups.tokens, max(self.batch, groups.count(self.mixed_groups)))
        held = most - (most - groups.tokens) % self.batch
        return held if held >= min(most, self.batch) else held + self.batch

    def _random(self, *numbers):
        return np.random.default_rng([self.seed, self.epoch, self.rank, *numbers])

    def _drawn(self, number, at, held):
        """The rows of a worker's batch."""
        return self._random(number, at).choice(held, self.batch, replace=False)

    def _refill(self, at, held):
        """Numbers of the tokens that come in the places of a batch."""
        return held + np.arange(at * self.batch, (at + 1) * self.batch)

    def _batch_of(self, rows, drawn):
        return torch.as_tensor(rows[drawn]).to(self.dtype)


class _Groups:
    """Tokens of groups of a place, one group after the other, in an order of their own."""

    def __init__(self, states, order, tokens):
        self.states, self.order = states, order
        self.ends = np.cumsum(tokens, dtype=np.min_scalar_type(int(tokens.sum())))  # half of int64 in most stores
        self.last = None, None  # group and its values: the next tokens often go on in it

    @property
    def tokens(self):
        return self.count(len(self.order))

    def count(self, groups):
        """Tokens of the first groups."""
        return int(self.ends[min(groups, len(self.ends)) - 1]) if len(self.ends) else 0

    def read(self, rows, places, numbers):
        """Set rows, an array or a tensor, at places to the tokens of these numbers.

        What batches that are gone, and decoding, leave free goes back to the system: a batch that is used, the next one and a decoder's
        arrays would each take a place of their own.
        """
        give_back()
        rising = np.argsort(numbers)
        places, numbers, at = places[rising], numbers[rising], 0
        while at < len(numbers):
            group = int(np.searchsorted(self.ends, self.ends.dtype.type(numbers[at]), side="right"))
            until = int(np.searchsorted(numbers, int(self.ends[group])))
            self._copy(group, rows, places[at:until], numbers[at:until])
            at = until
        give_back()

    def _copy(self, group, rows, places, numbers):
        if self.last[0] != group:
            self.last = group, self.states.group(int(self.order[group]), dtype_name(rows))
        values, end = self.last[1], int(self.ends[group])
        fill(rows, places, values[numbers - (end - len(values))])
        if numbers[-1] + 1 == end:
            self.last = None, None


def _shares(batches, taken):
    """How many batches came from each worker when so many were taken from them in turn, given how many each has; and whose turn it is."""
    batches, shares, turn = np.asarray(batches), np.zeros(len(batches), np.int64), 0
    while taken and (going := np.flatnonzero(shares < batches)).size:
        rounds = min(taken // going.size, int((batches - shares)[going].min()))
        if not rounds:
            shares[going[:taken]] += 1
            turn = int(going[taken])
            break
        shares[going] += rounds
        taken -= rounds * going.size
    return shares, turn


def _ranks(rank, ranks):
    if rank is None and ranks is None and torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    ranks = 1 if ranks is None else integer("ranks", ranks, 1, 2**31)
    if rank is None and ranks > 1:
        raise RdcodecError(f"rank: expected one of {ranks}, got none")
    return 0 if rank is None else integer("rank", rank, 0, ranks - 1), ranks

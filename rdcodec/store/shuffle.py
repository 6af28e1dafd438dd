"""Tokens of a store in random order, for training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec import _core
from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.store.buffers import dtype_name, fill, torch_dtype

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.store.store import Store

__all__ = ["Shuffled"]


class Shuffled(torch.utils.data.IterableDataset):
    """Batches of tokens of a store, drawn without replacement: so many groups, in random order, are decoded and their tokens mixed, then the next.

    Groups are shared out over ranks and over the workers of a DataLoader: each token comes once an epoch in all of them together. The
    order follows from the seed, the epoch, and the numbers of ranks and of workers. Memory is that of the tokens that are mixed, of the store's
    element type or of the batches', whichever is smaller, and of two batches.

    Parameters
    ----------
    store : Store
    batch : int
        Tokens of a batch; the last one of an epoch, or of each worker, may have fewer.
    place : str, optional
        Which one, of a store of several.
    mixed_groups : int
        Groups that are mixed.
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
        mixed_groups: int = 64,
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
        self._mixed_dtype = min(self.dtype, torch_dtype(store.description.dtype), key=lambda each: each.itemsize)
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
        """Go on from a `state_dict`, of the same store, batches, ranks and workers: the next pass begins with the next batch."""
        self.set_epoch(state["epoch"])
        self.seed = state["seed"]
        self._skipped = self._taken = integer("batches", state["batches"], 0, 2**63 - 1)

    def __iter__(self) -> Iterator[torch.Tensor]:
        worker = torch.utils.data.get_worker_info()
        number, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        if worker is not None:
            _core.limit_threads(1)  # as torch does with its own threads there
        tokens = self.states.group_tokens
        order = np.random.default_rng([self.seed, self.epoch]).permutation(np.arange(len(tokens), dtype=np.int32))[self.rank :: self.ranks]
        own = [order[each::workers] for each in range(workers)]
        shares, turn = _shares([-(-int(tokens[groups].sum()) // self.batch) for groups in own], self._skipped)
        number = (number + turn) % workers  # a loader begins with its first worker, whoever's turn it was
        self._taken, self._skipped = self._skipped, 0
        for batch in self._batches(number, own[number], tokens, shares[number]):
            self._taken += 1
            yield batch

    def _batches(self, number, order, tokens, skipped):
        """Batches of a worker, but for the first ones; what is left of one mixture begins the next batch."""
        left, skipped = torch.empty((0, self.states.shape[1]), dtype=self._mixed_dtype), skipped * self.batch
        for start in range(0, len(order), self.mixed_groups):
            groups = order[start : start + self.mixed_groups]
            count = int(tokens[groups].sum())
            if skipped >= count:
                skipped -= count
                continue
            rows = self._mixture(left, groups, tokens[groups], [number, start])[skipped:]
            skipped, whole = 0, len(rows) // self.batch * self.batch
            for at in range(0, whole, self.batch):
                yield self._copied(rows[at : at + self.batch])
            left = rows[whole:].clone()
            del rows  # before there is the next mixture
        if len(left):
            yield left.to(self.dtype)

    def _copied(self, rows):
        """A batch, so that who keeps it does not keep the mixture. In memory of NumPy, which takes the place of a batch that is gone:
        PyTorch's, aligned to more bytes, would not fit into it."""
        memory = np.empty((len(rows), rows.shape[1] * self.dtype.itemsize), np.uint8)
        return torch.from_numpy(memory).view(self.dtype).copy_(rows)

    def _mixture(self, left, groups, tokens, seeds):
        """What is left, then the tokens of groups, each put where it belongs as it is decoded: no more than these are in memory."""
        behind = len(left) + np.cumsum(tokens)
        rows = torch.empty((int(behind[-1]), left.shape[1]), dtype=left.dtype)
        rows[: len(left)] = left
        mixed = np.random.default_rng([self.seed, self.epoch, self.rank, *seeds]).permutation(len(rows) - len(left))
        places = torch.from_numpy(np.argsort(mixed)) + len(left)
        for group, count, end in zip(groups, tokens, behind - len(left)):
            fill(rows, places[end - count : end], self.states.group(int(group), dtype_name(rows)))
        return rows


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

"""The rows of a batch: an encoder and a decoder each, which go on with the cache that their prompt began with."""

import copy
import functools
from operator import attrgetter
from threading import RLock
from weakref import WeakSet

import torch

from rdcodec.codecs import transmit_rows
from rdcodec.stream import MAX_FRAME_TOKENS

__all__ = ["Prompts", "Row", "as_sent", "send_rows"]


_ENCODER, _DECODER = attrgetter("encoder"), attrgetter("decoder")


class Row:
    """One row of a batch: its encoder, and its decoder at the other end."""

    def __init__(self, codec, quality, frame_tokens, meter):
        self.encoder = codec.encoder(quality)
        self.decoder = codec.decoder()
        self.frame_tokens = frame_tokens
        self.meter = meter

    def send(self, h):
        """What arrives of h [tokens, channels], in its element type and on its device."""
        if len(h) <= self.frame_tokens:
            return _transmitted([self], h[None])[0]
        return torch.cat([self.send(part) for part in h.split(self.frame_tokens)])

    def fork(self):
        twin = object.__new__(Row)
        vars(twin).update(vars(self), encoder=self.encoder.fork(), decoder=self.decoder.fork())
        return twin


def send_rows(rows, h):
    """What arrives of h [rows, tokens, channels], likewise: rows whose tokens fit a frame are coded side by side.

    A row on its own comes this way too: as a tensor of PyTorch, a part of h takes as long as a small codec.
    """
    count, tokens, _ = h.shape
    if count * tokens > MAX_FRAME_TOKENS or tokens > rows[0].frame_tokens:
        return torch.stack([row.send(of_row) for row, of_row in zip(rows, h.unbind())])
    return _transmitted(rows, h)


def _transmitted(rows, h):
    """What arrives of h [rows, tokens, channels], which fits a frame a row."""
    values, *costs = transmit_rows(map(_ENCODER, rows), map(_DECODER, rows), h)
    rows[0].meter.add(h.shape[0] * h.shape[1], *costs)
    return as_sent(values, h)


def as_sent(values, h):
    """Decoded values, a float32 array or tensor that may be changed, in the element type and on the device of h."""
    if not isinstance(values, torch.Tensor):
        values = torch.from_numpy(values)  # as_tensor takes five times as long
    if h.dtype is torch.float32:
        return values if h.is_cpu else values.to(h)
    largest = torch.finfo(h.dtype).max
    return values.clamp_(-largest, largest).to(h)


class Prompts:
    """The prompts in progress of one link, by their caches."""

    def __init__(self):
        self.caches = WeakSet()

    def rows(self, cache):
        """Rows of the prompt that a cache goes on with, None if this link has not seen it begin."""
        return vars(cache).get(_LEDGER, {}).get(self)

    def begin(self, cache, rows):
        with _LOCK:
            if not isinstance(cache, _Followed):
                cache.__class__ = _followed(type(cache))
                setattr(cache, _LEDGER, {})
            getattr(cache, _LEDGER)[self] = rows
            self.caches.add(cache)

    def close(self):
        with _LOCK:
            for cache in list(self.caches):
                ledger = getattr(cache, _LEDGER)
                del ledger[self]
                if not ledger:
                    delattr(cache, _LEDGER)
                    cache.__class__ = type(cache).plain
            self.caches.clear()


# A cache that is followed keeps the rows of all links under this name.
_LEDGER = "_rows_by_link"
_LOCK = RLock()


class _Followed:
    """What stands before the class of a cache while links follow it: what changes its rows changes theirs.

    Any number of links can come and go in any order. Copies of the cache go on with copies of the rows; pickles are plain.
    """

    plain = None

    def reorder_cache(self, beam_idx):
        super().reorder_cache(beam_idx)
        _pick(self, lambda count: beam_idx.tolist())

    def batch_select_indices(self, indices):
        super().batch_select_indices(indices)
        _pick(self, lambda count: torch.arange(count)[indices.cpu()].tolist())

    def batch_repeat_interleave(self, repeats):
        super().batch_repeat_interleave(repeats)
        _pick(self, lambda count: [i for i in range(count) for _ in range(repeats)])

    def __deepcopy__(self, memo):
        """The prompt is used again: each copy goes on from here on its own."""
        make, arguments, state, *_ = self.__reduce_ex__(0)
        twin = make(*arguments)
        memo[id(self)] = twin
        vars(twin).update(copy.deepcopy(state, memo))
        with _LOCK:
            for prompts, rows in vars(self).get(_LEDGER, {}).items():
                prompts.begin(twin, [row.fork() for row in rows])
        return twin

    def __reduce_ex__(self, protocol):
        make, arguments, state, *rest = super().__reduce_ex__(0)  # later protocols insist on the class that the cache has now
        arguments = tuple(self.plain if argument is type(self) else argument for argument in arguments)
        return make, arguments, {name: value for name, value in state.items() if name != _LEDGER}, *rest


@functools.cache
def _followed(kind):
    return type(kind.__name__, (_Followed, kind), {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "plain": kind})


def _pick(cache, chosen):
    with _LOCK:
        ledger = vars(cache).get(_LEDGER, {})  # none where the last link closed just now
        for prompts, rows in ledger.items():
            ledger[prompts] = [rows[i].fork() for i in chosen(len(rows))]

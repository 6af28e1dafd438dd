"""A stage of a pipeline that sends frames in place of hidden states."""

import inspect
from dataclasses import dataclass
from time import perf_counter

import torch
import torch.distributed as dist
from transformers.cache_utils import Cache, DummyLayer

from rdcodec.codecs import Decoder, Encoder
from rdcodec.errors import RdcodecError
from rdcodec.serving.best_logits import pack_best, packed_bytes, unpack_best
from rdcodec.serving.frames import decode_states, encode_states, frame_counts
from rdcodec.serving.peers import receive_parts, send_parts
from rdcodec.splits import Meter
from rdcodec.splits.calls import cache_among, is_empty
from rdcodec.splits.masks import kept_tokens
from rdcodec.splits.rows import Prompts, as_sent

__all__ = ["CodedStage", "StageMeter"]

ELEMENT_BYTES, FRAME_BYTES = 16, 64  # that no codec's frames exceed


@dataclass
class StageMeter:
    """What a stage of a pipeline sent and received.

    Attributes
    ----------
    sent, received : rdcodec.splits.Meter
        Hidden states to the next stage, of which it counts the encoding, and from the one before, of which it counts the decoding.
    logit_bytes : int
        Of logits, which all stages have of the last one.
    """

    sent: Meter
    received: Meter
    logit_bytes: int = 0


@dataclass
class _Row:
    """A row of a batch at a stage: the decoder of what comes in and the encoder of what goes out, where there are such."""

    decoder: Decoder | None
    encoder: Encoder | None

    def fork(self):
        return _Row(self.decoder and self.decoder.fork(), self.encoder and self.encoder.fork())


class CodedStage:
    """Stands in a model for the stage that transformers gave it, and is that stage in all else.

    Parameters
    ----------
    stage : transformers.distributed.pipeline_parallel.PipelineStage
    own : range
        The blocks that run here.
    incoming, outgoing : Codec or None
        At the boundaries before and behind them.
    quality : int or None
    best_logits : int or None
    """

    def __init__(self, stage, own, incoming, outgoing, quality, best_logits):
        self._stage, self._own = stage, own
        self._incoming, self._outgoing, self._quality, self._best = incoming, outgoing, quality, best_logits
        self.prompts = Prompts()
        channels = (incoming or outgoing).channels
        self.meter = StageMeter(Meter(channels), Meter(channels))
        self._mask = self._cache = self._rows = None

    def __getattr__(self, name):
        if name.startswith("_"):  # of a copy in the making, which has no stage yet
            raise AttributeError(name)
        return getattr(self._stage, name)

    # ---- around a forward pass

    def enter(self, module, args, kwargs):
        """A hook before each pass, which knows of mask and cache."""
        self._mask = inspect.signature(module.forward).bind_partial(*args, **kwargs).arguments.get("attention_mask")
        self._cache, self._rows = cache_among(args, kwargs), None
        if self._cache is not None:
            self._keep_own(self._cache)
            self._rows = None if is_empty(self._cache) else self.prompts.rows(self._cache)

    def leave(self, module, args, kwargs, output):
        """A hook after each pass: a cache that it made goes on with its rows."""
        rows, given = self._rows, self._cache
        self._mask = self._cache = self._rows = None
        cache = None if output is None else output.cache
        if isinstance(cache, Cache):
            self._keep_own(cache)
            if given is None and rows is not None:
                self.prompts.begin(cache, rows)

    def _keep_own(self, cache):
        """Layers of other stages are none of this one's: a cache that counts its tokens by them would find none."""
        cache.layers = [layer if i in self._own else DummyLayer() for i, layer in enumerate(cache.layers)]

    def _rows_of(self, count):
        """The rows of this pass, new ones where a prompt begins."""
        if self._rows is None:
            self._rows = [self._new_row() for _ in range(count)]
            if self._cache is not None:
                self.prompts.begin(self._cache, self._rows)
        if len(self._rows) != count:
            raise RdcodecError(f"the batch changed from {len(self._rows)} to {count} rows in the middle of a prompt")
        return self._rows

    def _new_row(self):
        return _Row(self._incoming and self._incoming.decoder(), self._outgoing and self._outgoing.encoder(self._quality))

    # ---- what transformers asks of a stage

    def communicate(self, operation, *, device, dtype, tensor=None, shape=None):
        """Hidden states to the next stage, or from the one before: as of `PipelineStage`."""
        if operation == "send_forward" and self._outgoing is not None:
            return self._send(tensor)
        if operation == "recv_forward" and self._incoming is not None:
            return self._receive(torch.zeros(shape, device=device, dtype=dtype))
        return self._stage.communicate(operation, device=device, dtype=dtype, tensor=tensor, shape=shape)

    def broadcast_from_last(self, tensor, *, dtype, device):
        """Logits of the last stage, all of them or the best: as of `PipelineStage`."""
        if self._best is None:
            logits = self._stage.broadcast_from_last(tensor, dtype=dtype, device=device)
            self.meter.logit_bytes += logits.nbytes
            return logits
        at = torch.device("cpu") if self._stage.comm_on_cpu else device
        shape = torch.tensor(tensor.shape if self._stage.pp_is_last_stage else [0, 0, 0], device=at)
        self._broadcast(shape)
        batch, tokens, vocabulary = shape.tolist()
        count = min(self._best, vocabulary)
        if self._stage.pp_is_last_stage:
            packed = pack_best(tensor.to(at, dtype), count)
        else:
            packed = torch.empty(batch, tokens, packed_bytes(count, dtype), dtype=torch.uint8, device=at)
        self._broadcast(packed)
        self.meter.logit_bytes += shape.nbytes + packed.nbytes
        return unpack_best(packed, count, vocabulary, dtype).to(device)

    def _broadcast(self, tensor):
        group = self._stage.pp_group
        dist.broadcast(tensor, src=dist.get_global_rank(group, self._stage.pp_size - 1), group=group)

    # ---- frames

    def _send(self, h):
        rows, mask = self._rows_of(len(h)), kept_tokens(self._mask, h)
        states = h.unbind() if mask is None else [row[keep] for row, keep in zip(h, mask)]
        began = perf_counter()
        frames = encode_states([row.encoder for row in rows], states, self._outgoing.frame_tokens)
        seconds = perf_counter() - began
        parts = [frame for row in frames for frame in row]
        self.meter.sent.add(sum(map(len, states)), sum(map(len, parts)), seconds, 0.0)
        if parts:
            send_parts(self._stage, parts)

    def _receive(self, h):
        """What arrives, in h [batch, tokens, channels]: padding, which nothing attends to, is not sent and stays 0."""
        rows, mask, size = self._rows_of(len(h)), kept_tokens(self._mask, h), self._incoming.frame_tokens
        counts = [h.shape[1]] * len(h) if mask is None else mask.sum(1).tolist()
        wanted = frame_counts(counts, size)
        if not sum(wanted):
            return h
        max_bytes = ELEMENT_BYTES * sum(counts) * h.shape[2] + FRAME_BYTES * sum(wanted)
        parts = iter(receive_parts(self._stage, sum(wanted), max_bytes))
        frames = [[next(parts) for _ in range(count)] for count in wanted]
        began = perf_counter()
        states = decode_states([row.decoder for row in rows], frames, counts, size)
        self.meter.received.add(sum(counts), sum(len(frame) for row in frames for frame in row), 0.0, perf_counter() - began)
        if mask is None:
            return as_sent(torch.stack(states), h)
        for arrived, keep, state in zip(h, mask, states):
            if state is not None:
                arrived[keep] = as_sent(state, h)
        return h

"""A model whose hidden states travel as bytes at one layer: `compress_at`."""

import inspect
import weakref
from contextlib import contextmanager
from time import perf_counter

import torch
from transformers.cache_utils import Cache

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.splits.hooks import before, block_input, replaced_input
from rdcodec.splits.meter import Meter
from rdcodec.splits.registry import find_site
from rdcodec.stream import MAX_FRAME_TOKENS

__all__ = ["compress_at"]


@contextmanager
def compress_at(model, layer, codec, quality=None, frame_tokens=None):
    """Code the input of block `layer` with real bytes while the context is open.

    Every forward pass of the model, also those of `generate()`, encodes the hidden states that enter the block, decodes
    the bytes, and goes on with the decoded values. Each row of a batch has its own encoder and decoder. They begin anew
    with each prompt (no cache, or an empty one) and go on with the cache they began with; when a cache reorders its
    rows (beam search), they follow. What a cache drops again (assisted decoding) has been sent and is counted.
    Padding, where `attention_mask` is 0, passes unchanged and costs nothing. Gradients do not pass the split.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture (`known_architectures`), float32, float16 or bfloat16. It is left as it was.
    layer : int
        0 to n_layers - 1, in Hugging Face's count of hidden states: 0 is the input of the first block.
    codec : Codec
        For the channels of the model.
    quality : int, optional
        Higher is finer; the codec's default where it is not given.
    frame_tokens : int, optional
        Tokens a frame at most, 1 to 4096. With 1, whole windows cost what generation token by token costs.

    Yields
    ------
    Meter

    Raises
    ------
    RdcodecError
        The architecture is unknown; the layer, the quality or `frame_tokens` is out of range; the codec has other
        channels than the model; during a forward pass: the hidden state holds NaN or infinity, the attention mask is
        not [batch, tokens] (as with compiled, static caches), or the batch changes in the middle of a prompt.
    """
    site = find_site(model, layer)
    if codec.channels != site.channels:
        raise RdcodecError(f"codec: expected {site.channels} channels as the model has, got {codec.channels}")
    frame_tokens = codec.frame_tokens if frame_tokens is None else integer("frame_tokens", frame_tokens, 1, MAX_FRAME_TOKENS)
    codec.encoder(quality)  # a quality out of range is refused here, not in the middle of a forward pass
    link = _Link(site, codec, quality, frame_tokens)
    try:
        with before(site.base, link.note_mask), before(site.block, link.transmit):
            yield link.meter
    finally:
        link.close()


class _Link:
    """Head and tail of the split in one process: the hooks, and the prompts in progress."""

    def __init__(self, site, codec, quality, frame_tokens):
        self.layer = site.layer
        self.layout = site.split.layout
        self.new_row = lambda: _Row(codec, quality, frame_tokens, self.meter)
        self.meter = Meter(codec.channels)
        self.mask = None
        self.signature = inspect.signature(type(site.base).forward)
        self.prompts = weakref.WeakKeyDictionary()

    def note_mask(self, base, args, kwargs):
        """Blocks see a mask of attention, not of padding: take that from the arguments of the whole model."""
        self.mask = self.signature.bind_partial(base, *args, **kwargs).arguments.get("attention_mask")

    @torch.no_grad()
    def transmit(self, block, args, kwargs):
        state = block_input(args, kwargs)
        h = self.layout.to_tokens(state)
        cache = next((value for value in (*args, *kwargs.values()) if isinstance(value, Cache)), None)
        rows = self.rows(cache, len(h))
        mask = self.padding_mask(h)
        decoded = h.detach().clone(memory_format=torch.contiguous_format)
        for i, row in enumerate(rows):
            if mask is None or bool(mask[i].all()):
                row.send(h[i], decoded[i])
            elif bool(mask[i].any()):
                kept = h[i, mask[i]]
                row.send(kept, kept)
                decoded[i, mask[i]] = kept
        return replaced_input(args, kwargs, self.layout.from_tokens(decoded, state))

    def rows(self, cache, count):
        """Encoder and decoder of each row of the batch, new ones for a new prompt."""
        if cache is None:
            return [self.new_row() for _ in range(count)]
        if cache not in self.prompts or int(cache.get_seq_length(self.layer)) == 0:
            self.prompts[cache] = [self.new_row() for _ in range(count)]
            _follow(cache, self.prompts)
        rows = self.prompts[cache]
        if len(rows) != count:
            raise RdcodecError(f"the batch changed from {len(rows)} to {count} rows in the middle of a prompt")
        return rows

    def padding_mask(self, h):
        if self.mask is None:
            return None
        batch, tokens = h.shape[:2]
        shape = tuple(getattr(self.mask, "shape", ()))
        if len(shape) != 2 or shape[0] != batch or shape[1] < tokens:
            raise RdcodecError(
                f"attention_mask: expected [{batch}, at least {tokens}] with 0 for padding, got"
                f" {f'shape {shape}' if shape else type(self.mask).__name__}; static caches make such masks,"
                " use the dynamic one"
            )
        mask = self.mask[:, -tokens:].to(h.device, torch.bool)
        return None if bool(mask.all()) else mask

    def close(self):
        for cache in self.prompts:
            _unfollow(cache)


class _Row:
    """One row of a batch: its encoder, and its decoder at the other end."""

    def __init__(self, codec, quality, frame_tokens, meter):
        self.encoder = codec.encoder(quality)
        self.decoder = codec.decoder()
        self.frame_tokens = frame_tokens
        self.meter = meter

    def send(self, h, out):
        """Write to `out` what arrives of h, both [tokens, channels]."""
        meter, largest = self.meter, torch.finfo(out.dtype).max
        for start in range(0, len(h), self.frame_tokens):
            part = h[start : start + self.frame_tokens]
            began = perf_counter()
            frame = self.encoder.encode(part)
            sent = perf_counter()
            values = torch.from_numpy(self.decoder.decode(frame))
            if out.dtype != torch.float32:
                values.clamp_(-largest, largest)
            out[start : start + self.frame_tokens] = values
            meter.decode_seconds += perf_counter() - sent
            meter.encode_seconds += sent - began
            meter.tokens += len(part)
            meter.bytes += len(frame)

    def fork(self):
        twin = object.__new__(_Row)
        vars(twin).update(vars(self), encoder=self.encoder.fork(), decoder=self.decoder.fork())
        return twin


_ROW_CHANGES = {
    "reorder_cache": lambda count, indices: indices.tolist(),
    "batch_select_indices": lambda count, indices: torch.arange(count)[indices.cpu()].tolist(),
    "batch_repeat_interleave": lambda count, repeats: [i for i in range(count) for _ in range(repeats)],
}


class _RowChange:
    """Stands before a method that changes the rows of a cache, and does the same to the rows of its prompt."""

    def __init__(self, cache, name, prompts):
        self.cache = weakref.ref(cache)
        self.name = name
        self.prompts = prompts

    def __call__(self, argument):
        cache = self.cache()
        rows = self.prompts[cache]
        self.prompts[cache] = [rows[i].fork() for i in _ROW_CHANGES[self.name](len(rows), argument)]
        return getattr(type(cache), self.name)(cache, argument)

    def __deepcopy__(self, memo):
        """The cache is being copied (a prompt used again): so are its rows."""
        original, twin = self.cache(), memo[id(self.cache())]
        if twin not in self.prompts:
            self.prompts[twin] = [row.fork() for row in self.prompts[original]]
        return _RowChange(twin, self.name, self.prompts)


def _follow(cache, prompts):
    for name in _ROW_CHANGES:
        setattr(cache, name, _RowChange(cache, name, prompts))


def _unfollow(cache):
    for name in _ROW_CHANGES:
        vars(cache).pop(name, None)

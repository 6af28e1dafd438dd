"""A model whose hidden states travel as bytes at one layer: `compress_at`."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import torch

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.splits.calls import Calls, cache_among, owners
from rdcodec.splits.compiled import refuse_compiled, refuse_compiled_call
from rdcodec.splits.fingerprint import check_codec, layer_of
from rdcodec.splits.gradients import check_gradients, straight_through
from rdcodec.splits.hooks import block_input, is_skipped, on_every_call, replaced_input
from rdcodec.splits.masks import kept_tokens
from rdcodec.splits.meter import Meter
from rdcodec.splits.rows import Prompts, Row, send_rows
from rdcodec.stream import MAX_FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.codecs import Codec
    from rdcodec.types import Model

__all__ = ["compress_at"]


@contextmanager
def compress_at(
    model: Model,
    codec: Codec,
    quality: int | None = None,
    layer: int | None = None,
    frame_tokens: int | None = None,
    any_layer: bool = False,
    gradients: str | None = None,
) -> Iterator[Meter]:
    """Code the input of a block with real bytes while the context is open.

    Every forward pass of the model, also those of `generate()`, encodes the hidden states that enter the block, decodes
    the bytes, and goes on with the decoded values, which `hidden_states[layer]` of its output shows. Each row of a batch has
    its own encoder and decoder. They begin anew with each prompt (no cache, or an empty one) and go on with the cache they
    began with; when a cache reorders its rows (beam search) or is copied, they follow. What a cache drops again (assisted
    decoding) has been sent and is counted. A cache that is pickled is a plain one.
    Padding, where `attention_mask` is 0, passes unchanged and costs nothing; at a decoder that is `decoder_attention_mask`.
    Gradients do not pass the split unless `gradients` says how.

    The model is changed for everyone: passes of all threads are coded, each with its own mask, prompt and rows, and the meter
    counts them all. A pass that is under way when the context is opened or closed goes on without. Contexts on one model
    may be open together and close in any order. `head_states`, `run_head` and `run_tail` stay in their own thread.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture (`known_architectures`), float32, float16 or bfloat16, not compiled. It is left as it was.
    codec : Codec
        For the channels of the model.
    quality : int, optional
        Higher is finer; the codec's default where it is not given.
    layer : int, optional
        0 to n_layers, in Hugging Face's count of hidden states: 0 is the input of the first block, n_layers the last hidden state, behind
        the final norm where there is one. That of the codec where it is not given; a codec that was fitted to none needs it.
    frame_tokens : int, optional
        Tokens a frame at most, 1 to 4096. With 1, whole windows cost what generation token by token costs.
    any_layer : bool
        Take a codec that was fitted to another layer, which is refused otherwise.
    gradients : str, optional
        "straight-through": to the states that are sent, the gradient is that of those that arrive, so that what stands before the
        split can be trained with the codec in the loop. `rdcodec.training.tune` is such a training, with a gradient of the rate
        besides.

    Yields
    ------
    Meter

    Raises
    ------
    TypeError
        `codec` is none.
    RdcodecError
        The architecture is unknown, or a part of the model is compiled; the layer, the quality or `frame_tokens` is out of
        range, or `gradients` unknown; the codec has other channels than the model or is of another layer; during a forward pass:
        the hidden state holds NaN or infinity, the attention mask is not [batch, tokens] (as with compiled, static caches), the
        batch changes in the middle of a prompt, the call comes from compiled code, or the model trains with gradient
        checkpointing; as the context closes: a pass went by the block.
    """
    refuse_compiled(model)
    passes_gradients = check_gradients(gradients)
    site = check_codec(model, layer_of(codec, layer), codec, any_layer)
    frame_tokens = codec.frame_tokens if frame_tokens is None else integer("frame_tokens", frame_tokens, 1, MAX_FRAME_TOKENS)
    codec.encoder(quality)  # a quality out of range is refused here, not in the middle of a forward pass
    link = _Link(site, codec, quality, frame_tokens, passes_gradients)
    try:
        with ExitStack() as hooks:  # from the inside out, so that a pass which is seen to begin is seen at the block as well
            hooks.enter_context(on_every_call(site.place, link.transmit))
            if site.is_last:
                hooks.enter_context(on_every_call(site.block, link.note_cache))
            for level, owner in enumerate(link.calls.owners):
                hooks.enter_context(on_every_call(owner, partial(link.calls.enter, level), partial(link.calls.leave, level)))
            for outermost in {model, site.base}.difference(link.calls.owners):
                hooks.enter_context(on_every_call(outermost, refuse_compiled_call))
            hooks.callback(link.calls.close)
            yield link.meter
            link.check()
    finally:
        link.prompts.close()


class _Link:
    """Head and tail of the split in one process: what its hooks do."""

    def __init__(self, site, codec, quality, frame_tokens, passes_gradients):
        self.layer = site.layer
        self.layout = site.layout
        self.is_last = site.is_last
        self.meter = Meter(codec.channels)
        self.new_row = lambda: Row(codec, quality, frame_tokens, self.meter)
        self.calls = Calls(owners(site.base, site.block))
        self.prompts = Prompts()
        self.passed_by = False
        self.passes_gradients = passes_gradients

    def note_cache(self, block, args, kwargs):
        """Of the last block: what is behind it is given no cache."""
        call = self.calls.innermost()
        if call is not None:
            call.cache = cache_among(args, kwargs)

    def transmit(self, block, args, kwargs):
        call = self.calls.innermost()
        if call is None:
            self.passed_by = True
            return None
        call.reached = True
        if is_skipped(block) and not self.is_last:
            return None
        if block.training and getattr(block, "gradient_checkpointing", False):
            raise RdcodecError("model: gradient checkpointing would send every state twice; disable it, or call model.eval()")
        state = block_input(args, kwargs)
        h = self.layout.to_tokens(state)
        decoded = self.send(call, h, call.cache if self.is_last else cache_among(args, kwargs))
        if self.passes_gradients:
            decoded = straight_through(h, decoded)
        arrived = self.layout.from_tokens(decoded, state)
        call.sent.append((state, arrived))
        return replaced_input(args, kwargs, arrived)

    def send(self, call, h, cache):
        """What arrives of h [batch, tokens, channels]."""
        mask = None if call.mask is None else kept_tokens(call.padding(), h)
        rows = self.rows(call, cache, h.shape[0])
        if mask is None and h.numel():
            return send_rows(rows, h)
        decoded = h.detach().clone(memory_format=torch.contiguous_format)
        for i, row in enumerate(rows):
            if bool(mask[i].any()):
                decoded[i, mask[i]] = row.send(h[i, mask[i]])
        return decoded

    def rows(self, call, cache, count):
        """Encoder and decoder of each row of the batch, new ones for a new prompt."""
        rows = None if cache is None or call.begins else self.prompts.rows(cache)
        if rows is None:
            rows = [self.new_row() for _ in range(count)]
            if cache is not None:
                self.prompts.begin(cache, rows)
                call.begins = False  # a block that comes again in the same pass goes on
        if len(rows) != count:
            raise RdcodecError(f"the batch changed from {len(rows)} to {count} rows in the middle of a prompt")
        return rows

    def check(self):
        """Nothing may have gone by uncoded.

        Raises
        ------
        RdcodecError
        """
        if self.calls.missed:
            raise RdcodecError(f"model: {self.calls.missed} ran without block {self.layer}: a pass was not coded")
        if self.passed_by and not self.meter.tokens:
            raise RdcodecError(f"model: block {self.layer} ran, but not within the model: nothing was coded")

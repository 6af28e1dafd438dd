"""States of a model as they pass, into a store."""

from __future__ import annotations

import copy
import inspect
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Lock, local
from typing import TYPE_CHECKING

import torch

from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.splits.calls import Calls, owners
from rdcodec.splits.compiled import refuse_compiled
from rdcodec.splits.fingerprint import check_codec, origin_of
from rdcodec.splits.hooks import block_input, on_every_call
from rdcodec.splits.masks import kept_tokens
from rdcodec.splits.registry import find_site
from rdcodec.store.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from rdcodec.types import Model, PathLike

__all__ = ["capture", "model_places"]

TYPES = {torch.float32: "float32", torch.float16: "float16", torch.bfloat16: "bfloat16"}


@contextmanager
def capture(
    path: PathLike,
    model: Model,
    layers: int | list[int],
    codecs: Codec | list[Codec],
    documents: Iterable[str] | None = None,
    **options: Any,
) -> Iterator[Writer]:
    """Write the states that enter blocks of a model, or its last ones, while the context is open, with the ids of their tokens.

    Every forward pass is written; each row of its batch, padding left out, is a document. States are those of the model, unchanged.

    Parameters
    ----------
    path : str or path
        Of a new store, or of one that an earlier `capture` of the same made, which is added to.
    model : transformers.PreTrainedModel
        Of a known architecture, float32, float16 or bfloat16, not compiled.
    layers : int or list of int
        Split points, 0 to n_layers, which is the last hidden state; a place each, named ``layerN``.
    codecs : Codec or list of Codec
        One for each layer, or one for all.
    documents : iterable of str, optional
        An id for each row in turn; the number of its first token in the store where it is not given, so that stores whose documents are
        numbered cannot be joined.
    **options
        Of `Writer.create`: quality, group_tokens, shard_bytes, workers.

    Yields
    ------
    Writer

    Raises
    ------
    RdcodecError
        The architecture is unknown, a layer is out of range, a codec has other channels or is of another layer, the store at the path
        holds something else; during a forward pass: it goes on with a cache (``generate`` computes a token at a time), it was given no
        token ids, or a state holds NaN or infinity.
    """
    refuse_compiled(model)
    layers = [layers] if isinstance(layers, int) else list(layers)
    places, kind = model_places(model, _by_layer(layers, codecs))
    with Writer.open(path, places, **kind, **options) as writer:
        recorder = _Recorder(model, layers, writer, documents)
        with recorder.hooks():
            yield writer


def model_places(model, codecs):
    """What a store of states of a model and token ids is created with.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    codecs : dict of int to Codec
        By layer. One without an origin gets that of the model.

    Returns
    -------
    places : dict of str to Codec
    options : dict
        Of `Writer.create`.

    Raises
    ------
    RdcodecError
        A codec does not belong to the model and its layer, or the model has another element type than stores.
    """
    places = {}
    for layer, codec in codecs.items():
        check_codec(model, layer, codec)
        codec = places[f"layer{layer}"] = copy.copy(codec)
        codec.origin = codec.origin or origin_of(model, layer)
    dtype = TYPES.get(model.dtype)
    if dtype is None:
        raise RdcodecError(f"model: expected float32, float16 or bfloat16, got {model.dtype}")
    return places, {"dtype": dtype, "token_ids": True}


def _by_layer(layers, codecs):
    codecs = [codecs] * len(layers) if isinstance(codecs, Codec) else list(codecs)
    if not layers or len(codecs) != len(layers) or len(set(layers)) < len(layers):
        raise RdcodecError(f"layers: expected at least one, none twice, and a codec for each, got {layers} and {len(codecs)} codecs")
    return dict(zip(layers, codecs))


class _Recorder:
    """What hooks at the blocks and around them see of passes, thread by thread."""

    def __init__(self, model, layers, writer, documents):
        self.sites = {f"layer{layer}": find_site(model, layer) for layer in layers}
        last = max(self.sites.values(), key=lambda site: site.layer)
        self.calls = Calls(owners(last.base, last.block))
        self.writer, self.documents = writer, None if documents is None else iter(documents)
        self.seen, self.lock = local(), Lock()

    @contextmanager
    def hooks(self):
        with ExitStack() as stack:
            for name, site in self.sites.items():
                stack.enter_context(on_every_call(site.place, partial(self.record, name)))
            for level, owner in enumerate(self.calls.owners):
                stack.enter_context(on_every_call(owner, partial(self.enter, level), partial(self.leave, level)))
            stack.callback(self.calls.close)
            yield
        if self.calls.missed:
            raise RdcodecError(f"model: {self.calls.missed} ran without its blocks: a pass was not written")

    def enter(self, level, module, args, kwargs):
        self.calls.enter(level, module, args, kwargs)
        if level == 0:
            given = inspect.signature(type(module).forward).bind_partial(module, *args, **kwargs).arguments
            self.seen.ids, self.seen.states = given.get("input_ids"), {}

    def record(self, name, block, args, kwargs):
        call = self.calls.innermost()
        if call is None:
            return
        if not call.begins:
            raise RdcodecError("model: the pass goes on with a cache; what is written are whole passes, without or with an empty one")
        call.reached = True
        self.seen.states[name] = self.sites[name].layout.to_tokens(block_input(args, kwargs)).detach().clone()  # the block may change it

    def leave(self, level, module, args, kwargs, output):
        call = self.calls.innermost()
        try:
            if level == 0 and call is not None and output is not None and call.reached:
                self.write(call)
        finally:
            shown = self.calls.leave(level, module, args, kwargs, output)
        return shown

    def write(self, call):
        states, ids = self.seen.states, self.seen.ids
        if ids is None:
            raise RdcodecError("model: the pass was given no input_ids, which the store keeps")
        kept = kept_tokens(call.padding(), next(iter(states.values())))
        ids = ids.cpu().numpy()
        with self.lock:
            for row in range(len(ids)):
                chosen = slice(None) if kept is None else kept[row]
                rows = {name: h[row, chosen] for name, h in states.items()}
                row_ids = ids[row, chosen if kept is None else chosen.cpu().numpy()]
                if len(row_ids):
                    self.writer.add(rows, token_ids=row_ids, document=self.name())

    def name(self):
        """The id of the next document."""
        if self.documents is None:
            return str(len(self.writer))
        name = next(self.documents, None)
        if name is None:
            raise RdcodecError("documents: expected an id for each row, there are no more")
        return name

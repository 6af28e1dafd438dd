"""Texts through a model as something that can be packed into a store."""

from contextlib import ExitStack
from functools import lru_cache

import torch

from rdcodec.errors import RdcodecError
from rdcodec.splits import find_site, longest_input
from rdcodec.splits.hooks import before, block_input, stopped_at
from rdcodec.store.sources import Source

__all__ = ["layer_states", "text_sources"]

WINDOW = 512  # tokens, by default
WINDOWS = 4  # at a time through the model


def text_sources(model, tokenizer, texts, layers, window=WINDOW, loaded_from=None):
    """A `Source` for each text: its states at layers of a model, computed window by window when they are wanted.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : dict of str to str
        By the documents' ids.
    layers : list of int
    window : int
        Tokens that the model sees at once; the last window of a text may have fewer.
    loaded_from : str, optional
        What `load_model` was given: other processes, to which sources are pickled, load it again.

    Raises
    ------
    RdcodecError
        The window is longer than the model's, or the texts make no tokens.
    """
    if not 1 <= window <= longest_input(model):
        raise RdcodecError(f"window: expected 1 to {longest_input(model)} tokens, got {window}")
    sources = []
    for name, text in texts.items():
        ids = torch.tensor(tokenizer(text, verbose=False)["input_ids"], dtype=torch.int64)
        if len(ids):
            pieces = _Windows(model, layers, ids, window, loaded_from)
            sources.append(Source(name, len(ids), str(model.dtype).removeprefix("torch."), pieces, {"window": window}))
    if not sources:
        raise RdcodecError("texts: expected at least one token")
    return sources


class _Windows:
    """States and ids of a text from a token on; its window is computed whole, for states depend on all tokens before them in it."""

    def __init__(self, model, layers, ids, window, loaded_from):
        self.model, self.layers, self.ids, self.window, self.loaded_from = model, layers, ids, window, loaded_from

    def __call__(self, start):
        begin = start // self.window * self.window
        for rows in self._batches(begin):
            states = layer_states(self.model, self.layers, rows)
            flat = {f"layer{layer}": h.flatten(0, 1) for layer, h in states.items()}
            known = max(0, start - begin)
            yield {name: h[known:] for name, h in flat.items()}, rows.flatten()[known:].numpy()
            begin += rows.numel()

    def __reduce__(self):
        if self.loaded_from is None:
            raise RdcodecError("model: expected `loaded_from`, for other processes are to load it")
        return _elsewhere, (self.layers, self.ids, self.window, self.loaded_from)

    def _batches(self, begin):
        """Whole windows, some at a time, and the rest."""
        whole = (len(self.ids) - begin) // self.window * self.window
        if whole:
            yield from self.ids[begin : begin + whole].view(-1, self.window).split(WINDOWS)
        if begin + whole < len(self.ids):
            yield self.ids[None, begin + whole :]


def _elsewhere(layers, ids, window, loaded_from):
    return _Windows(_loaded(loaded_from), layers, ids, window, loaded_from)


@lru_cache(1)
def _loaded(name):
    """The model, once in a process."""
    from rdcodec.models import load_model

    return load_model(name)[0]


def layer_states(model, layers, input_ids):
    """Hidden states that enter several blocks of a model, in one pass that ends at the last of them.

    Returns
    -------
    dict of int to torch.Tensor
        [batch, tokens, channels], without gradient.
    """
    sites = {layer: find_site(model, layer) for layer in layers}
    last, reached = max(layers), {}

    def keep(layer):
        def hook(block, args, kwargs):
            reached[layer] = block_input(args, kwargs).detach().clone()

        return hook

    with ExitStack() as hooks, torch.no_grad():
        for layer in set(layers) - {last}:
            hooks.enter_context(before(sites[layer].place, keep(layer)))
        end = stopped_at(sites[last].place, lambda: sites[last].model(input_ids=input_ids))
    if end is None:
        raise RdcodecError(f"model: {type(sites[last].model).__name__} never ran block {last}")
    reached[last] = block_input(*end)
    return {layer: sites[layer].layout.to_tokens(reached[layer]) for layer in layers}

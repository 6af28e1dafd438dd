"""What an end of a split remembers of the tokens that it has seen: where padding was, and the keys and values of its own blocks."""

import inspect

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from rdcodec.errors import LimitError, RdcodecError

__all__ = ["Context", "forward_arguments"]


class Context:
    """Of a batch of rows at one end, or of one row among others.

    Parameters
    ----------
    part : rdcodec.serving.Part
    own : range
        The blocks that run at this end.
    rows : int

    Raises
    ------
    RdcodecError
        The blocks keep something else than keys and values.
    """

    def __init__(self, part, own, rows):
        self.part, self.own = part, own
        self.mask = torch.zeros(rows, 0, dtype=torch.int64, device=part.site.model.device)
        self.cache = _cache(part.site, own)

    @property
    def tokens(self):
        """int : of a row, padding included."""
        return self.mask.shape[1]

    @property
    def layers(self):
        """list : the layers of the cache that hold something."""
        return [self.cache.layers[i] for i in self.own]

    @property
    def nbytes(self):
        """int : of keys and values."""
        return sum(layer.keys.nbytes + layer.values.nbytes for layer in self.layers if layer.is_initialized)

    def extended(self, mask):
        """The mask behind further tokens, int [rows, tokens], 0 where they are padding.

        Raises
        ------
        LimitError
            The model takes no more tokens.
        """
        mask = torch.cat([self.mask, mask.to(self.mask)], 1)
        if mask.shape[1] > self.part.longest:
            raise LimitError(f"tokens: the model takes {self.part.longest}, got {mask.shape[1]}")
        return mask

    def inputs(self, mask):
        """Arguments of a forward pass over the tokens by which a mask is longer than this one, as `generate` gives them."""
        return forward_arguments(self.part.site.model, mask, mask.shape[1] - self.tokens, self.cache)


def forward_arguments(model, mask, tokens, cache):
    """Mask, positions and cache of a forward pass over the last tokens of a mask."""
    accepted = inspect.signature(type(model).forward).parameters
    positions = (mask.cumsum(1) - 1).masked_fill(mask == 0, 0)[:, -tokens:]
    given = {"attention_mask": mask, "position_ids": positions, "use_cache": True}
    given["cache" if "cache" in accepted else "past_key_values"] = cache  # by the release of transformers
    return {name: value for name, value in given.items() if name in accepted}


def _cache(site, own):
    """A cache that holds something for its own blocks alone; of the others it says what it says of a like block of its own.

    Models ask the first layers how many tokens there are, and for the sizes of masks.
    """
    cache = DynamicCache(config=site.base.config)
    for i in own:
        if type(cache.layers[i]) not in (DynamicLayer, DynamicSlidingWindowLayer):
            raise RdcodecError(f"model: block {i} keeps {type(cache.layers[i]).__name__}, expected keys and values of attention")
    for i, layer in enumerate(cache.layers):
        if own and i not in own:
            cache.layers[i] = next((cache.layers[j] for j in own if type(cache.layers[j]) is type(layer)), cache.layers[own[0]])
    return cache

"""How many tokens a model takes at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from rdcodec.types import Model

__all__ = ["longest_input"]

LIMITS = "max_position_embeddings", "max_seq_len"  # the latter is MPT's


def longest_input(model: Model) -> int | float:
    """Tokens that a model takes at most.

    Its embeddings of positions may hold more rows than that: RoBERTa and its kin number tokens from behind the padding's
    index, so that the rows up to that one are never those of a token.

    Parameters
    ----------
    model : transformers.PreTrainedModel

    Returns
    -------
    int or float
        Infinity where the model has no limit.
    """
    config = model.config.get_text_config()
    positions = next((getattr(config, name) for name in LIMITS if getattr(config, name, None)), math.inf)
    if positions == math.inf:
        return positions
    words = model.get_input_embeddings()
    for module in model.base_model.modules():
        if isinstance(module, torch.nn.Embedding) and module is not words and module.num_embeddings == positions:
            if module.padding_idx is not None:
                return positions - module.padding_idx - 1
    return positions

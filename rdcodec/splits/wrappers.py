"""Models inside of wrappers: PEFT, DataParallel, accelerate's, or a module of one's own."""

from __future__ import annotations

import torch
from transformers import PreTrainedModel

from rdcodec.errors import RdcodecError

__all__ = ["unwrapped"]


def unwrapped(model: torch.nn.Module) -> torch.nn.Module:
    """The model of transformers inside of a wrapper, or what was given if that is one or has none inside.

    Parameters
    ----------
    model : torch.nn.Module
        A transformers.PreTrainedModel, or a module that holds one at any depth: alone, or beside modules of other kinds.

    Returns
    -------
    torch.nn.Module

    Raises
    ------
    RdcodecError
        The wrapper holds several models side by side, or feeds the model tokens of its own (prompt learning).
    """
    level = [model]
    while level and all(isinstance(module, torch.nn.Module) for module in level):
        found = [module for module in level if isinstance(module, PreTrainedModel)]
        if len(found) > 1:
            names = ", ".join(type(module).__name__ for module in found)
            raise RdcodecError(f"model: {type(model).__name__} holds several models ({names}); give one of them")
        if found:
            _check_prompts(model)
            return found[0]
        level = list({id(child): child for module in level for child in module.children()}.values())
    return model


def _check_prompts(wrapper):
    """Soft prompts stand before the tokens: the states of the model inside are others than those of the wrapper's input."""
    for name, config in getattr(wrapper, "peft_config", {}).items():
        if config.is_prompt_learning:
            raise RdcodecError(
                f"model: the adapter {name!r} of {type(wrapper).__name__} is of prompt learning ({config.peft_type}), which gives"
                " the model tokens of its own; an adapter of its weights, as LoRA, works"
            )

"""What is trained of a model: adapters beside its linear layers, or the weights of its blocks."""

import importlib.util
import warnings
from contextlib import contextmanager

import torch
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from rdcodec.errors import RdcodecError

__all__ = ["adapted", "adapted_layers", "block_weights", "blocks_of", "check_plain", "need_peft", "old_names", "training_alone"]


def need_peft():
    """Adapters need a package of its own.

    Raises
    ------
    ImportError
        It is not installed.
    """
    if importlib.util.find_spec("peft") is None:
        raise ImportError("adapters need peft: pip install 'rdcodec[train]'")


@contextmanager
def old_names():
    """PEFT asks models for what they have renamed, of which they warn."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def check_plain(model):
    """Refuse what is no plain model of transformers: wrappers, and models that hold adapters.

    Raises
    ------
    RdcodecError
    """
    if not isinstance(model, PreTrainedModel):
        raise RdcodecError(f"model: expected one of transformers without a wrapper, got {type(model).__name__}")
    held = next((name for name, module in model.named_modules() if hasattr(module, "lora_A") or hasattr(module, "base_layer")), None)
    if held is not None:
        raise RdcodecError(f"model: expected one without adapters, {held} has one; merge it or unload it first")


def blocks_of(site, part):
    """List of (name in the model, block) of a part.

    Raises
    ------
    RdcodecError
        It has none.
    """
    blocks = {"tail": site.blocks[site.layer :], "head": site.blocks[: site.layer], "both": site.blocks}[part]
    if not blocks:
        side, expected = ("behind", "head") if site.is_last else ("before", "tail")
        raise RdcodecError(f"part: expected {expected!r} at layer {site.layer}, {side} which there are no blocks, got {part!r}")
    names = {id(module): name for name, module in site.model.named_modules()}
    return [(names[id(block)], block) for block in blocks]


def block_weights(site, part):
    """dict of name in the model to parameter: all weights of a part's blocks."""
    return {f"{name}.{own}": weight for name, block in blocks_of(site, part) for own, weight in block.named_parameters()}


@contextmanager
def adapted(site, settings):
    """A model with adapters in the blocks of a part; those of the same settings begin with the same weights.

    Yields
    ------
    peft.PeftModel
        Around the model, which holds the adapters from here on; after an error it is as it was.
    """
    required = [(parameter, parameter.requires_grad) for parameter in site.model.parameters()]
    tuned = _with_adapters(site, settings)
    try:
        yield tuned
    except BaseException:
        tuned.unload()
        vars(site.model).pop("peft_config", None)
        for parameter, was_required in required:
            parameter.requires_grad_(was_required)
        raise


def _with_adapters(site, settings):
    from peft import LoraConfig, get_peft_model

    layers = adapted_layers(site, settings)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        target_modules=list(layers),
        fan_in_fan_out=any(isinstance(layer, Conv1D) for layer in layers.values()),
    )
    with torch.random.fork_rng(), old_names():
        torch.manual_seed(settings.seed)
        return get_peft_model(site.model, config)


def adapted_layers(site, settings):
    """dict of name in the model to layer: the linear layers of a part that get adapters.

    Raises
    ------
    RdcodecError
        The blocks have none of the names that are asked for.
    """
    linear = {
        f"{name}.{own}": layer
        for name, block in blocks_of(site, settings.part)
        for own, layer in block.named_modules()
        if isinstance(layer, (torch.nn.Linear, Conv1D))
    }
    own_names = {name: name.rpartition(".")[2] for name in linear}
    chosen = {name: layer for name, layer in linear.items() if not settings.targets or own_names[name] in settings.targets}
    if not chosen:
        found = ", ".join(sorted(set(own_names.values())))
        raise RdcodecError(f"targets: expected some of {found}, got {', '.join(settings.targets)}")
    return chosen


@contextmanager
def training_alone(model, weights):
    """Of a model's parameters these alone take gradients; afterwards each does as it did before."""
    before = [(parameter, parameter.requires_grad) for parameter in model.parameters()]
    model.requires_grad_(False)
    for weight in weights:
        weight.requires_grad_(True)
    try:
        yield
    finally:
        for parameter, required in before:
            parameter.requires_grad_(required)

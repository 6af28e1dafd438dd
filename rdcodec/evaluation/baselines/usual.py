"""The usual ways to send hidden states."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.evaluation.baselines.states import fit_states, spread_of
from rdcodec.evaluation.protocol import Setting
from rdcodec.splits import find_site

if TYPE_CHECKING:
    import torch

    from rdcodec.codecs import Codec
    from rdcodec.types import Model

__all__ = ["baseline_settings"]

GROUP = 32
FIT_TOKENS = 4096
# Steps of the global-step codec, in robust standard deviations of the hidden state.
STEPS = (0.5, 1.0, 1.5, 2.0)


def baseline_settings(model: Model, layer: int, fit_inputs: torch.Tensor) -> list[Setting]:
    """Settings of every usual baseline at a layer, those that come with the installed packages.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
        Split point.
    fit_inputs : torch.Tensor
        Inputs as for `evaluate`, int64 [windows, tokens] or images, that nothing is measured on; the global-step codec's
        tables are fitted to some 4,096 of their tokens. With no inputs that codec is left out.

    Returns
    -------
    list of Setting

    Raises
    ------
    RdcodecError
        The architecture is unknown, or the layer is out of range.
    """
    channels = find_site(model, layer).channels
    codecs: dict[str, Codec] = {"fp16": RawCodec(channels), "bf16": RawCodec(channels, "bfloat16")}
    compressions = ["zlib", *(["zstd"] if importlib.util.find_spec("zstandard") else [])]
    for dtype, name in (("float16", "fp16"), ("bfloat16", "bf16")):
        codecs.update({f"{name} + {compression}": RawCodec(channels, dtype, compression) for compression in compressions})
    codecs.update({f"int{bits} a token": IntegerCodec(channels, bits) for bits in (8, 6, 4)})
    group = min(GROUP, channels)
    codecs.update({f"int{bits} in groups of {group}": IntegerCodec(channels, bits, group) for bits in (8, 6, 4)})
    codecs["MXFP4"] = MXFP4Codec(channels)
    settings = [Setting(name, codec, layer=layer) for name, codec in codecs.items()]
    if len(fit_inputs):
        h = fit_states(model, layer, fit_inputs, FIT_TOKENS).reshape(-1, channels)
        steps = {step: GlobalStepCodec.fit(h, step * spread_of(h)) for step in STEPS}
        settings += [Setting("global step + rANS", codec, layer=layer, variant=f"step {step}") for step, codec in steps.items()]
    return settings

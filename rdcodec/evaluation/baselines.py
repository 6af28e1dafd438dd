"""What there is to compare with: the usual ways to send hidden states, all under the contract of `Codec`."""

import importlib.util

import numpy as np
import torch

from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.evaluation.protocol import Setting
from rdcodec.splits import find_site, head_states

__all__ = ["baseline_settings"]

GROUP = 32
FIT_WINDOWS = 8
# Steps of the global-step codec, in robust standard deviations of the hidden state.
STEPS = (0.5, 1.0, 1.5, 2.0)
SPREAD_PER_MEDIAN = 1.4826  # standard deviation of a normal variable over the median of its magnitude


def baseline_settings(model, layer, fit_windows):
    """Settings of every baseline at a layer, those that come with the installed packages.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
        Split point.
    fit_windows : torch.Tensor
        int64 [windows, tokens] that nothing is measured on, up to 8 are used; the global-step codec's tables are fitted
        to them. With no windows that codec is left out.

    Returns
    -------
    list of Setting
    """
    channels = find_site(model, layer).channels
    codecs = {"fp16": RawCodec(channels), "bf16": RawCodec(channels, "bfloat16")}
    compressions = ["zlib", *(["zstd"] if importlib.util.find_spec("zstandard") else [])]
    for dtype, name in (("float16", "fp16"), ("bfloat16", "bf16")):
        codecs.update({f"{name} + {compression}": RawCodec(channels, dtype, compression) for compression in compressions})
    codecs.update({f"int{bits} a token": IntegerCodec(channels, bits) for bits in (8, 6, 4)})
    codecs.update({f"int{bits} in groups of {GROUP}": IntegerCodec(channels, bits, GROUP) for bits in (8, 6, 4)})
    codecs["MXFP4"] = MXFP4Codec(channels)
    settings = [Setting(name, layer, codec) for name, codec in codecs.items()]
    if len(fit_windows):
        h = _spread_states(model, layer, fit_windows)
        spread = SPREAD_PER_MEDIAN * float(np.median(np.abs(h - np.median(h))))
        settings += [Setting("global step + rANS", layer, GlobalStepCodec.fit(h, step * spread)) for step in STEPS]
    return settings


def _spread_states(model, layer, windows):
    """float32 [tokens, channels] of windows spread evenly over those given."""
    chosen = np.unique(np.linspace(0, len(windows) - 1, FIT_WINDOWS).round().astype(int))
    states = [head_states(model, layer, windows[i : i + 1])[0] for i in chosen]
    return torch.cat(states).float().numpy()

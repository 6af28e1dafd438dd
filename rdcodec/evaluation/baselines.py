"""What there is to compare with: the usual ways to send hidden states, all under the contract of `Codec`."""

import importlib.util

import numpy as np
import torch

from rdcodec.calibration.inputs import input_states
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.evaluation.protocol import Setting
from rdcodec.modes import evaluating
from rdcodec.splits import find_site

__all__ = ["baseline_settings"]

GROUP = 32
FIT_TOKENS = 4096
# Steps of the global-step codec, in robust standard deviations of the hidden state.
STEPS = (0.5, 1.0, 1.5, 2.0)
SPREAD_PER_MEDIAN = 1.4826  # standard deviation of a normal variable over the median of its magnitude


def baseline_settings(model, layer, fit_inputs):
    """Settings of every baseline at a layer, those that come with the installed packages.

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
    """
    channels = find_site(model, layer).channels
    codecs = {"fp16": RawCodec(channels), "bf16": RawCodec(channels, "bfloat16")}
    compressions = ["zlib", *(["zstd"] if importlib.util.find_spec("zstandard") else [])]
    for dtype, name in (("float16", "fp16"), ("bfloat16", "bf16")):
        codecs.update({f"{name} + {compression}": RawCodec(channels, dtype, compression) for compression in compressions})
    codecs.update({f"int{bits} a token": IntegerCodec(channels, bits) for bits in (8, 6, 4)})
    group = min(GROUP, channels)
    codecs.update({f"int{bits} in groups of {group}": IntegerCodec(channels, bits, group) for bits in (8, 6, 4)})
    codecs["MXFP4"] = MXFP4Codec(channels)
    settings = [Setting(name, layer, codec) for name, codec in codecs.items()]
    if len(fit_inputs):
        h = _spread_states(model, layer, fit_inputs)
        # Half of the values behind a ReLU may be 0: their median says nothing then.
        spread = SPREAD_PER_MEDIAN * float(np.median(np.abs(h - np.median(h)))) or float(h.std())
        settings += [Setting("global step + rANS", layer, GlobalStepCodec.fit(h, step * spread)) for step in STEPS]
    return settings


def _spread_states(model, layer, inputs):
    """float32 [tokens, channels] of inputs spread evenly over those given."""
    with evaluating(model):
        count = -(-FIT_TOKENS // input_states(model, layer, inputs[:1]).shape[1])
        chosen = np.unique(np.linspace(0, len(inputs) - 1, count).round().astype(int))
        states = [input_states(model, layer, inputs[i : i + 1])[0] for i in chosen]
    return torch.cat(states).float().numpy()

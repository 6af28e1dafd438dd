"""Published methods, each over its settings (docs/baselines.md)."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from rdcodec.codecs import GlobalStepCodec, IntegerCodec
from rdcodec.evaluation.baselines.codebook import CodebookCodec
from rdcodec.evaluation.baselines.fourier import FourierCodec
from rdcodec.evaluation.baselines.kvtc import ComponentPlan, KVTCCodec
from rdcodec.evaluation.baselines.packages import ZfpCodec, ZipNNCodec
from rdcodec.evaluation.baselines.residual import ResidualCodec
from rdcodec.evaluation.baselines.rotation import HadamardCodec
from rdcodec.evaluation.baselines.sparse import SparseCodec
from rdcodec.evaluation.baselines.states import fit_states, spread_of
from rdcodec.evaluation.baselines.tokenwise import TokenwiseCodec
from rdcodec.evaluation.protocol import Setting
from rdcodec.splits import find_site

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from rdcodec.types import Model

__all__ = ["published_settings"]

FIT_TOKENS = 12_288


def published_settings(
    model: Model, layer: int, fit_inputs: torch.Tensor, left_out: Callable[[str], object] | None = None
) -> list[Setting]:
    """Settings of every published method at a layer.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
        Split point.
    fit_inputs : torch.Tensor
        Inputs as for `evaluate`, int64 [windows, tokens] or images, that nothing is measured on; methods that fit anything are fitted to some 12,288 of their
        tokens. With no inputs these methods are left out.
    left_out : callable, optional
        Called with a line that says what to install, for each method whose package is missing.

    Returns
    -------
    list of Setting
        Those of one method have one name and differ in their `variant`.

    Raises
    ------
    RdcodecError
        The architecture is unknown, or the layer is out of range.
    """
    channels = find_site(model, layer).channels
    settings = _made(layer, [_zipnn, _codebook, _integers, _residual, _sparse, _fourier], channels, left_out)
    if len(fit_inputs):
        states = fit_states(model, layer, fit_inputs, FIT_TOKENS)
        settings += _made(layer, [_global_step, _zfp, _tokenwise, _hadamard, _kvtc], states, left_out)
    return settings


def _made(layer, makers, argument, left_out):
    settings = []
    for maker in makers:
        try:
            settings += [Setting(method, codec, layer=layer, variant=variant) for method, variant, codec in maker(argument)]
        except ImportError as error:
            if left_out is not None:
                left_out(f"left out: {error}")
    return settings


def _zipnn(channels):
    for dtype, name in (("float16", "fp16"), ("bfloat16", "bf16")):
        yield f"{name} + ZipNN", "", ZipNNCodec(channels, dtype)


def _codebook(channels):
    for kind in ("uniform", "quantile"):
        yield f"hivemind {kind} 8 bit", "", CodebookCodec(channels, kind)


def _integers(channels):
    for bits, group in [(3, 16), *product((4, 5), (16, 32, 64)), (6, 64)]:
        if group <= channels:
            yield "integers in groups", f"{bits} bits, groups of {group}", IntegerCodec(channels, bits, group)


def _residual(channels):
    for bits, group in product((3, 4, 5), (32, 64, 128)):
        if group <= max(channels, 32):
            yield "earlier token + integers (RAC)", f"{bits} bits, groups of {group}", ResidualCodec(channels, bits, group)


def _sparse(channels):
    for bits in (6, 7, 8, 9, 10):
        yield "integers + CSR + rANS", f"{bits} bits", SparseCodec(channels, bits)


def _fourier(channels):
    for share in (0.9, 0.95, 0.98, 1.0):
        yield "FFT low-pass", f"{share} along channels", FourierCodec(channels, share)
    for share in (0.95, 0.98):
        yield "FFT low-pass", f"{share} along tokens", FourierCodec(channels, 1.0, share)


def _global_step(states):
    """Steps between the usual ones and below."""
    h = states.reshape(-1, states.shape[2])
    for step in (0.4, 0.7, 1.2):
        yield "global step + rANS", f"step {step}", GlobalStepCodec.fit(h, step * spread_of(states))


def _zfp(states):
    spread = spread_of(states)
    for times in (1.4, 2, 2.6, 3.4, 4.6):
        yield "zfp", f"tolerance {times}", ZfpCodec(states.shape[2], times * spread)


def _tokenwise(states):
    spread = spread_of(states)
    for tolerance, threshold in product((0.15, 0.2, 0.3, 0.4, 0.6), (5, 10)):
        variant = f"tolerance {tolerance}, apart {threshold}"
        yield "token-wise bits + rANS", variant, TokenwiseCodec(states.shape[2], tolerance * spread, threshold * spread)


def _hadamard(states):
    h = states.reshape(-1, states.shape[2])
    for levels in (5, 7, 9, 12, 16, 24):
        yield "Hadamard + Lloyd-Max + rANS", f"{levels} levels", HadamardCodec(h, levels)
    for price in (0.01, 0.03, 0.1):
        yield "Hadamard + Lloyd-Max + rANS", f"64 levels, {price} a bit", HadamardCodec(h, 64, price)


def _kvtc(states):
    channels = states.shape[2]
    shares = {("frame", 0): (2, 2.5, 3, 3.5, 4, 4.5, 5), ("frame", 1): (3, 4), ("token", 0): (2.5, 3, 3.5, 4)}
    for (scope, sinks), bits in shares.items():
        plan = ComponentPlan(states[:, sinks:].reshape(-1, channels), scope, int(bits[-1] * channels))
        for each in bits:
            variant = f"{each} bits, scales a {scope}, {sinks} sinks"
            yield "PCA + bits by DP + deflate (KVTC)", variant, KVTCCodec(plan, int(each * channels), sinks)

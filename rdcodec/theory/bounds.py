"""How far the rate of a codec at a layer is from what entropy allows: bounds of both, with error bars."""

from __future__ import annotations

import lzma
import math
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec.calibration.inputs import input_states
from rdcodec.codecs import IntegerCodec
from rdcodec.codecs.learned import LearnedCodec
from rdcodec.errors import RdcodecError
from rdcodec.estimators import (
    Estimate,
    certify,
    cross_entropy_bound,
    gaussian_entropy_bound,
    log_det_covariance,
    occam_bound,
    pac_bound,
    rademacher_complexity,
    spectral_norm,
)
from rdcodec.estimators.cross_entropy import LEAST_WINDOWS
from rdcodec.estimators.samples import DELTA
from rdcodec.evaluation.bootstrap import independent_error, mean_error
from rdcodec.evaluation.losses import output_losses
from rdcodec.modes import evaluating
from rdcodec.progress import ProgressLines
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import check_codec
from rdcodec.stream import read_frame
from rdcodec.theory.entropy_jacobian import entropy_norm
from rdcodec.theory.family import family_bound
from rdcodec.theory.jacobian import head_norm

if TYPE_CHECKING:
    from rdcodec.codecs import LearnedCodec, TransformCodec
    from rdcodec.types import Model, Progress

__all__ = ["LayerBounds", "description_bits", "fallback_rate", "layer_bounds", "token_entropy_bound"]

DRAWS = 1000  # of signs
FALLBACK_BITS = 4  # an element


@dataclass(frozen=True)
class LayerBounds:
    """What is known of a codec's rate at a layer. Rates and entropies are in bits a token.

    Attributes
    ----------
    method : str
    layer : int
        Split point.
    quality : int
    windows, tokens : int
        Measured: texts or images, each coded on its own, and tokens in all.
    rate : Estimate
        Real bytes, frames' headers included; the error is over windows. terms: "design_effect", by how much its square differs from
        that of independent windows.
    certificate : Estimate
        Bound on the true rate of the codec that sends 4-bit integers where those take less, see `fallback_rate`, which this codec
        does not do. It is a bound on this codec's rate too as long as no window takes more; where some do, that rate has no
        bound.
    clipped : int
        Windows that took more than the fallback.
    symbol_entropy : Estimate
        Bound on the entropy of a window's symbols, in expectation: cross-entropy on a quarter of the windows or more under models
        that were fitted to the others.
    gaussian_entropy : Estimate
        What a Gaussian of a token's symbols' covariance has, whatever the tokens before it. The covariance is that of these very
        windows, so this is an estimate and no bound.
    token_entropy : Estimate or None
        The model's own negative log-likelihood, for language models: a deterministic causal model makes Y of the tokens, so that
        H(Y) <= H(tokens) <= this.
    gap : Estimate
        Rate minus entropy: the value, and the low end of the interval, are of the least bound on the entropy, and 0 where that is
        above the rate; the high end is the rate, for no entropy is below 0. terms, as far as it can be taken apart: "container",
        of frames' headers and checksums; "models", what the models of `symbol_entropy` pay less than the codec's payload, below 0
        where they pay more; for language models "text", by how much the lesser of both is above `token_entropy`, for what is sent
        follows from the text. Rounding to integers, training and the family's own limits are in "models" and cannot be told apart
        from a checkpoint.
    complexity : Estimate
        Rademacher complexity of linear functionals of a window's levels, over the l1-ball.
    complexity_l2 : Estimate
        The same over the l2-ball.
    log_det : Estimate
        Log-determinant of the covariance of a token's levels, in bits.
    state_log_det : Estimate
        The same of a token's state, before the codec has a say.
    analysis_norm : Estimate
        Spectral norm of the map from states to levels, levels for a unit of the state.
    head_norm : Estimate
        Spectral norm of the Jacobian of the blocks before the split point, at the first window.
    entropy_norm : Estimate
        Spectral norm of the Jacobian of the levels' code lengths, at the first window, in bits for half a quantisation step.
    level_slope : float
        Lipschitz constant of the code length by a level, in bits.
    pac : Estimate
        How far, with probability 1 - delta, the code length of any model of a class is from its mean over these windows: models
        that predict each level of a window by a linear functional of its levels in the l1-ball and pay `level_slope` for a level
        of error at most, clipped to the rate of `fallback_rate`. Not of this codec, for which the certificate is enough.
    family : Estimate or None
        The same for the codec's own family, where it has networks: all of their layout in balls of norms that are measured from
        these, see `network_family`.
    occam : Estimate
        Bound on the true rate of any codec whose checkpoint takes no more bits than this one's, were it chosen by these windows.
    """

    method: str
    layer: int
    quality: int
    windows: int
    tokens: int
    rate: Estimate
    certificate: Estimate
    clipped: int
    symbol_entropy: Estimate
    gaussian_entropy: Estimate
    token_entropy: Estimate | None
    gap: Estimate
    complexity: Estimate
    complexity_l2: Estimate
    log_det: Estimate
    state_log_det: Estimate
    analysis_norm: Estimate
    head_norm: Estimate
    entropy_norm: Estimate
    level_slope: float
    pac: Estimate
    family: Estimate | None
    occam: Estimate


def fallback_rate(channels, tokens):
    """Bits a token, frames included, that a codec never exceeds if it sends 4-bit integers with a scale a token where its own frame
    of so many tokens is longer. What tells the two apart, a bit a frame, is not counted.
    """
    h = np.zeros((tokens, channels), np.float32)
    return 8 * len(IntegerCodec(channels, FALLBACK_BITS).encoder().encode(h)) / tokens


def description_bits(codec):
    """Bits that describe a codec: its checkpoint, compressed by LZMA, and twice the logarithm of the length for a code without
    prefixes."""
    with TemporaryDirectory() as folder:
        codec.save_pretrained(folder)
        content = b"".join(path.read_bytes() for path in sorted(Path(folder).iterdir()))
    size = 8 * len(lzma.compress(content, preset=1))
    return size + 2 * math.ceil(math.log2(size + 1)) + 1


def token_entropy_bound(model: Model, inputs: torch.Tensor, population: int | None = None) -> Estimate:
    """Upper bound on the entropy of tokens: the model's own negative log-likelihood, in bits a token.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model; in evaluation mode for the time of the measuring.
    inputs : torch.Tensor
        int64 [windows, tokens], at least 2 windows; the first token of a window counts with the logarithm of the vocabulary.
    population : int, optional
        As `layer_bounds` takes it.

    Returns
    -------
    Estimate
        Its error is over windows.

    Raises
    ------
    RdcodecError
        There are fewer than 2 windows.
    """
    if len(inputs) < 2:
        raise RdcodecError(f"inputs: expected at least 2 windows, the independent units, got {len(inputs)}")
    model, size = unwrapped(model), inputs.shape[1]
    first = math.log2(model.get_output_embeddings().weight.shape[0])
    nats = []
    with torch.no_grad(), evaluating(model):
        for one in inputs:
            logits = model(input_ids=one[None]).logits[0, :-1]
            nats.append(float(output_losses(logits, logits, one[1:]).nll.mean()))
    return _over_windows((first + np.array(nats) / math.log(2) * (size - 1)) / size, population)


def layer_bounds(
    model: Model,
    inputs: torch.Tensor,
    method: str,
    codec: TransformCodec | LearnedCodec,
    quality: int | None = None,
    token_entropy: Estimate | None = None,
    delta: float = DELTA,
    progress: Progress | None = None,
    population: int | None = None,
) -> LayerBounds:
    """Bounds on the rate of a codec at its layer, on inputs that it was not fitted to. Only the blocks before the layer run.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture; in evaluation mode for the time of the measuring.
    inputs : torch.Tensor
        int64 [windows, tokens], or float32 [images, channels, height, width]; at least 4, the independent units.
    method : str
        Name of the codec in the result.
    codec : TransformCodec or LearnedCodec
    quality : int, optional
        The codec's default where it is not given.
    token_entropy : Estimate, optional
        As `token_entropy_bound` gives it.
    delta : float
        Probability that each of certificate, PAC bounds and Occam bound fails.
    progress : callable, optional
        (stage, fraction) -> None; without it, a line on stderr now and then.
    population : int, optional
        Number of windows that the inputs were drawn from at random, without replacement: then certificate and errors are about
        the mean over these, whatever their windows have to do with each other. Otherwise the certificate takes inputs to be
        independent, and errors take them for neighbours in a text.

    Returns
    -------
    LayerBounds

    Raises
    ------
    RdcodecError
        The codec has no symbols or other channels than the model, an argument is out of range, or the quality is so low that
        all tokens have the same levels.
    """
    if not hasattr(codec, "symbols"):
        raise RdcodecError(f"codec: expected a transform codec or a learned one, got family {codec.family!r}")
    check_codec(model, codec.layer, codec)
    if len(inputs) < LEAST_WINDOWS:
        raise RdcodecError(f"inputs: expected at least {LEAST_WINDOWS} windows, the independent units, got {len(inputs)}")
    quality = codec.default_quality if quality is None else quality
    norm = head_norm(model, codec.layer, inputs[0])  # first: it may be refused
    rates, container, states, side, levels = _coded(model, inputs, codec, quality, progress or ProgressLines())
    windows, tokens, components = levels.shape
    if not np.ptp(levels.reshape(-1, components), axis=0).any():
        raise RdcodecError(f"quality: expected one at which levels differ between tokens, got {quality}, for codec {codec!r}")
    cap = fallback_rate(codec.channels, tokens)
    flat, slope = levels.reshape(windows, -1).astype(np.float64), codec.level_slope
    balls = {ball: rademacher_complexity(flat, ball, draws=DRAWS) for ball in ("l1", "l2")}
    clipped = np.minimum(rates, cap)
    by_token = levels.reshape(windows * tokens, -1).astype(np.float64)
    rate, symbol_entropy = _over_windows(rates, population), cross_entropy_bound(np.concatenate([side, levels], axis=2))
    return LayerBounds(
        method=method,
        layer=codec.layer,
        quality=quality,
        windows=windows,
        tokens=windows * tokens,
        rate=rate,
        certificate=certify(clipped, cap, delta, population=population),
        clipped=int((rates > cap).sum()),
        symbol_entropy=symbol_entropy,
        gaussian_entropy=_gaussian_entropy(by_token, side.reshape(windows * tokens, -1).astype(np.float64)),
        token_entropy=token_entropy,
        gap=_gap(rate, container, symbol_entropy, token_entropy),
        complexity=balls["l1"],
        complexity_l2=balls["l2"],
        log_det=log_det_covariance(by_token),
        state_log_det=log_det_covariance(states),
        analysis_norm=spectral_norm(codec.level_map(quality)),
        head_norm=norm,
        entropy_norm=entropy_norm(codec, states[:tokens], quality),
        level_slope=slope,
        # each of a window's levels has a functional of its own: the complexity of their sum is at most the sum of theirs
        pac=pac_bound(balls["l1"], cap, windows, delta, lipschitz=slope * components),
        family=family_bound(codec, quality, cap, windows, delta) if isinstance(codec, LearnedCodec) else None,
        occam=occam_bound(clipped.mean(), cap, description_bits(codec), windows, delta),
    )


def _coded(model, inputs, codec, quality, report):
    """Bits a token [windows], those of them outside frames' payloads, states [all tokens, channels], and symbols [windows, tokens,
    ...] of what windows are coded to."""
    rates, container, states, side, levels = [], [], [], [], []
    for number, one in enumerate(inputs):
        with evaluating(model):
            h = input_states(model, codec.layer, one[None])[0].float().numpy()
        frame = codec.encoder(quality).encode(h)
        rates.append(8 * len(frame) / len(h))
        container.append(8 * (len(frame) - len(read_frame(frame).payload)) / len(h))
        states.append(h)
        of_window = codec.symbols(h, quality)
        side.append(of_window[0])
        levels.append(of_window[1])
        report(f"layer {codec.layer}", (number + 1) / len(inputs))
    return np.array(rates), float(np.mean(container)), np.concatenate(states), np.stack(side), np.stack(levels)


def _gaussian_entropy(levels, side):
    """The levels' plus that of each kind of side symbol: H(A, B) <= H(A) + H(B). In one covariance, the numbers of codewords, which are
    large, would inflate the shrunk variance of everything else."""
    bounds = [gaussian_entropy_bound(levels), *(gaussian_entropy_bound(kind[:, None]) for kind in side.T)]
    low, high = (sum(bound.interval[end] for bound in bounds) for end in (0, 1))
    error = sum(bound.error for bound in bounds)  # no more than that, whatever they have to do with each other
    return Estimate(sum(bound.value for bound in bounds), error, (low, high), "bits", len(levels))


def _over_windows(values, population):
    """The mean with its standard error: over all windows of a population, or of the law that neighbouring ones are from."""
    windows = len(values)
    found = mean_error(values) if population is None else independent_error(values)
    effect = found.design_effect if population is None else 1 - windows / population
    error = found.error if population is None else found.error * math.sqrt(effect)
    return Estimate.student(values.mean(), error, found.freedom, "bits", windows, design_effect=effect)


def _gap(rate, container, symbols, tokens):
    """Never below 0: on average no code is shorter than the entropy."""
    bounds = [bound for bound in (symbols, tokens) if bound is not None]
    least = rate.value - min(bound.value for bound in bounds)
    low = rate.interval[0] - min(bound.interval[1] for bound in bounds)
    payload = rate.value - container
    terms = {"container": container, "models": payload - symbols.value}
    if tokens is not None:
        terms["text"] = min(payload, symbols.value) - tokens.value
    return Estimate(max(least, 0.0), None, (max(low, 0.0), rate.interval[1]), "bits", rate.samples, terms)

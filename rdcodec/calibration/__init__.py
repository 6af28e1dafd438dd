"""Calibration: a `TransformCodec` in closed form from a model and its inputs, without training."""

import torch

from rdcodec.calibration.fit import Statistics, fit_codec
from rdcodec.calibration.gradients import check_gradients
from rdcodec.calibration.inputs import check_one_input, input_states
from rdcodec.calibration.output import sampled_gradients
from rdcodec.calibration.tune import HeldOut, rate_at_target
from rdcodec.calibration.windows import batches, cut_inputs, cut_windows, default_tokens, windows_of
from rdcodec.calibration.words import position_words, vocabulary_words
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.splits import find_site, unwrapped
from rdcodec.splits.fingerprint import origin_of

__all__ = ["calibrate", "calibrate_inputs", "default_tokens"]

GRADIENT_TOKENS = 8192  # about, at most: more change the metric no further
SAMPLES = 2  # of each output distribution
ALPHAS = (0.7, 0.5)
SHRINKAGES = (0.05, 0.15)
INWARDS = ((0, 0), (2, 0))  # of the points 1 and 2, in sixteenths of half a step
START_QUALITY = 0
DEFAULT_TARGET = 0.02  # nats
SEED = 19


def calibrate(model, tokenizer, texts, layer, tokens=None, target_kl=None, progress=None):
    """Fit a codec for the hidden states that enter block `layer` of a model.

    The transform is the Karhunen-Loeve transform in a metric between squared error and the Fisher information of the model's
    own output; the codebook of words, the predictor of each token's step and the frequency tables are fitted to the same
    tokens. The metric's strength and shrinkage and the reconstruction points are those of least loss, and the default quality
    that of the target loss, on windows that nothing is fitted to.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With an output head over a vocabulary, in evaluation mode. An encoder and a decoder are given the same text.
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : list of str
    layer : int
        Split point, 0 to n_layers - 1.
    tokens : int, optional
        To fit; a sixth as many, at most four windows of 512, are held out besides. As many as `default_tokens` says where it is
        not given, more where states are wider, or all there are.
    target_kl : float, optional
        Loss in nats a token, KL(uncompressed || compressed), that the default quality keeps; 0.02 where not given.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1.

    Returns
    -------
    TransformCodec

    Raises
    ------
    RdcodecError
        The architecture is unknown, the model has no output head or takes something else beside the texts, the layer is out of range,
        or the texts are too short.
    """
    target = _checked_target(target_kl)
    model = unwrapped(model)
    channels = find_site(model, layer).channels
    check_one_input(model)
    if tokens is not None and tokens < 1:
        raise RdcodecError(f"tokens: expected at least 1, got {tokens}")
    windows = cut_windows(model, tokenizer, texts, tokens or default_tokens(channels), or_all=tokens is None)

    def words(states, report):
        return vocabulary_words(model, layer, windows.fit, windows.counts, report)

    return _calibrated(model, layer, windows.fit, windows.held_out, words, target, progress)


def calibrate_inputs(model, inputs, layer, target_kl=None, progress=None):
    """Fit a codec for the hidden states that enter block `layer` of a classifier, as `calibrate` does, from inputs of any kind.

    There is no vocabulary: words are the mean states of the first token (a class token is the first) and of the others.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a classifier, in evaluation mode.
    inputs : torch.Tensor
        [inputs, ...], what the model takes as its main input: float32 [images, channels, height, width] for models of images,
        as preprocessed for them. A seventh, at most 128, is held out.
    layer : int
        Split point, 0 to n_layers - 1.
    target_kl : float, optional
        Loss in nats an input, KL(uncompressed || compressed) of the distribution over classes, that the default quality keeps;
        0.02 where not given.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1.

    Returns
    -------
    TransformCodec

    Raises
    ------
    RdcodecError
        The architecture is unknown, the model has no classifier, the layer is out of range, or there are fewer than 4 inputs.
    """
    target = _checked_target(target_kl)
    model = unwrapped(model)
    find_site(model, layer)
    check_one_input(model)
    fit, held_out = cut_inputs(inputs)
    return _calibrated(model, layer, fit, held_out, lambda states, report: position_words(*states.shape[:2]), target, progress)


def _checked_target(target_kl):
    target = DEFAULT_TARGET if target_kl is None else float(target_kl)
    if not target > 0:
        raise RdcodecError(f"target_kl: expected more than 0 nats, got {target_kl}")
    return target


def _calibrated(model, layer, fit, held_out, words, target, progress):
    """A codec from inputs to fit and to choose settings by; ``words(states, report)`` makes the `Words` of the former."""
    report = progress or (lambda stage, fraction: None)
    check_gradients(model, layer, fit)
    with frozen(model):
        statistics = _measure(model, layer, fit, words, report)
        held_out = HeldOut(model, layer, _states(model, layer, held_out, "held-out states", report), held_out)
        codec, quality = _choose(statistics, held_out, target, report)
    codec.default_quality = quality
    codec.origin = origin_of(model, layer)
    return codec


def _measure(model, layer, fit, words, report):
    """`Statistics` of the inputs to fit."""
    states = _states(model, layer, fit, "hidden states", report)
    generator = torch.Generator().manual_seed(SEED)
    gradients, parts = [], batches(states[: windows_of(GRADIENT_TOKENS, states)], fit)
    for i, (part, inputs) in enumerate(parts):
        gradients.append(sampled_gradients(model, layer, part, SAMPLES, generator, inputs))
        report("gradients", (i + 1) / len(parts))
    return Statistics(layer, states.float().numpy(), torch.cat(gradients, dim=1).numpy(), words(states, report))


def _choose(statistics, held_out, target, report):
    """The codec of least rate at the target loss, and its quality: strength first, then shrinkage, then reconstruction points.

    Candidates are compared at one quality near the target, by the rate that each would have at the target itself.
    """
    setting = {"alpha": ALPHAS[0], "shrinkage": SHRINKAGES[0], "inward": INWARDS[0]}
    trials = [("alpha", a) for a in ALPHAS[1:]] + [("shrinkage", s) for s in SHRINKAGES[1:]] + [("inward", i) for i in INWARDS[1:]]
    parts = len(trials) + 2
    codec = fit_codec(statistics, **setting)
    quality, points = held_out.quality_at(codec, target, START_QUALITY, lambda f: report("settings", f / parts))
    least = min(rate_at_target(point, target, codec.channels) for point in points if point[0] == quality)
    for i, (name, value) in enumerate(trials):
        report("settings", (i + 1) / parts)
        candidate = fit_codec(statistics, **{**setting, name: value})
        rate = rate_at_target((quality, *held_out.measure(candidate, quality)), target, codec.channels)
        if rate < least:
            least, codec, setting = rate, candidate, {**setting, name: value}
    report("settings", 1 - 1 / parts)
    quality, _ = held_out.quality_at(codec, target, quality, lambda f: None)
    report("settings", 1.0)
    return codec, quality


def _states(model, layer, inputs, stage, report):
    states = []
    for i, one in enumerate(inputs):
        states.append(input_states(model, layer, one[None])[0])
        report(stage, (i + 1) / len(inputs))
    return torch.stack(states)

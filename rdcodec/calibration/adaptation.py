"""Adaptation: a codec that was fitted to other text, fitted on to a user's own."""

import copy
import math

from rdcodec.calibration.choice import checked_target, choose, measure, states_of
from rdcodec.calibration.gradients import check_gradients
from rdcodec.calibration.inputs import check_one_input
from rdcodec.calibration.prior import Prior
from rdcodec.calibration.refit import refitted
from rdcodec.calibration.tune import HeldOut, rate_at_target
from rdcodec.calibration.windows import cut_windows, default_tokens
from rdcodec.calibration.words import vocabulary_words
from rdcodec.codecs.front import FrontCodec
from rdcodec.codecs.transform import TransformCodec
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import check_codec, origin_of

__all__ = ["adapt"]

PRIOR_TOKENS = (500, 2000, 8000)


def adapt(codec, model, tokenizer, texts, tokens=None, target_kl=None, progress=None):
    """Fit a codec to texts of another kind than those that it was made from.

    Of a `TransformCodec` all closed forms are fitted again; what the old metric and covariance say counts as some tokens beside
    the new ones, or as none. Of a learned codec its networks stay; scales of components and frequency tables are fitted again.
    Whatever has the least rate at the target loss on windows held out of the texts is returned, be it the codec as it was.

    Parameters
    ----------
    codec : TransformCodec or LearnedCodec
    model : transformers.PreTrainedModel
        That the codec was fitted to, in evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : list of str
    tokens : int, optional
        As for `calibrate`.
    target_kl : float, optional
        As for `calibrate`.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1.

    Returns
    -------
    Codec
        Of the same family and layer, with the default quality that keeps the target loss.

    Raises
    ------
    RdcodecError
        The codec is of a family that is not fitted to hidden states, or does not fit the model; and as for `calibrate`.

    Warns
    -----
    ModelMismatchWarning
        The codec was fitted to another model.
    """
    if not isinstance(codec, FrontCodec):
        raise RdcodecError(f"codec: expected one that calibration or training made, got one of family {codec.family!r}")
    if tokens is not None and tokens < 1:
        raise RdcodecError(f"tokens: expected at least 1, got {tokens}")
    target, report = checked_target(target_kl), progress or (lambda stage, fraction: None)
    model = unwrapped(model)
    check_codec(model, codec.layer, codec)
    check_one_input(model)
    windows = cut_windows(model, tokenizer, texts, tokens or default_tokens(codec.channels), or_all=tokens is None)
    if isinstance(codec, TransformCodec):
        check_gradients(model, codec.layer, windows.fit)
    with frozen(model):
        held_out = states_of(model, codec.layer, windows.held_out, "held-out states", report)
        held_out = HeldOut(model, codec.layer, held_out, windows.held_out)
        adapted, quality = _best(codec, model, windows, held_out, target, report)
    adapted.default_quality = quality
    adapted.origin = origin_of(model, codec.layer)
    return adapted


def _best(codec, model, windows, held_out, target, report):
    """The codec of least rate at the target, and its quality."""
    layer = codec.layer

    def words(states, report):
        return vocabulary_words(model, layer, windows.fit, windows.counts, report)

    if isinstance(codec, TransformCodec):
        statistics = measure(model, layer, windows.fit, words, report)
        states = statistics.states
    else:
        states = states_of(model, layer, windows.fit, "hidden states", report).float().numpy()
    candidates = [copy.copy(codec), refitted(codec, states, lambda f: report("tables", f))]
    if isinstance(codec, TransformCodec):
        priors = [Prior(codec, tokens) for tokens in PRIOR_TOKENS]
        candidates.append(choose(statistics, held_out, target, report, priors)[0])
    return min((_rated(candidate, held_out, target) for candidate in candidates), key=lambda rated: rated[0])[1:]


def _rated(codec, held_out, target):
    """Bits a token at the target loss, the codec and its quality there."""
    quality, points = held_out.quality_at(codec, target, codec.default_quality, lambda fraction: None)
    nearest = min(points, key=lambda point: abs(math.log(max(point[2], 1e-12) / target)))
    return rate_at_target(nearest, target, codec.channels), codec, quality

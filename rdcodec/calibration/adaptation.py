"""Adaptation: a codec that was fitted to other text, fitted on to a user's own."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

from rdcodec.calibration.choice import checked_target, choose, measure, states_of
from rdcodec.calibration.codewords import vocabulary_codewords
from rdcodec.calibration.gradients import check_gradients
from rdcodec.calibration.inputs import check_one_input
from rdcodec.calibration.prior import Prior
from rdcodec.calibration.refit import refitted
from rdcodec.calibration.transforms import is_wide
from rdcodec.calibration.tune import HeldOut, rate_at_target
from rdcodec.calibration.windows import cut_windows, default_tokens
from rdcodec.codecs.transform_coding import TransformCoding
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.progress import ProgressLines
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import check_codec, origin_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.codecs import Codec
    from rdcodec.types import Model, Progress, Tokenizer

__all__ = ["adapt"]

PRIOR_TOKENS = (500, 2000, 8000)


def adapt(
    codec: Codec,
    model: Model,
    tokenizer: Tokenizer,
    texts: str | Sequence[str],
    tokens: int | None = None,
    target_kl: float | None = None,
    progress: Progress | None = None,
) -> Codec:
    """Fit a codec to texts of another kind than those that it was made from.

    Three ways are tried: the codec as it is; with scales of components and frequency tables fitted again; and a calibrated codec with
    all closed forms fitted again, where what the old one's metric and covariance say counts as some tokens beside the new ones, or as
    none. Whichever has the least rate at the target loss on windows held out of the texts is returned.

    Parameters
    ----------
    codec : TransformCodec or LearnedCodec
    model : transformers.PreTrainedModel
        That the codec was fitted to, in evaluation mode.
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : str or list of str
    tokens : int, optional
        As for `calibrate`.
    target_kl : float, optional
        As for `calibrate`.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1; without it, a line on stderr now and then.

    Returns
    -------
    Codec
        Of the same layer, with the default quality that keeps the target loss: of the same family, or a `TransformCodec`. Networks of
        a learned codec are never trained on; on text far from theirs a calibrated codec takes less.

    Raises
    ------
    RdcodecError
        The codec is of a family that is not fitted to hidden states, or does not fit the model; and as for `calibrate`.

    Warns
    -----
    ModelMismatchWarning
        The codec was fitted to another model.
    """
    if not isinstance(codec, TransformCoding):
        raise RdcodecError(f"codec: expected one that calibration or training made, got one of family {codec.family!r}")
    if tokens is not None and tokens < 1:
        raise RdcodecError(f"tokens: expected at least 1, got {tokens}")
    target, report = checked_target(target_kl), progress or ProgressLines()
    model = unwrapped(model)
    check_codec(model, codec.layer, codec)
    check_one_input(model)
    windows = cut_windows(model, tokenizer, texts, tokens or default_tokens(codec.channels), or_all=tokens is None)
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

    def codewords(states, report):
        return vocabulary_codewords(model, codec.layer, windows.fit, windows.counts, report)

    statistics = measure(model, codec.layer, windows.fit, codewords, report)
    priors = [] if is_wide(codec.channels) else [Prior(codec, tokens) for tokens in PRIOR_TOKENS]
    candidates = [
        copy.copy(codec),
        refitted(codec, statistics.states, lambda f: report("tables", f)),
        choose(statistics, held_out, target, report, priors)[0],
    ]
    return min((_rated(candidate, held_out, target) for candidate in candidates), key=lambda rated: rated[0])[1:]


def _rated(codec, held_out, target):
    """Bits a token at the target loss, by the two points nearest to it; the codec and its quality there."""
    quality, points = held_out.quality_at(codec, target, codec.default_quality, lambda fraction: None)
    near = sorted(points, key=lambda point: abs(math.log(max(point[2], 1e-12) / target)))[:2]
    return sum(rate_at_target(point, target, codec.channels) for point in near) / len(near), codec, quality

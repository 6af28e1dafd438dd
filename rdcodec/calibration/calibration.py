"""Codecs of a model from its texts, or from inputs of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rdcodec.calibration.choice import checked_target, choose, measure, states_of
from rdcodec.calibration.codewords import position_codewords, vocabulary_codewords
from rdcodec.calibration.gradients import check_gradients
from rdcodec.calibration.inputs import PaddedTexts, check_one_input, check_padding, kept_of, predicts_tokens, tensors_of
from rdcodec.calibration.tune import HeldOut
from rdcodec.calibration.windows import cut_inputs, cut_windows, default_tokens
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.progress import ProgressLines
from rdcodec.splits import find_site, unwrapped
from rdcodec.splits.fingerprint import origin_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from rdcodec.codecs import TransformCodec
    from rdcodec.types import Model, Progress, Tokenizer

__all__ = ["calibrate", "calibrate_inputs"]


def calibrate(
    model: Model,
    tokenizer: Tokenizer,
    texts: str | Sequence[str],
    layer: int,
    tokens: int | None = None,
    target_kl: float | None = None,
    progress: Progress | None = None,
) -> TransformCodec:
    """Fit a codec for the hidden states that enter block `layer` of a model.

    The transform is the Karhunen-Loeve transform in a metric between squared error and the Fisher information of the model's
    own output; the codebook, the predictor of each token's step and the frequency tables are fitted to the same
    tokens. The metric's strength and shrinkage and the reconstruction points are those of least loss, and the default quality
    that of the target loss, on windows that nothing is fitted to.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With an output head over a vocabulary, in evaluation mode. An encoder and a decoder are given the same text.
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : str or list of str
    layer : int
        Split point, 0 to n_layers, which is the last hidden state.
    tokens : int, optional
        To fit; a sixth as many, at most four windows of 512, are held out besides. As many as `default_tokens` says where it is
        not given, more where states are wider, or all there are.
    target_kl : float, optional
        Loss in nats a token, KL(uncompressed || compressed), that the default quality keeps; 0.02 where not given.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1; without it, a line on stderr now and then.

    Returns
    -------
    TransformCodec

    Raises
    ------
    RdcodecError
        The architecture is unknown, the model has no output head or takes something else beside the texts, the layer is out of range,
        or the texts are too short.
    """
    target = checked_target(target_kl)
    model = unwrapped(model)
    channels = find_site(model, layer).channels
    check_one_input(model)
    if tokens is not None and tokens < 1:
        raise RdcodecError(f"tokens: expected at least 1, got {tokens}")
    windows = cut_windows(model, tokenizer, texts, tokens or default_tokens(channels), or_all=tokens is None)

    def codewords(states, report):
        return vocabulary_codewords(model, layer, windows.fit, windows.counts, report)

    return _calibrated(model, layer, windows.fit, windows.held_out, codewords, target, progress)


def calibrate_inputs(
    model: Model,
    inputs: torch.Tensor | Mapping[str, torch.Tensor],
    layer: int,
    target_kl: float | None = None,
    progress: Progress | None = None,
) -> TransformCodec:
    """Fit a codec for the hidden states that enter block `layer` of a classifier, as `calibrate` does, from inputs of any kind.

    There is no vocabulary: codewords are the mean states of the first token (a class token is the first) and of the others.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With a classifier, in evaluation mode.
    inputs : torch.Tensor, or dict of them
        [inputs, ...], what the model takes as its main input: float32 [images, channels, height, width] for models of images,
        as preprocessed for them. A seventh, at most 128, is held out. A dict is what a tokenizer or an image processor returns; where its
        mask says so, tokens are padding, which is neither fitted to nor counted.
    layer : int
        Split point, 0 to n_layers, which is the last hidden state.
    target_kl : float, optional
        Loss in nats an input, KL(uncompressed || compressed) of the distribution over classes, that the default quality keeps;
        0.02 where not given.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1; without it, a line on stderr now and then.

    Returns
    -------
    TransformCodec

    Raises
    ------
    RdcodecError
        The architecture is unknown, the model has no classifier, the layer is out of range, there are fewer than 4 inputs, or the mask
        does not fit them or is a language model's.
    """
    target = checked_target(target_kl)
    model = unwrapped(model)
    find_site(model, layer)
    check_one_input(model)
    main, mask = tensors_of(model, inputs)
    if mask is not None:
        check_padding(main, mask)
        if predicts_tokens(model):
            raise RdcodecError(
                f"inputs: expected texts without padding for {type(model).__name__}, which says something behind every token"
            )
        main = PaddedTexts(main, mask.bool())
    fit, held_out = cut_inputs(main)

    def codewords(states, report):
        return position_codewords(*states.shape[:2], kept_of(fit, states.shape[1]))

    return _calibrated(model, layer, fit, held_out, codewords, target, progress)


def _calibrated(model, layer, fit, held_out, codewords, target, progress):
    """A codec from inputs to fit and to choose settings by; ``codewords(states, report)`` makes the `Codewords` of the former."""
    report = progress or ProgressLines()
    check_gradients(model, layer, fit)
    with frozen(model):
        statistics = measure(model, layer, fit, codewords, report)
        held_out = HeldOut(model, layer, states_of(model, layer, held_out, "held-out states", report), held_out)
        codec, quality = choose(statistics, held_out, target, report)
    codec.default_quality = quality
    codec.origin = origin_of(model, layer)
    return codec

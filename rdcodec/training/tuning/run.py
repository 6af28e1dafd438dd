"""Tuning a language model to a codec: `tune`."""

from __future__ import annotations

import copy
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from accelerate import Accelerator

from rdcodec.errors import RdcodecError
from rdcodec.modes import evaluating
from rdcodec.progress import ProgressLines
from rdcodec.splits.fingerprint import check_codec, layer_of, origin_of
from rdcodec.splits.hooks import is_hooked
from rdcodec.training.checkpoint import checkpoint_path
from rdcodec.training.distortion import OutputLoss
from rdcodec.training.log import first_validation
from rdcodec.training.loop import Point, run_training
from rdcodec.training.states import StateCache
from rdcodec.training.tuning.folder import Tuned, save_tuned, with_origin
from rdcodec.training.tuning.module import TunedModule
from rdcodec.training.tuning.rate import RateSlopes
from rdcodec.training.tuning.weights import adapted, adapted_layers, block_weights, blocks_of, check_plain, need_peft, training_alone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.codecs import Codec
    from rdcodec.training.tuning.settings import TuneSettings
    from rdcodec.types import Model, PathLike, Progress, Tokenizer

__all__ = ["tune"]


def tune(
    model: Model,
    tokenizer: Tokenizer,
    texts: str | Sequence[str],
    codec: Codec,
    settings: TuneSettings,
    out: PathLike,
    layer: int | None = None,
    cache: PathLike | None = None,
    autocast: bool = False,
    progress: Progress | None = None,
    resume: bool = False,
) -> Tuned:
    """Train a language model with a codec in it: each step codes hidden states into real bytes and goes on with what arrives.

    The untuned, uncompressed model is what the tuned one is held against: its states are computed once, kept on disk. A run that was
    interrupted and resumed gives the same bits as one that was not, on one device.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model, without adapters. It is changed: it holds the adapters, or the tuned weights, afterwards. After an
        error adapters are taken out again; weights that were tuned stay as they were at that step.
    tokenizer : transformers.PreTrainedTokenizerBase
    texts : str or list of str
        A sixteenth of their windows is held out, to validate on.
    codec : Codec
        Frozen. Where `lambda_rate` is not 0, one with a transform.
    settings : TuneSettings
        Its qualities are those that windows are coded at.
    out : path
        Folder for the adapters or weights and the codec; checkpoint and log besides.
    layer : int, optional
        Split point; the codec's where it is not given.
    cache : path, optional
        Folder of hidden states to use again, as of `StateCache`; below `out` where it is not given.
    autocast : bool
        Run blocks and output head in bfloat16 where PyTorch's autocast does so.
    progress : callable, optional
        Called as ``progress(stage, fraction, figures)`` with a name, 0 to 1, and a line of text; without it, a line on stderr now
        and then.
    resume : bool
        Go on from the folder's checkpoint, if it has one.

    Returns
    -------
    Tuned
        With held-out figures from before and after.

    Raises
    ------
    ImportError
        `peft` is not installed, which adapters need.
    RdcodecError
        Before the work: the model is in a wrapper, holds adapters, is compressed just now or is no causal language model; the codec is
        of another layer or of other channels; a quality is out of its range; there are no blocks, or none of the layers, that are to be
        trained; the rate of the codec has no gradient; the texts make fewer than two windows; the folder holds a checkpoint and
        `resume` is false, or one of other settings. During it: training diverged, the last checkpoint is from before that.
    """
    site = _check(model, codec, settings, layer)
    checkpoint_path(out, resume)
    out, report = Path(out), progress or ProgressLines()
    accelerator, base = Accelerator(), origin_of(model, site.layer)
    with accelerator.main_process_first():
        states = StateCache.open(cache or out / "cache", model, tokenizer, texts, site.layer, autocast, report)
    run = {**asdict(settings), **states.key, "codec": codec.codec_id.hex()}
    with adapted(site, settings) if settings.method == "lora" else nullcontext(model) as tuned:
        weights = _trained(tuned, site, settings)
        with evaluating(model), training_alone(model, weights):
            module = TunedModule(site, codec, settings, weights, autocast)
            after = run_training(module, states, _measure, settings, run, out, report, resume)
    codec = _at_quality(codec, settings)
    before = [Point(**figures) for figures in first_validation(out)]
    result = Tuned(tuned.eval(), codec, site.layer, settings.part, settings.method, base, before, after)
    if accelerator.is_main_process:
        save_tuned(result, out)
    return with_origin(result)


def _measure(module, batch, quality):
    return module(batch, quality)


def _trained(tuned, site, settings):
    """List of the parameters that are trained."""
    if settings.method == "full":
        return list(block_weights(site, settings.part).values())
    return [parameter for parameter in tuned.parameters() if parameter.requires_grad]


def _at_quality(codec, settings):
    """The codec with a default quality that was trained for."""
    codec = copy.copy(codec)
    lowest, highest = settings.qualities
    codec.default_quality = min(max(codec.default_quality, lowest), highest)
    return codec


def _check(model, codec, settings, layer):
    """The split point, after everything that can be refused before the work."""
    check_plain(model)
    site = check_codec(model, layer_of(codec, layer), codec)
    if is_hooked(site.place):
        raise RdcodecError("model: expected one that is not compressed just now; close the context of compress_at")
    if model.config.is_encoder_decoder or getattr(model, "get_output_embeddings", lambda: None)() is None:
        raise RdcodecError(f"model: expected a causal language model, got {type(model).__name__}")
    OutputLoss(model, settings.kind)
    blocks_of(site, settings.part)
    if settings.method == "lora":
        need_peft()
        adapted_layers(site, settings)
    elif model.dtype != torch.float32:
        raise RdcodecError(f"model: expected float32 weights for full tuning, got {model.dtype}; autocast makes it as fast")
    for quality in settings.qualities:
        codec.encoder(quality)
    if settings.lambda_rate:
        RateSlopes(codec)
    return site

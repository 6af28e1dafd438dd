"""The measuring protocol: windows of text, or images, through the head of a model, a codec, and its tail."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec.calibration.inputs import check_one_input
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation.halves import Halves
from rdcodec.evaluation.losses import output_losses
from rdcodec.evaluation.measures import Measures
from rdcodec.evaluation.rows import Rows
from rdcodec.evaluation.tasks import task_of
from rdcodec.modes import evaluating
from rdcodec.progress import ProgressLines
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import check_codec, layer_of
from rdcodec.stream import MAX_FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rdcodec.evaluation.passages import Passages
    from rdcodec.types import Model, Progress

__all__ = ["Setting", "evaluate"]


@dataclass(frozen=True)
class Setting:
    """What is measured: a codec at a layer and a quality.

    Attributes
    ----------
    method : str
        Name of the method; settings of one method and layer make a curve.
    codec : Codec
    quality : int or None
        None for the codec's default; families without a quality have nothing else.
    layer : int
        Split point; that of the codec where it is not given.
    any_layer : bool
        Take a codec that was fitted to another layer, which is refused otherwise.
    variant : str
        What tells settings of one method apart besides the quality.
    model : transformers.PreTrainedModel, optional
        The model with the codec in it where it is another than the one it is held against: one that was tuned.
    untuned : str
        Of a setting with such a model, the method that is the same codec in the untuned one.

    Raises
    ------
    TypeError
        `codec` is none.
    RdcodecError
        No layer is given, and the codec was fitted to none.
    """

    method: str
    codec: Codec
    quality: int | None = None
    layer: int = None  # type: ignore[assignment] # that of the codec
    any_layer: bool = False
    variant: str = ""
    model: Model | None = field(default=None, repr=False)
    untuned: str = ""

    def __post_init__(self):
        object.__setattr__(self, "layer", layer_of(self.codec, self.layer, f"codec of {self.method}"))


@torch.no_grad()
def evaluate(
    model: Model,
    inputs: torch.Tensor | Mapping[str, torch.Tensor] | Passages,
    settings: Sequence[Setting],
    frame_tokens: int | None = None,
    progress: Progress | None = None,
    labels: torch.Tensor | None = None,
    attention_mask: torch.Tensor | None = None,
) -> Rows:
    """Measure rate and loss of codecs at split points of a language model or a classifier.

    Each window, passage or image is coded on its own, with a new encoder and decoder. The blocks before a split point run once an
    input for all settings; settings whose codecs decode to the same values share one run of what follows. What is lost is held
    against `model` without a codec, also by settings that have a model of their own.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture: a language model that predicts the next token (an encoder and a decoder are given the same text), or
        a classifier. It is in evaluation mode for the time of the measuring, and as it was afterwards.
    inputs : torch.Tensor, dict of them, or Passages
        int64 [windows, tokens], at least 2 tokens; for a classifier what it takes, int64 [texts, tokens] or float32 [images,
        channels, height, width]. A dict is what a tokenizer or an image processor returns: the main input, and perhaps its mask.
        Of passages, which `cut_passages` makes, the last word alone is predicted, and nothing is sent of its last token.
    settings : list of Setting
    frame_tokens : int, optional
        Tokens a frame at most, 1 to 4096; with 1, the rate is that of generation token by token.
    progress : callable, optional
        (stage, fraction) -> None, called as the work goes on; without it, a line on stderr now and then.
    labels : torch.Tensor, optional
        int64 [inputs], the right class of each. Without labels the right ones are the next tokens; a classifier's KL needs none,
        and what does is nan.
    attention_mask : torch.Tensor, optional
        [texts, tokens], for a classifier: 0 where a token is padding, which is not coded. Where `inputs` is a dict, its own.

    Returns
    -------
    Rows
        A list of `Row`, one a setting, in their order.

    Raises
    ------
    RdcodecError
        There are no settings; the architecture is unknown; a layer, a quality or `frame_tokens` is out of range; a codec
        has other channels than the model or is of another layer; there are no windows, or they are longer than the model allows; inputs, labels and mask
        do not fit together; the model of a setting has other outputs than `model`.
    """
    model = unwrapped(model)
    models = [model if setting.model is None else unwrapped(setting.model) for setting in settings]
    _check(model, models, settings, frame_tokens)
    task = task_of(model, inputs, labels, attention_mask)
    measures = [Measures(setting, task.count) for setting in settings]
    base, forward_seconds = np.zeros((task.count, 4)), np.zeros(task.count)
    done, total, report = 0, task.count * len(settings), progress or ProgressLines()
    layer = min(setting.layer for setting in settings)
    with ExitStack() as modes:
        for one in {id(one): one for one in (model, *models)}.values():
            modes.enter_context(evaluating(one))
        for batch in task.batches:
            halves = {id(one): Halves(one, batch) for one in (model, *models)}
            began = perf_counter()
            whole = halves[id(model)]
            references = whole.outputs(layer, whole.states(layer))
            forward_seconds[batch.places] = (perf_counter() - began) / len(batch.places)
            base[batch.places] = _losses(task, batch, references, references)
            seen: dict = {}
            for own, measure in zip(models, measures):
                _measure(measure, task, batch, halves[id(own)], references, frame_tokens, seen)
                done += len(batch.places)
                report(task.inputs, done / total)
    return Rows(measure.row(task, base, forward_seconds) for measure in measures)


def _measure(measure, task, batch, halves, references, frame_tokens, seen):
    """Send a batch, and note what it loses; `seen` are losses of decoded values that were the same."""
    layer = measure.setting.layer
    decoded = [measure.send(place, h, frame_tokens) for place, h in zip(batch.places, halves.coded_states(layer))]
    key = id(halves), layer, hashlib.blake2b(np.concatenate(decoded)).digest()
    if key not in seen:
        outputs = halves.outputs(layer, halves.with_decoded(layer, decoded))
        _check_outputs(measure.setting, outputs, references)
        seen[key] = _losses(task, batch, references, outputs)
    measure.losses[batch.places] = seen[key]


def _losses(task, batch, references, outputs):
    """Means of each input of a batch, [batch, 4]."""
    return [task.means(output_losses(*one)) for one in zip(references, outputs, batch.targets)]


def _check(model, models, settings, frame_tokens):
    """What of settings can be refused before the first forward pass."""
    if not settings:
        raise RdcodecError("settings: there is nothing to measure")
    if frame_tokens is not None and not 1 <= frame_tokens <= MAX_FRAME_TOKENS:
        raise RdcodecError(f"frame_tokens: expected 1 to {MAX_FRAME_TOKENS}, got {frame_tokens}")
    check_one_input(model)
    for setting, own in zip(settings, models):
        check_codec(own, setting.layer, setting.codec, setting.any_layer, f"codec of {setting.method}")
        setting.codec.encoder(setting.quality)


def _check_outputs(setting, outputs, references):
    """A tuned model has the outputs of the one that it was."""
    if outputs[0].shape != references[0].shape:
        expected, got = (tuple(of[0].shape) for of in (references, outputs))
        raise RdcodecError(f"model of {setting.method}: expected outputs {expected} as of the model it is held against, got {got}")

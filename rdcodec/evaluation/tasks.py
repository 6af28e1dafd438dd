"""What is asked of a model: inputs in batches of one shape, and which of its outputs have a right answer."""

from typing import NamedTuple

import torch

from rdcodec.calibration.inputs import check_padding, predicts_tokens, tensors_of
from rdcodec.errors import RdcodecError
from rdcodec.evaluation.bootstrap import error_of
from rdcodec.evaluation.passages import Passages
from rdcodec.splits import longest_input

__all__ = ["Batch", "Task", "task_of"]

PASSAGES = 16  # side by side: a core needs half the time a passage that it needs for one alone


class Batch(NamedTuple):
    """Inputs of one shape.

    Attributes
    ----------
    places : list of int
        Which of all inputs they are.
    inputs : torch.Tensor
        [batch, ...]
    mask : torch.Tensor or None
        bool [batch, tokens], False where a token is padding.
    targets : list of torch.Tensor
        int64 [labels], of each what its first outputs should have been, of those that count.
    last : int or None
        Outputs that count, the last ones of as many as its longest target has; all where it is None.
    """

    places: list
    inputs: torch.Tensor
    mask: torch.Tensor | None
    targets: list
    last: int | None = None


class Task(NamedTuple):
    """What is predicted, "tokens", "last words" or "classes", of which batches.

    Words have several tokens: their likelihoods multiply, and a word is right where all of its tokens are.
    """

    predicted: str
    inputs: str
    batches: list

    @property
    def count(self):
        """Inputs of all batches."""
        return sum(len(batch.places) for batch in self.batches)

    def means(self, losses):
        """List of numbers of an input's `OutputLosses`, in their order; nan of nothing."""
        if self.predicted == "last words":
            return [float(losses.kl.mean()), float(losses.nll.sum()), float(losses.correct.min()), float(losses.agreed.min())]
        return [float(values.mean()) for values in losses]

    def error_of(self, values):
        """The `MeanError` of a value of each input."""
        return error_of(values, self.predicted)


def task_of(model, inputs, labels, attention_mask):
    """The `Task` that arguments of `evaluate` mean.

    Raises
    ------
    RdcodecError
        There are no inputs, or more tokens than the model takes; inputs, labels and mask do not fit together.
    """
    if isinstance(inputs, Passages):
        return _of_passages(model, inputs, labels, attention_mask)
    inputs, mask = tensors_of(model, inputs)
    mask = mask if attention_mask is None else attention_mask
    next_tokens = labels is None and predicts_tokens(model)
    _check(model, inputs, labels, mask, next_tokens)
    if next_tokens:
        return Task("tokens", "windows", [Batch([i], one[None], None, [one[1:]]) for i, one in enumerate(inputs)])
    targets = torch.empty(len(inputs), 0, dtype=torch.int64) if labels is None else labels[:, None]
    masks = [None] * len(inputs) if mask is None else mask.bool()[:, None]
    batches = [Batch([i], one[None], own, [right]) for i, (one, own, right) in enumerate(zip(inputs, masks, targets))]
    return Task("classes", "inputs" if inputs.dim() == 2 else "images", batches)


def _of_passages(model, passages, labels, mask):
    if labels is not None or mask is not None:
        raise RdcodecError("labels, attention_mask: expected none besides passages, whose words are the labels")
    if not predicts_tokens(model):
        raise RdcodecError(f"model: expected one that predicts tokens, for the words of passages, got {type(model).__name__}")
    by_length = {}
    for i, ids in enumerate(passages.ids):
        by_length.setdefault(len(ids) - 1, []).append(i)  # the last token is predicted and not sent
    if not by_length:
        raise RdcodecError("inputs: expected at least 1 passage to measure on, got none")
    if max(by_length) > longest_input(model):
        raise RdcodecError(f"inputs: expected passages of at most {longest_input(model)} tokens, as the model allows, got {max(by_length)}")
    batches = [
        _batch_of(passages, places[start : start + PASSAGES], model.device)
        for _, places in sorted(by_length.items())
        for start in range(0, len(places), PASSAGES)
    ]
    return Task("last words", "passages", batches)


def _batch_of(passages, places, device):
    ids = [passages.ids[i].to(device) for i in places]
    targets = [own[-passages.words[i] :] for own, i in zip(ids, places)]
    return Batch(places, torch.stack([own[:-1] for own in ids]), None, targets, max(map(len, targets)))


def _check(model, inputs, labels, mask, next_tokens):
    if not len(inputs):
        raise RdcodecError("inputs: expected at least 1 window to measure on, got none")
    longest = longest_input(model)
    if next_tokens and not (inputs.dim() == 2 and 2 <= inputs.shape[1] <= longest):
        raise RdcodecError(
            f"inputs: expected windows of 2 to {longest} tokens, as the model allows, or labels besides, got shape {tuple(inputs.shape)}"
        )
    if labels is not None and labels.shape != inputs.shape[:1]:
        raise RdcodecError(f"labels: expected [{len(inputs)}], one an input, got shape {tuple(labels.shape)}")
    if mask is not None:
        if next_tokens:
            raise RdcodecError(f"attention_mask: expected none, or labels besides: padding has no next token in {type(model).__name__}")
        check_padding(inputs, mask)

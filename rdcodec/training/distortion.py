"""What a reconstruction costs the model, in nats a token or an image, with a gradient to train by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rdcodec.calibration.output import OutputHead, head_inputs
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.splits import find_site, unwrapped
from rdcodec.training.gradients import with_gradient

if TYPE_CHECKING:
    from rdcodec.types import Model

__all__ = ["OutputLoss", "TailDistortion"]

KINDS = ("kl", "cross-entropy")
LARGEST_LOGITS = 2**22  # elements held at a time


class TailDistortion:
    """Distortion of a model's output distributions (next tokens, or an image's class) when it goes on from reconstructed states.

    The model is frozen: gradients flow to the states alone.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        With an output head over a vocabulary or classes.
    layer : int
        Split point, 0 to n_layers, which is the last hidden state.
    kind : str
        "kl", KL(uncompressed || compressed), or "cross-entropy", the negative log-likelihood of the text's next token, which
        a classifier has not.
    autocast : bool
        Run blocks and output head in bfloat16 where PyTorch's autocast does so; losses are in float32 all the same. Rounding
        alone is then a distortion of about 0.001 nats (SmolLM2-135M at layer 10, final states computed in float32).

    Raises
    ------
    RdcodecError
        The architecture is unknown, the model has no output head, the layer is out of range, or there is no such kind for it.
    """

    def __init__(self, model: Model, layer: int, kind: str = "kl", autocast: bool = False) -> None:
        model = unwrapped(model)
        find_site(model, layer)
        self._loss = OutputLoss(model, kind, autocast)
        self._model = model
        self._layer = layer
        self._autocast = autocast

    def __call__(self, reconstructed, batch):
        """Mean over the outputs of each window.

        Parameters
        ----------
        reconstructed : torch.Tensor
            float32 [windows, tokens, channels], in place of ``batch.states``, on the model's device.
        batch : Batch

        Returns
        -------
        torch.Tensor
            float32 [windows], nats a token, or an image.
        """
        with frozen(self._model), torch.autocast(reconstructed.device.type, torch.bfloat16, enabled=self._autocast):
            finals = head_inputs(self._model, self._layer, reconstructed, batch.ids)
        return self._loss(finals, batch)


class OutputLoss:
    """Loss of a model's output distributions at what enters its output head, which is frozen.

    Logits are computed for a few positions at a time, their gradient with them, and dropped again: those of a whole window would be
    the largest array there is.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    kind, autocast
        As for `TailDistortion`.

    Raises
    ------
    RdcodecError
        The model has no output head, or there is no such kind for it.
    """

    def __init__(self, model, kind, autocast=False):
        if kind not in KINDS:
            raise RdcodecError(f"kind: expected {' or '.join(map(repr, KINDS))}, got {kind!r}")
        # Autocast would cast the weights of a frozen head again for every chunk.
        self._head = OutputHead(model, torch.bfloat16 if autocast else None)
        if kind == "cross-entropy" and not self._head.over_vocabulary:
            raise RdcodecError(f"kind: expected 'kl' for {type(model).__name__}, a classifier, got {kind!r}")
        self._kind = kind
        self._positions = max(1, LARGEST_LOGITS // self._head.classes)

    def __call__(self, finals, batch):
        """Mean over the outputs of each window.

        Parameters
        ----------
        finals : torch.Tensor
            As ``batch.finals``, of the model that is measured.
        batch : Batch

        Returns
        -------
        torch.Tensor
            float32 [windows], nats a token, or an image.
        """
        windows = len(finals)
        if self._kind == "kl":
            given = batch.finals.flatten(0, -2)
        else:
            finals, given = finals[:, :-1], batch.ids[:, 1:].flatten()
        return self._losses(finals.flatten(0, -2), given).view(windows, -1).mean(dim=1)

    def _losses(self, finals, given):
        """Loss of each output, over chunks whose graphs end with them."""
        values, gradients = [], []
        for x, y in zip(finals.detach().split(self._positions), given.split(self._positions)):
            x.requires_grad_(finals.requires_grad)
            losses = self._loss(x, y)
            values.append(losses.detach())
            if finals.requires_grad:
                gradients += torch.autograd.grad(losses.sum(), x)
        values = torch.cat(values)
        return with_gradient(finals, values, torch.cat(gradients)) if gradients else values

    def _loss(self, finals, given):
        """Loss of final states [n, width], given the uncompressed ones or the next tokens [n]."""
        log_q = self._head(finals)
        if self._kind == "kl":
            with torch.no_grad():
                log_p = self._head(given)
            return (log_p.exp() * (log_p - log_q)).sum(dim=1)
        return -log_q.gather(1, given[:, None])[:, 0]

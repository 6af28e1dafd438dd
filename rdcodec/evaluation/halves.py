"""A batch in a model that is cut."""

from inspect import signature

import torch

from rdcodec.calibration.inputs import input_states, main_input
from rdcodec.splits import run_tail

__all__ = ["Halves"]


class Halves:
    """States of a `Batch` before the split points of a model, each computed once, and outputs from states on."""

    def __init__(self, model, batch):
        self._model = model
        self._batch = batch
        self._attention = None if batch.mask is None else batch.mask.long()
        self._states = {}

    def states(self, layer):
        """[batch, tokens, channels]"""
        if layer not in self._states:
            self._states[layer] = input_states(self._model, layer, self._batch.inputs, self._attention)
        return self._states[layer]

    def coded_states(self, layer):
        """Of tokens that are no padding, a list of [tokens, channels]."""
        states = self.states(layer)
        return list(states) if self._batch.mask is None else [h[kept] for h, kept in zip(states, self._batch.mask)]

    def with_decoded(self, layer, decoded):
        """States of all tokens, with `decoded`, a list of float32 arrays, in place of `coded_states`."""
        states = self.states(layer).clone()
        for i, values in enumerate(decoded):
            states[i, slice(None) if self._batch.mask is None else self._batch.mask[i]] = torch.as_tensor(values).to(states)
        return states

    def outputs(self, layer, h):
        """List of logits [outputs, classes] of the model that goes on from h [batch, tokens, channels]: those that count."""
        given, last = main_input(self._model, self._batch.inputs), self._batch.last
        if last is not None and "logits_to_keep" in signature(self._model.forward).parameters:
            given = {**given, "logits_to_keep": last}  # logits of all tokens would take a fifth of a small model's time
        logits = run_tail(self._model, layer, h, self._attention, **given)
        logits = logits.reshape(len(logits), -1, logits.shape[-1])
        return list(logits) if last is None else [own[-len(right) :] for own, right in zip(logits, self._batch.targets)]

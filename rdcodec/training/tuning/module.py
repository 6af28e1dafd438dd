"""A model with a codec in it, as the training loop takes it."""

import torch
from torch import nn

from rdcodec.calibration.output import head_inputs, output_head
from rdcodec.splits.hooks import before, block_input, replaced_input, stopped_at
from rdcodec.training.distortion import OutputLoss
from rdcodec.training.tuning.rate import RateSlopes, RealCoding

__all__ = ["TunedModule"]


class TunedModule(nn.Module):
    """Distortion and rate of windows that go through a model whose states are coded.

    Parameters
    ----------
    site : Site
        The split point.
    codec : Codec
    settings : TuneSettings
    weights : list of torch.nn.Parameter
        What is trained, all of this module's state: the model itself does not change.
    autocast : bool
        Run blocks and output head in bfloat16 where PyTorch's autocast does so.
    """

    def __init__(self, site, codec, settings, weights, autocast):
        super().__init__()
        self.weights = nn.ParameterList(weights)
        vars(self)["_model"] = site.model  # its other weights are no part of checkpoints
        self._site = site
        self._from_ids = settings.part != "tail"
        self._coding = RealCoding(codec, RateSlopes(codec) if settings.lambda_rate else None)
        self._loss = OutputLoss(site.model, settings.kind, autocast)
        self._is_excess = settings.kind == "cross-entropy"
        self._autocast = autocast

    def forward(self, batch, quality):
        """Distortion in nats and rate in bits a token of a `Batch` at qualities int64 [windows]: two tensors [windows]."""
        run = self._whole if self._from_ids else self._tail
        with torch.autocast(batch.ids.device.type, torch.bfloat16, enabled=self._autocast):
            finals, bits = run(batch, quality)
        distortion = self._loss(finals, batch)
        if self._is_excess:
            with torch.no_grad():
                untuned = self._loss(batch.finals, batch)
            distortion = distortion - untuned
        return distortion, bits

    def _tail(self, batch, quality):
        arrived, bits = self._coding(batch.states, quality)
        return head_inputs(self._model, self._site.layer, arrived, batch.ids), bits

    def _whole(self, batch, quality):
        """What enters the output head of the whole model, and bits."""
        layout, coded = self._site.layout, []

        def send(block, args, kwargs):
            own = block_input(args, kwargs)
            arrived, bits = self._coding(layout.to_tokens(own), quality)
            coded.append(bits)
            return replaced_input(args, kwargs, layout.from_tokens(arrived, own))

        with before(self._site.place, send):
            (finals, *_), _ = stopped_at(output_head(self._model), lambda: self._model(input_ids=batch.ids, use_cache=False))
        return finals, coded[0]

    def parameter_groups(self, settings):
        return [{"params": list(self.weights), "weight_decay": 0.0}]

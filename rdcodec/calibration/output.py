"""The model's output distributions, one a position or one an input, computed for a few at a time.

The logits of a window are the largest array there is (512 tokens of a vocabulary of 50,000: 100 MB), so they are never held
whole: the tail of the model runs up to the input of its output head, and what stands behind is run for some positions at a time.
"""

import copy
from itertools import chain

import torch
from transformers import PreTrainedModel

from rdcodec.calibration.inputs import main_input
from rdcodec.errors import RdcodecError
from rdcodec.splits import run_tail
from rdcodec.splits.hooks import stopped_at

__all__ = ["POSITIONS", "OutputHead", "head_inputs", "kl_divergence", "output_head"]

POSITIONS = 64  # at a time


def output_head(model):
    """The module that makes logits: of a vocabulary, one distribution a position, or of classes, of pooled states.

    None for classifiers that pool within their head or behind it: their logits are few, and stand for themselves.
    """
    head = getattr(model, "get_output_embeddings", lambda: None)()
    if head is not None:
        return head
    classifier = getattr(model, "classifier", None)
    if classifier is None and getattr(model, "score", None) is None:
        raise RdcodecError(
            f"model: {type(model).__name__} has no output head over a vocabulary or classes; load it with one, for example by"
            " AutoModelForCausalLM, AutoModelForMaskedLM or AutoModelForImageClassification"
        )
    return classifier if isinstance(classifier, (torch.nn.Linear, torch.nn.Sequential)) else None


def head_inputs(model, layer, h, inputs=None):
    """What enters the output head when the model goes on from `h` [batch, tokens, channels], its main input being `inputs`.

    Returns
    -------
    torch.Tensor
        [batch, tokens, width], or [batch, width] of a classifier; the logits of one that pools within its head or behind it.
    """
    head, given = output_head(model), main_input(model, inputs)
    if head is None:
        return _logits(model, layer, h, given)
    reached = stopped_at(head, lambda: run_tail(model, layer, h, **given))
    if reached is None:
        raise RdcodecError(f"model: {type(model).__name__} never ran its output head")
    (entered, *_), _ = reached
    return entered.flatten(1) if entered.dim() == 4 else entered  # pooled feature maps have a height and a width of 1


def _logits(model, layer, h, given):
    """Of a classifier; one input at a time where it has no padding token, for it then refuses more."""
    rows = len(h) if model.config.get_text_config().pad_token_id is not None else 1
    parts = [(h[i : i + rows], {name: x[i : i + rows] for name, x in given.items()}) for i in range(0, len(h), rows)]
    return torch.cat([run_tail(model, layer, part, **own) for part, own in parts])


class OutputHead:
    """From what `head_inputs` gives to log-probabilities, by the model's own code.

    Behind the head of a language model there may be a scale or a soft cap of the logits. So the model's own forward runs, in a
    copy of its modules that shares the weights: in place of all that comes before the head stands a module that does nothing, and
    the head takes what it is given. The model itself is not touched.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    dtype : torch.dtype, optional
        Of the head's weights; as they are where it is not given.

    Attributes
    ----------
    over_vocabulary : bool
        Whether there is a distribution over a vocabulary for each position.
    classes : int
    """

    def __init__(self, model, dtype=None):
        head = output_head(model)
        self.over_vocabulary = head is not None and head is model.get_output_embeddings()
        weights = [] if head is None else list(head.parameters())
        self.classes = max(map(len, weights), default=model.config.get_text_config().num_labels)
        self._dtype = dtype or (weights[0].dtype if weights else None)
        memo = {id(tensor): tensor.detach() for tensor in chain(model.parameters(), model.buffers())}
        memo.update({id(tensor): tensor.detach().to(self._dtype) for tensor in weights})
        self._run = self._logits
        if self.over_vocabulary:
            self._run = self._behind(model, head, memo)
        elif head is not None:
            self._run = copy.deepcopy(head, memo)

    def __call__(self, inputs):
        """float32 [outputs, classes], log-probabilities for [outputs, width] of `head_inputs`."""
        return torch.log_softmax(self._run(inputs.to(self._dtype)).float(), dim=-1)

    @staticmethod
    def _logits(inputs):
        return inputs

    @staticmethod
    def _behind(model, head, memo):
        stand_ins = {id(module): _StandIn(module) for module in _before(model, head)}
        memo.update(stand_ins)
        twin = copy.deepcopy(model, memo)
        given, width = [], model.config.get_text_config().hidden_size
        memo[id(head)].register_forward_pre_hook(lambda module, args: (given.pop(),))

        def run(inputs):
            for stand_in in stand_ins.values():
                stand_in.state = inputs.new_zeros(1, len(inputs), width)
            given.append(inputs[None])
            tokens = torch.zeros(1, len(inputs), dtype=torch.int64, device=inputs.device)
            return twin(**{model.main_input_name: tokens}, return_dict=True).logits[0]

        return run


class _StandIn(torch.nn.Module):
    """Stands for what comes before the head, which takes no notice of it, and for its parts: some models run those themselves.

    What is no module, such as a number that logits are multiplied by, is that of the one it stands for.
    """

    def __init__(self, module):
        vars(self)["module"] = module  # none of its own: nobody is to see it among the parts of the model
        super().__init__()
        self.state = None

    def forward(self, *args, **kwargs):
        return _Outputs((self.state,))

    def __getattr__(self, name):
        found = getattr(vars(self)["module"], name)
        return self if isinstance(found, torch.nn.Module) else found


class _Outputs(tuple):
    """Of a base model, which has nothing but a last hidden state: no caches, no losses of experts."""

    @property
    def last_hidden_state(self):
        return self[0]

    def __getattr__(self, name):
        return None


def _before(module, head):
    """The largest models within a module that the head is no part of."""
    for child in module.children():
        if any(part is head for part in child.modules()):
            yield from _before(child, head)
        elif isinstance(child, PreTrainedModel):
            yield child


@torch.no_grad()
def kl_divergence(model, reference, other):
    """Mean KL(reference || other) in nats of the output distributions at two results of `head_inputs`."""
    head, total, count = OutputHead(model), 0.0, 0
    for p, q in zip(reference.flatten(0, -2).split(POSITIONS), other.flatten(0, -2).split(POSITIONS)):
        p, q = head(p), head(q)
        total += float((p.exp() * (p - q)).sum(dtype=torch.float64))
        count += len(p)
    return total / count

"""Whether a model passes gradients at all: those in integers often do not."""

import torch

from rdcodec.calibration.output import main_input, output_head
from rdcodec.errors import RdcodecError
from rdcodec.messages import first_line
from rdcodec.modes import frozen
from rdcodec.splits import head_states, run_tail

__all__ = ["check_gradients"]

TOKENS = 8


def check_gradients(model, layer, inputs):
    """Refuse a model whose output has no gradient with respect to the input of block `layer`, before any work is done with it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
    inputs : torch.Tensor
        [inputs, ...], of which one, or the first tokens of one, is tried.

    Raises
    ------
    RdcodecError
        The message says what to do. Also where the model has no output head.
    """
    output_head(model)
    one = inputs[:1] if inputs.is_floating_point() else inputs[:1, :TOKENS]
    one = one.to(model.device)
    with frozen(model), torch.enable_grad():
        h = head_states(model, layer, one).detach().requires_grad_(True)
        try:
            torch.autograd.grad(run_tail(model, layer, h, **main_input(model, one)).float().square().sum(), h)
        except (RuntimeError, NotImplementedError) as error:
            raise RdcodecError(
                f"model: {type(model).__name__} passes no gradients to layer {layer}, which fitting needs ({first_line(error)});"
                " quantised models seldom do: fit to the model in float32 or bfloat16, the codec then works with this one too"
            ) from error

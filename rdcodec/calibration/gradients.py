"""Whether a model passes gradients at all: those in integers often do not."""

from contextlib import contextmanager

import torch

from rdcodec.calibration.inputs import input_states, main_input
from rdcodec.calibration.output import output_head
from rdcodec.errors import RdcodecError
from rdcodec.messages import first_line
from rdcodec.modes import frozen
from rdcodec.splits import run_tail

__all__ = ["check_gradients", "check_graph", "needing_gradients"]

TOKENS = 8


def check_gradients(model, layer, inputs):
    """Refuse a model whose output has no gradient with respect to the input of block `layer`, before any work is done with it.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
    inputs : torch.Tensor or PaddedTexts
        [inputs, ...], of which one, or the first tokens of one, is tried.

    Raises
    ------
    RdcodecError
        The message says what to do. Also where the model has no output head.
    """
    output_head(model)
    one = inputs[:1]
    if isinstance(one, torch.Tensor):
        one = (one if one.is_floating_point() else one[:, :TOKENS]).to(model.device)
    with frozen(model), torch.enable_grad():
        h = input_states(model, layer, one).detach().requires_grad_(True)
        with needing_gradients(model):
            output = run_tail(model, layer, h, **main_input(model, one)).float().square().sum()
            check_graph(output)
            torch.autograd.grad(output, h)


@contextmanager
def needing_gradients(model):
    """What fails within says what to do, where a model passes no gradients."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        raise RdcodecError(
            f"model: {type(model).__name__} passes no gradients, which are needed here ({first_line(error)}); quantised models"
            " seldom do: use the model in float32 or bfloat16 for this, a codec that is fitted to it codes for the quantised one too"
        ) from error


def check_graph(output):
    """Find operations that have no gradient: PyTorch only warns of some, and leaves out all that comes through them."""
    seen, left = set(), [output.grad_fn]
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        if "NotImplemented" in node.name():
            raise NotImplementedError("an operation has none")
        seen.add(node)
        left.extend(following for following, _ in node.next_functions)

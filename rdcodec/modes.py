"""What measuring does to a model for its time: evaluation mode, and no gradients of weights. Each module comes back as it was."""

from contextlib import contextmanager

__all__ = ["evaluating", "frozen"]


@contextmanager
def evaluating(model):
    """The model in evaluation mode; afterwards every submodule is in the mode that it was in."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        yield
    finally:
        for module in training:  # one by one: `train` would take the submodules along, some of which may have been evaluating
            module.training = True


@contextmanager
def frozen(model):
    """The model in evaluation mode and without gradients of its weights, as it was afterwards."""
    needed = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in needed:
        parameter.requires_grad_(False)
    try:
        with evaluating(model):
            yield
    finally:
        for parameter in needed:
            parameter.requires_grad_(True)

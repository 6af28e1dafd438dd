"""Compiled models are refused by name: their code passes hooks by, and would go on uncoded without a word."""

import torch
from torch._C._dynamo.eval_frame import get_eval_frame_callback

from rdcodec.errors import RdcodecError

__all__ = ["refuse_compiled", "refuse_compiled_call"]


def refuse_compiled(model):
    """Refuse a model of which a module is compiled, in any of the ways of PyTorch.

    Raises
    ------
    RdcodecError
        It names the module.
    """
    waiting = [model] if isinstance(model, torch.nn.Module) else []
    while waiting:  # three times as fast as `modules`, and every token of a text comes by here
        module = waiting.pop()
        if _is_compiled(module):
            name = next(name for name, each in model.named_modules() if each is module)
            raise RdcodecError(
                f"model: {name or type(module).__name__} is compiled by torch.compile, whose code passes hooks by;"
                " give and run the model as it was before (a compiled module holds it as _orig_mod)"
            )
        waiting.extend(child for child in module._modules.values() if child is not None)


def _is_compiled(module):
    forward = vars(module).get("forward")  # also that of the wrapper that torch.compile returns
    return module._compiled_call_impl is not None or hasattr(forward, "_torchdynamo_orig_callable")


def refuse_compiled_call(module, args, kwargs):
    """A hook of the outermost modules: those run as ever, and what is within them is compiled.

    Raises
    ------
    RdcodecError
        The call comes from compiled code.
    """
    if torch.compiler.is_compiling() or get_eval_frame_callback() is not None:
        raise RdcodecError(
            f"model: this call of {type(module).__name__} is compiled by torch.compile, whose code passes hooks by;"
            " call the model itself while its states are coded"
        )

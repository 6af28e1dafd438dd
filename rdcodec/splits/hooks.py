"""Ways into a block of a model that leave no trace: each is a context manager.

Copies of the model, also those of pickle, are plain: what stands in the model for the time of a context does nothing in them.
"""

from contextlib import contextmanager, nullcontext
from functools import partial

__all__ = ["before", "block_input", "replaced_input", "skipped", "stopped_at"]


def block_input(args, kwargs):
    """The hidden state among the arguments of a block."""
    return args[0] if args else kwargs["hidden_states"]


def replaced_input(args, kwargs, h):
    """The arguments of a block with another hidden state."""
    if args:
        return (h, *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": h}


@contextmanager
def before(module, hook):
    """Call `hook(module, args, kwargs)` before each forward of a module; it may return other (args, kwargs)."""
    handle = module.register_forward_pre_hook(_Hook(hook), with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


class _Hook:
    """A hook that copies of its module do not call: in them stands a function of the standard library that does nothing."""

    def __init__(self, call):
        self.call = call

    def __call__(self, module, args, kwargs):
        return self.call(module, args, kwargs)

    def __reduce__(self):
        return getattr, (nullcontext(), "__exit__")


class _Reached(Exception):
    """Carries the arguments of a module out of the forward pass."""


def stopped_at(module, run):
    """Call `run()` until it gets to a module, which is not run: the module's (args, kwargs), None if it never gets there."""

    def stop(module, args, kwargs):
        raise _Reached(args, kwargs)

    with before(module, stop):
        try:
            run()
        except _Reached as reached:
            return reached.args
    return None


@contextmanager
def skipped(blocks):
    """Blocks that return their input at no cost."""
    changed = []
    try:
        for block in blocks:
            changed.append((block, vars(block).get("forward")))
            block.forward = _PassThrough(block)
        yield
    finally:
        for block, forward in changed:
            del block.forward
            if forward is not None:
                block.forward = forward


_OTHER_OUTPUTS = {}  # of a kind of block: how many come with the state, or None where it comes alone and not in a tuple


class _PassThrough:
    """Stands in for the forward of a block; in copies of the block stands its forward again."""

    def __init__(self, block):
        self.forward = block.forward
        self.kind = type(block)

    def __call__(self, *args, **kwargs):
        if self.kind not in _OTHER_OUTPUTS:  # differs between releases of transformers and is written nowhere: try it
            outputs = self.forward(*args, **kwargs)
            _OTHER_OUTPUTS[self.kind] = len(outputs) - 1 if isinstance(outputs, tuple) else None
        h, others = block_input(args, kwargs), _OTHER_OUTPUTS[self.kind]
        return h if others is None else (h, *[None] * others)

    def __reduce__(self):
        return partial, (self.forward,)

"""Ways into a block of a model that leave no trace: each is a context manager.

Copies of the model, also those of pickle, are plain: what stands in the model for the time of a context does nothing in them.
Threads may share the model. `before`, `stopped_at` and `skipped` act in the thread that opened them, and calls of others run as if
they were not there; `on_every_call` acts in all.
"""

from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from threading import Lock, get_ident

import torch

__all__ = ["Output", "before", "block_input", "is_hooked", "is_skipped", "on_every_call", "replaced_input", "skipped", "stopped_at"]


@dataclass(frozen=True)
class Output:
    """The output of a module as a place to get into, where a module itself stands for its input.

    Hooks see it as the arguments that the next block would be given, if there were one.
    """

    module: torch.nn.Module


def block_input(args, kwargs):
    """The hidden state among the arguments of a block."""
    return args[0] if args else kwargs["hidden_states"]


def replaced_input(args, kwargs, h):
    """The arguments of a block with another hidden state."""
    if args:
        return (h, *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": h}


@contextmanager
def before(place, hook):
    """Call `hook(module, args, kwargs)` before each forward of a module, or at its `Output`, in this thread; it may return other (args, kwargs).

    It comes before the hooks that there are: what a link sends of a block's input is what a part begins with.
    """
    handle = _registered(place, hook, get_ident(), prepend=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def on_every_call(place, enter, leave=None):
    """Call `enter(module, args, kwargs)` before each forward of a module, or at its `Output`, and `leave(module, args, kwargs, output)` after it.

    Both may return something else in place of what they were given. Where the forward failed, `output` is None.
    """
    handles = []
    try:
        if leave is not None:  # first, so that of a pass in another thread which is seen to begin the end is seen as well
            handles.append(place.register_forward_hook(_Hook(leave, 3), prepend=True, with_kwargs=True, always_call=True))
        handles.append(_registered(place, enter))
        yield
    finally:
        for handle in reversed(handles):
            handle.remove()


def _registered(place, hook, thread=None, prepend=False):
    if isinstance(place, Output):
        return place.module.register_forward_hook(_Hook(_at_output(hook), 3, thread), prepend=prepend, with_kwargs=True)
    return place.register_forward_pre_hook(_Hook(hook, 2, thread), prepend=prepend, with_kwargs=True)


def _at_output(hook):
    """A hook of a block's arguments, for the output of a module, which may be a tuple that begins with the state."""

    def called(module, args, kwargs, output):
        replaced = hook(module, output if isinstance(output, tuple) else (output,), {})
        if replaced is None:
            return None
        return replaced[0] if isinstance(output, tuple) else replaced[0][0]

    return called


def is_hooked(place):
    """Whether a context of `before` or `on_every_call` is open at a module, or at its `Output`."""
    hooks = place.module._forward_hooks if isinstance(place, Output) else place._forward_pre_hooks
    return any(isinstance(hook, _Hook) for hook in hooks.values())


class _Hook:
    """A hook that copies of its module do not call: in them stands a function of the standard library that does nothing."""

    __slots__ = ("call", "count", "thread")

    def __init__(self, call, count, thread=None):
        self.call = call
        self.count = count
        self.thread = thread

    def __call__(self, module, *arguments):
        if self.thread is not None and self.thread != get_ident():
            return None
        if len(arguments) < self.count:  # PyTorch leaves out the keywords while another thread adds or removes the hook
            return None
        return self.call(module, *arguments)

    def __reduce__(self):
        return getattr, (nullcontext(), "__exit__")


class _Reached(Exception):
    """Ends a forward pass."""


def stopped_at(place, run):
    """Call `run()` until it gets to a module, which is not run, or to its `Output`: the (args, kwargs) there, None if it never gets there."""
    reached = []

    def stop(module, *arguments):
        reached.append(arguments)
        raise _Reached

    with before(place, stop):
        try:
            run()
        except Exception:  # PyTorch raises another one on the way out if a thread opens or closes a context just then
            if not reached:
                raise
    return reached[0] if reached else None


@contextmanager
def skipped(blocks):
    """Blocks that return their input at no cost."""
    entered = []
    try:
        for block in blocks:
            entered.append((block, _enter(block)))
        yield
    finally:
        for block, switch in entered:
            _leave(block, switch)


def is_skipped(block):
    """Whether this thread is within `skipped` of a block."""
    switch = vars(block).get("forward")
    return isinstance(switch, _PassThrough) and switch.threads[get_ident()] > 0


_SWITCHING = Lock()


def _enter(block):
    """One stand-in a block serves all threads: they come and go in any order."""
    with _SWITCHING:
        switch = vars(block).get("forward")
        if not isinstance(switch, _PassThrough):
            switch = _PassThrough(block)
            block.forward = switch
        switch.threads[get_ident()] += 1
    return switch


def _leave(block, switch):
    with _SWITCHING:
        switch.threads[get_ident()] -= 1
        switch.threads += Counter()  # drops those that have left
        if not switch.threads and vars(block).get("forward") is switch:
            del block.forward
            if switch.replaced is not None:
                block.forward = switch.replaced


_OTHER_OUTPUTS: dict[
    type, int | None
] = {}  # of a kind of block: how many come with the state, or None where it comes alone and not in a tuple


class _PassThrough:
    """Stands in for the forward of a block, in the threads that skip it; in others, and in copies of the block, it is that forward."""

    def __init__(self, block):
        self.forward = block.forward
        self.replaced = vars(block).get("forward")
        self.kind = type(block)
        self.threads = Counter()

    def __call__(self, *args, **kwargs):
        if not self.threads[get_ident()]:
            return self.forward(*args, **kwargs)
        if self.kind not in _OTHER_OUTPUTS:  # differs between releases of transformers and is written nowhere: try it
            outputs = self.forward(*args, **kwargs)
            _OTHER_OUTPUTS[self.kind] = len(outputs) - 1 if isinstance(outputs, tuple) else None
        h, others = block_input(args, kwargs), _OTHER_OUTPUTS[self.kind]
        return h if others is None else (h, *[None] * others)

    def __reduce__(self):
        return partial, (self.forward,)

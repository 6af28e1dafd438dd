"""Ways into a block of a model that leave no trace: each is a context manager.

Copies of the model, also those of pickle, are plain: what stands in the model for the time of a context does nothing in them.
Threads may share the model. `before`, `stopped_at` and `skipped` act in the thread that opened them, and calls of others run as if
they were not there; `on_every_call` acts in all.
"""

from collections import Counter
from contextlib import contextmanager, nullcontext
from functools import partial
from threading import Lock, get_ident

__all__ = ["before", "block_input", "is_hooked", "is_skipped", "on_every_call", "replaced_input", "skipped", "stopped_at"]


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
    """Call `hook(module, args, kwargs)` before each forward of a module in this thread; it may return other (args, kwargs).

    It comes before the hooks that there are: what a link sends of a block's input is what a part begins with.
    """
    handle = module.register_forward_pre_hook(_Hook(hook, 2, get_ident()), prepend=True, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def on_every_call(module, enter, leave=None):
    """Call `enter(module, args, kwargs)` before each forward, `leave(module, args, kwargs, output)` after it.

    Both may return something else in place of what they were given. Where the forward failed, `output` is None.
    """
    handles = []
    try:
        if leave is not None:  # first, so that of a pass in another thread which is seen to begin the end is seen as well
            handles.append(module.register_forward_hook(_Hook(leave, 3), prepend=True, with_kwargs=True, always_call=True))
        handles.append(module.register_forward_pre_hook(_Hook(enter, 2), with_kwargs=True))
        yield
    finally:
        for handle in reversed(handles):
            handle.remove()


def is_hooked(module):
    """Whether a context of `before` or `on_every_call` is open at a module."""
    return any(isinstance(hook, _Hook) for hook in module._forward_pre_hooks.values())


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


def stopped_at(module, run):
    """Call `run()` until it gets to a module, which is not run: the module's (args, kwargs), None if it never gets there."""
    reached = []

    def stop(module, *arguments):
        reached.append(arguments)
        raise _Reached

    with before(module, stop):
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

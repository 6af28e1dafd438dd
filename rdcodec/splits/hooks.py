"""Ways into a block of a model that leave no trace: each is a context manager."""

from contextlib import contextmanager

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
    handle = module.register_forward_pre_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


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
            block.forward = _pass_through(block)
        yield
    finally:
        for block, forward in changed:
            del block.forward
            if forward is not None:
                block.forward = forward


_RETURNS_TUPLE = {}


def _pass_through(block):
    forward, kind = block.forward, type(block)

    def pass_through(*args, **kwargs):
        if kind not in _RETURNS_TUPLE:  # differs between releases of transformers and is written nowhere: try it
            _RETURNS_TUPLE[kind] = isinstance(forward(*args, **kwargs), tuple)
        h = block_input(args, kwargs)
        return (h,) if _RETURNS_TUPLE[kind] else h

    return pass_through

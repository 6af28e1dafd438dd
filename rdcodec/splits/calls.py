"""Forward passes in progress: what is known of each, kept by thread.

Blocks see a mask of attention, not of padding, and a cache that the pass has filled already. Both are asked of the module around
the blocks that takes the model's inputs.
"""

import inspect
from threading import local

from transformers.cache_utils import Cache, EncoderDecoderCache
from transformers.utils import ModelOutput

from rdcodec.splits.compiled import refuse_compiled_call

__all__ = ["Calls", "cache_among", "is_empty", "owners"]

_INPUTS = {"input_ids", "pixel_values", "input_features", "input_values"}


def owners(base, block):
    """The modules around a block that take the model's inputs, innermost first.

    The innermost runs the blocks and knows the mask of their tokens: the decoder of an encoder-decoder, for example. Models of
    images and text give it a mask of attention; that of padding is with the next then, so long as that is of the same tokens.
    """
    found = []
    for module in _around(base, block):
        names = inspect.signature(type(module).forward).parameters.keys()
        if found and ("decoder_input_ids" in names or "input_ids" not in names):
            break
        if names & _INPUTS:
            found.append(module)
            if "input_ids" not in names:
                break
    return found or [base]


def _around(base, block):
    """Modules from the parent of a block out to the base model."""
    path = next(name for name, module in base.named_modules() if module is block).split(".")[:-1]
    return [base.get_submodule(".".join(path[:depth])) for depth in range(len(path), -1, -1)]


def cache_among(args, kwargs):
    for value in (*args, *kwargs.values()):
        if isinstance(value, Cache):
            return value
    return None


class _Call:
    """A forward pass of one owner.

    `mask` is the argument of that name; `begins` whether the pass begins a prompt; `reached` whether it came to the block; `sent`
    has what was coded, as pairs of the state that was sent and the one that arrived; `cache` is that which the last block was given,
    where somebody asks for it.
    """

    __slots__ = ("begins", "cache", "mask", "module", "outer", "reached", "sent")

    def __init__(self, module, outer, mask, begins):
        self.module, self.outer, self.mask, self.begins = module, outer, mask, begins
        self.reached, self.sent, self.cache = False, [], None

    def padding(self):
        """The mask of padding, or what there is in its place where no owner was given one."""
        call = self
        while call.outer is not None and call.mask is not None and getattr(call.mask, "ndim", 0) != 2:
            call = call.outer
        return call.mask


class _Thread(local):
    """The passes that a thread is in, with the level of their owner each; the last one is the innermost."""

    def __init__(self):
        self.stack = []


class Calls:
    """The passes of the owners of a block; each thread sees its own."""

    def __init__(self, owners):
        self.owners = owners
        self.positions = [_position_of_mask(owner) for owner in owners]
        self.thread = _Thread()
        self.missed = None
        self.closed = False

    def innermost(self):
        """The pass that runs the block now, None if it began before it could be seen."""
        if self.closed:
            return None
        stack = self.thread.stack
        return stack[-1][1] if stack and stack[-1][0] == 0 else None

    def close(self):
        """Before the hooks are taken away: the end of a pass that is under way then is not seen, and would be taken for one that goes on."""
        self.closed = True

    def enter(self, level, module, args, kwargs):
        refuse_compiled_call(module, args, kwargs)
        stack = self.thread.stack
        outer = stack[-1][1] if stack and stack[-1][0] == level + 1 else None
        position = self.positions[level]
        mask = args[position] if position is not None and position < len(args) else kwargs.get("attention_mask")
        cache = cache_among(args, kwargs)
        stack.append((level, _Call(module, outer, mask if position is not None else None, cache is None or is_empty(cache))))

    def leave(self, level, module, args, kwargs, output):
        stack = self.thread.stack
        if not stack or stack[-1][1].module is not module:
            return None
        call = stack.pop()[1]
        if output is None:  # the pass failed
            return None
        if level == 0 and not call.reached:
            self.missed = type(module).__name__
        if call.outer is not None:
            call.outer.sent += call.sent
        return _shown(output, call.sent)


def _position_of_mask(owner):
    """Where `attention_mask` stands among positional arguments of an owner; None if it has none, or one of something else than tokens."""
    names = list(inspect.signature(type(owner).forward).parameters)[1:]
    return names.index("attention_mask") if "input_ids" in names and "attention_mask" in names else None


def is_empty(cache):
    """Whether a cache holds no tokens; not all layers can say how many they hold."""
    if isinstance(cache, EncoderDecoderCache):
        cache = cache.self_attention_cache
    return not any(map(_holds_tokens, cache.layers))


def _holds_tokens(layer):
    if hasattr(layer, "get_seq_length") and int(layer.get_seq_length()) > 0:  # nearly always: attributes that are not there take longest
        return True
    return any(getattr(layer, "has_previous_state", {}).values())  # linear attention, one state or several


def _shown(output, sent):
    """An output whose lists of hidden states hold what arrived in place of what was sent."""

    def shown(values):
        return tuple(next((there for here, there in sent if value is here), value) for value in values)

    if isinstance(output, ModelOutput):
        for name, values in output.items():
            if type(values) is tuple:
                output[name] = shown(values)
        return output
    if type(output) is tuple:
        return tuple(shown(values) if type(values) is tuple else values for values in output)
    return output

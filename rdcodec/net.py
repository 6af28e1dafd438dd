"""Integer networks: small networks that give the same integers on every machine, so that they may choose frequency tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rdcodec import _core
from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rdcodec.types import Array

__all__ = ["IntegerNet", "Layer"]


class Layer:
    """A causal convolution over tokens; with one tap, a linear layer. See docs/integer-networks.md.

    Attributes
    ----------
    weight : ndarray
        int8 or int16 [outputs, taps, inputs]; tap j takes the input of the token ``j * dilation`` before.
    bias : ndarray
        int32 [outputs]
    shift : ndarray
        uint8 [outputs], by which sums are shifted to the right, rounding.
    clip : ndarray
        int16 [2], lowest and highest output.
    dilation : int
    table : ndarray, optional
        int16 [highest - lowest + 1], what a clipped value is replaced by.

    Raises
    ------
    RdcodecError
        An array is of another element type or rank.
    """

    def __init__(self, weight: Array, bias: Array, shift: Array, clip: Array, dilation: int = 1, table: Array | None = None) -> None:
        self.weight = _array("weight", weight, 3, np.int8, np.int16)
        self.bias = _array("bias", bias, 1, np.int32)
        self.shift = _array("shift", shift, 1, np.uint8)
        self.clip = _array("clip", clip, 1, np.int16)
        self.dilation = integer("dilation", dilation, -(2**31), 2**31 - 1, "an integer within int32")
        self.table = None if table is None else _array("table", table, 1, np.int16)
        if len(self.clip) != 2:
            raise RdcodecError(f"clip: expected 2 entries, got {len(self.clip)}")


class IntegerNet:
    """A chain of layers on int16 activations.

    Parameters
    ----------
    layers : list of Layer
    input_limit : int
        Inputs are clipped to magnitudes of this, 1 to 32767.

    Attributes
    ----------
    uses_context : bool
        Whether a layer has more than one tap.
    inputs, outputs : int
        Of a token.

    Raises
    ------
    RdcodecError
        The layers do not fit each other, a value is out of its range, or an input could overflow a sum; the message names the
        layer.
    LimitError
        A token or a state would take too much: see docs/integer-networks.md.

    Examples
    --------
    >>> bias, shift, clip = np.zeros(1, np.int32), np.zeros(1, np.uint8), np.array([-99, 99], np.int16)
    >>> difference = Layer(np.array([[[1], [-1]]], np.int8), bias, shift, clip)
    >>> net = IntegerNet([difference], input_limit=1000)
    >>> state = net.new_state()
    >>> net.run(state, np.array([[3], [5]], np.int16)).ravel(), net.run(state, np.array([[500]], np.int16)).ravel()
    (array([3, 2], dtype=int16), array([99], dtype=int16))
    """

    def __init__(self, layers: Iterable[Layer], input_limit: int) -> None:
        self.layers = list(layers)
        self.input_limit = integer("input_limit", input_limit, 1, 32767)
        self.core = _core.net_make([_core_layer(layer) for layer in self.layers], self.input_limit)
        self.uses_context = any(layer.weight.shape[1] > 1 for layer in self.layers)
        self.inputs = self.layers[0].weight.shape[2]
        self.outputs = self.layers[-1].weight.shape[0]

    def new_state(self) -> NetState:
        """What `run` remembers; before the first token everything is zero."""
        return NetState(self, _core.net_state(self.core))

    def run(self, state: NetState, x: Array) -> Array:
        """Outputs int16 [tokens, outputs] of the next tokens x, int16 [tokens, inputs]; the same however tokens are grouped.

        Raises
        ------
        RdcodecError
            x has another element type or shape, or another thread uses the state.
        """
        return _core.net_run(state.core, _plain(x))

    def apply(self, x: Array) -> Array:
        """Outputs int16 [tokens, outputs] of tokens x, int16 [tokens, inputs], that do not know of each other.

        Raises
        ------
        RdcodecError
            A layer has more than one tap, or x another element type or shape.
        """
        return _core.net_apply(self.core, _plain(x))

    def best_row(self, x: Array) -> Array:
        """int32 [tokens]: the output of the greatest sum, the first among equals, of tokens x, int16 [tokens, inputs].

        Raises
        ------
        RdcodecError
            The net has more than one layer, or x another element type or shape.
        """
        return _core.net_best_row(self.core, _plain(x))

    def __reduce__(self):
        return IntegerNet, (self.layers, self.input_limit)

    # ---- checkpoints

    def to_tensors(self, prefix: str) -> dict[str, Array]:
        """dict of name to ndarray, as `from_tensors` takes them."""
        tensors = {f"{prefix}.input_limit": np.array(self.input_limit, np.int16)}
        for k, layer in enumerate(self.layers):
            for name in ("weight", "bias", "shift", "clip"):
                tensors[f"{prefix}.{k}.{name}"] = getattr(layer, name)
            tensors[f"{prefix}.{k}.dilation"] = np.array(layer.dilation, np.uint16)
            if layer.table is not None:
                tensors[f"{prefix}.{k}.table"] = layer.table
        return tensors

    @classmethod
    def from_tensors(cls, prefix: str, tensors: Mapping[str, Array]) -> IntegerNet:
        """The net of a checkpoint's tensors whose names begin with the prefix, those of its layers, each as `Layer` has it, [outputs, ...].

        Raises
        ------
        RdcodecError
            A tensor is missing, of another element type or rank, or the net is refused.
        """
        limit = _array(f"{prefix}.input_limit", _tensor(tensors, f"{prefix}.input_limit"), 0, np.int16)
        layers = [_layer_of(f"{prefix}.0.", tensors)]
        while f"{prefix}.{len(layers)}.weight" in tensors:
            layers.append(_layer_of(f"{prefix}.{len(layers)}.", tensors))
        try:
            return cls(layers, limit)
        except RdcodecError as error:
            raise type(error)(f"{prefix}: {error}") from error


class NetState:
    """What a network remembers of earlier tokens; copies, also of `pickle`, go on on their own.

    One thread at a time may use it: another one is refused with an `RdcodecError`.
    """

    def __init__(self, net, core):
        self._net = net
        self.core = core

    def __copy__(self):
        return NetState(self._net, _core.net_state_copy(self.core))

    def __deepcopy__(self, memo):
        return self.__copy__()

    def __reduce__(self):
        return _loaded_state, (self._net, _core.net_state_save(self.core))


def _loaded_state(net, saved):
    return NetState(net, _core.net_state_load(net.core, saved))


def _plain(x):
    """An array that the core can read."""
    x = np.ascontiguousarray(x)
    return x if x.flags.aligned else x.copy()


def _core_layer(layer):
    lowest, highest = (int(value) for value in layer.clip)
    return layer.weight.astype(np.int16), layer.bias, layer.shift, lowest, highest, layer.dilation, layer.table


def _layer_of(prefix, tensors):
    parts = [_tensor(tensors, prefix + name) for name in ("weight", "bias", "shift", "clip", "dilation")]
    try:
        dilation = _array("dilation", parts.pop(), 0, np.uint16)
        return Layer(*parts, dilation, tensors.get(prefix + "table"))
    except RdcodecError as error:
        raise RdcodecError(f"{prefix}{error}") from error


def _tensor(tensors, name):
    if name not in tensors:
        raise RdcodecError(f"the checkpoint lacks the tensor {name}")
    return tensors[name]


def _array(name, array, rank, *dtypes):
    array = np.asarray(array, order="C")
    if array.dtype not in dtypes or array.ndim != rank:
        expected = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise RdcodecError(f"{name}: expected {expected} of {rank} axes, got {array.dtype} of {array.ndim}")
    return array

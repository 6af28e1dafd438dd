"""Integer networks: small networks that give the same integers on every machine, so that they may choose frequency tables."""

import numpy as np

from rdcodec import _core
from rdcodec.errors import RdcodecError

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
    """

    def __init__(self, weight, bias, shift, clip, dilation=1, table=None):
        self.weight = weight
        self.bias = bias
        self.shift = shift
        self.clip = clip
        self.dilation = int(dilation)
        self.table = table


class IntegerNet:
    """A chain of layers on int16 activations.

    Parameters
    ----------
    layers : list of Layer
    input_limit : int
        Inputs are clipped to magnitudes of this, 1 to 32767.

    Raises
    ------
    RdcodecError
        The layers do not fit each other, a value is out of its range, or an input could overflow a sum; the message names the
        layer.

    Examples
    --------
    >>> difference = Layer(np.array([[[1], [-1]]], np.int8), np.zeros(1, np.int32), np.zeros(1, np.uint8), np.array([-99, 99], np.int16))
    >>> net = IntegerNet([difference], input_limit=1000)
    >>> state = net.new_state()
    >>> net.run(state, np.array([[3], [5]], np.int16)).ravel(), net.run(state, np.array([[500]], np.int16)).ravel()
    (array([3, 2], dtype=int16), array([99], dtype=int16))
    """

    def __init__(self, layers, input_limit):
        self.layers = list(layers)
        self.input_limit = int(input_limit)
        self._core = _core.net_make([_core_layer(layer) for layer in self.layers], self.input_limit)
        self.inputs = self.layers[0].weight.shape[2]
        self.outputs = self.layers[-1].weight.shape[0]

    def new_state(self):
        """What `run` remembers; before the first token everything is zero."""
        return NetState(_core.net_state(self._core))

    def run(self, state, x):
        """Outputs int16 [tokens, outputs] of the next tokens x, int16 [tokens, inputs]; the same however tokens are grouped."""
        return _core.net_run(state._core, np.ascontiguousarray(x))

    def apply(self, x):
        """Outputs int16 [tokens, outputs] of tokens that do not know of each other; for layers of one tap."""
        return _core.net_apply(self._core, np.ascontiguousarray(x))

    def best_row(self, x):
        """int32 [tokens]: the output of the greatest sum, the first among equals; for nets of one layer."""
        return _core.net_best_row(self._core, np.ascontiguousarray(x))

    # ---- checkpoints

    def to_tensors(self, prefix):
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
    def from_tensors(cls, prefix, tensors):
        """The net of a checkpoint's tensors whose names begin with the prefix.

        Raises
        ------
        RdcodecError
            A tensor is missing, of another element type or rank, or the net is refused.
        """
        limit = _tensor(tensors, f"{prefix}.input_limit", np.int16, 0)
        layers = []
        while f"{prefix}.{len(layers)}.weight" in tensors:
            name = f"{prefix}.{len(layers)}."
            table = _tensor(tensors, name + "table", np.int16, 1) if name + "table" in tensors else None
            clip = _tensor(tensors, name + "clip", np.int16, 1)
            if len(clip) != 2:
                raise RdcodecError(f"{name}clip: expected 2 entries, got {len(clip)}")
            layers.append(
                Layer(
                    _tensor(tensors, name + "weight", (np.int8, np.int16), 3),
                    _tensor(tensors, name + "bias", np.int32, 1),
                    _tensor(tensors, name + "shift", np.uint8, 1),
                    clip,
                    _tensor(tensors, name + "dilation", np.uint16, 0),
                    table,
                )
            )
        try:
            return cls(layers, limit) if layers else _missing(f"{prefix}.0.weight")
        except RdcodecError as error:
            raise RdcodecError(f"{prefix}: {error}") from error


class NetState:
    """What a network remembers of earlier tokens; `copy.copy` makes one that goes on on its own."""

    def __init__(self, core):
        self._core = core

    def __copy__(self):
        return NetState(_core.net_state_copy(self._core))

    def __deepcopy__(self, memo):
        return self.__copy__()


def _core_layer(layer):
    lowest, highest = (int(value) for value in layer.clip)
    weight = np.ascontiguousarray(layer.weight, np.int16)
    return weight, layer.bias, layer.shift, lowest, highest, layer.dilation, layer.table


def _missing(name):
    raise RdcodecError(f"the checkpoint lacks the tensor {name}")


def _tensor(tensors, name, dtypes, rank):
    tensor = tensors[name] if name in tensors else _missing(name)
    dtypes = dtypes if isinstance(dtypes, tuple) else (dtypes,)
    if tensor.dtype not in dtypes or tensor.ndim != rank:
        expected = " or ".join(np.dtype(dtype).name for dtype in dtypes)
        raise RdcodecError(f"{name}: expected {expected} of {rank} axes, got {tensor.dtype} of {tensor.ndim}")
    return np.asarray(tensor, order="C")  # which keeps scalars what they are

"""What networks refuse, in the core and in checkpoints, and that the message says why."""

import numpy as np
import pytest

from rdcodec import LimitError, RdcodecError, _core
from rdcodec.net import IntegerNet, Layer


def layer(outputs=2, inputs=3, taps=1, weight=1, bias=0, shift=0, clip=(-9, 9), dilation=1, table=None):
    return Layer(
        np.full((outputs, taps, inputs), weight, np.int16),
        np.full(outputs, bias, np.int32),
        np.full(outputs, shift, np.uint8),
        np.array(clip, np.int16),
        dilation,
        table,
    )


CHANNELS = "expected 1 to 65536 channels and at most 2^20 weights an output, got "
DILATION = "layer 0: expected a dilation of 1 to 4096 and at most 2^24 inputs before a token, got "

REFUSED = {
    "no layers": ([], 9, "network: expected 1 to 32 layers, and 1 to find rows, got 0"),
    "33 layers": ([layer(3, 3)] * 33, 9, "network: expected 1 to 32 layers, and 1 to find rows, got 33"),
    "limit of 0": ([layer()], 0, "input_limit: expected 1 to 32767, got 0"),
    "negative limit": ([layer()], -5, "input_limit: expected 1 to 32767, got -5"),
    "limit of 32768": ([layer()], 2**15, "input_limit: expected 1 to 32767, got 32768"),
    "no inputs": ([layer(inputs=0)], 9, f"layer 0: {CHANNELS}0"),
    "no outputs": ([layer(outputs=0)], 9, f"layer 0: {CHANNELS}0"),
    "65537 inputs": ([layer(inputs=65537)], 9, f"layer 0: {CHANNELS}65537"),
    "65537 outputs": ([layer(), layer(65537, 2)], 9, f"layer 1: {CHANNELS}65537"),
    "long rows": ([layer(1, 65536, 17)], 9, f"layer 0: {CHANNELS}1114112"),
    "a chain": ([layer(2, 3), layer(2, 3)], 9, "layer 1: expected as many inputs as the layer before has outputs, got 3"),
    "no taps": ([layer(taps=0)], 9, "layer 0: expected 1 to 64 taps, got 0"),
    "65 taps": ([layer(taps=65)], 9, "layer 0: expected 1 to 64 taps, got 65"),
    "no dilation": ([layer(dilation=0)], 9, DILATION + "0"),
    "dilation of 4097": ([layer(dilation=4097)], 9, DILATION + "4097"),
    "a long memory": ([layer(1, 66, 64, dilation=4096)], 9, DILATION + "258048"),
    "clip": (
        [layer(clip=(4, 3), table=np.zeros(0, np.int16))],
        9,
        "layer 0: expected a lowest value that is not above the highest, got 4",
    ),
    "shift of 31": ([layer(), layer(inputs=2, shift=31)], 9, "layer 1: expected shifts of 0 to 30, got 31"),
    "shift of 255": ([layer(shift=255)], 9, "layer 0: expected shifts of 0 to 30, got 255"),
    "range of inputs": ([layer(weight=-(2**15))], 2**15 - 1, "layer 0: the sum of output 0 could leave 32 bits"),
    "range of clipped values": (
        [layer(clip=(-(2**15), 0)), layer(inputs=2, weight=2**15 - 1, bias=2**16)],
        9,
        "layer 1: the sum of output 0 could leave 32 bits",
    ),
    "range of a table": (
        [layer(clip=(0, 1), table=np.array([0, -(2**15)], np.int16)), layer(inputs=2, weight=-(2**15))],
        9,
        "layer 1: the sum of output 0 could leave 32 bits",
    ),
    "range of a bias": ([layer(bias=-(2**31))], 9, "layer 0: the sum of output 0 could leave 32 bits"),
    "table": ([layer(table=np.zeros(18, np.int16))], 9, "table: expected an entry for each value from -9 to 9, got 18"),
}


LONG = layer(1, 2**14, 64, weight=0, dilation=16)
WIDE = [layer(60000, 1, weight=0), layer(1, 60000, weight=0)]
TOO_MUCH = {  # of layers that are small enough on their own
    "weights": ([layer(2**12, 2**12, 4, weight=0)] * 4 + [layer(4, 2**12, weight=0)], "at most 2^28 weights, got 268500992"),
    "past": ([layer(64, 64, 64, weight=0, dilation=2080)] * 3, "at most 2^24 inputs of all layers before a token, got 25159680"),
    "state": ([LONG, *WIDE * 12], "a state of at most 2^28 bytes, got 276866560"),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_networks_that_would_take_too_much(name):
    """A checkpoint of 280 kB made decoders of 1 GB each, and moved as much with every token."""
    layers, message = TOO_MUCH[name]
    with pytest.raises(LimitError) as refusal:
        IntegerNet(layers, 9)
    assert str(refusal.value) == f"network: expected {message}"


def test_what_is_refused_keeps_its_class_in_a_checkpoint():
    with pytest.raises(LimitError, match=r"net: network: expected at most 2\^24 inputs"):
        tensors = IntegerNet(TOO_MUCH["past"][0][:1], 9).to_tensors("net")
        tensors.update({name.replace("net.0", f"net.{k}"): value for name, value in tensors.items() for k in (1, 2)})
        IntegerNet.from_tensors("net", tensors)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    layers, limit, message = REFUSED[name]
    with pytest.raises(RdcodecError) as refusal:
        IntegerNet(layers, limit)
    assert str(refusal.value) == message


ALLOWED = {
    "the longest rows": ([layer(1, 2**14, 64, weight=0, dilation=16)], 2**15 - 1),
    "the longest memory": ([layer(1, 65, 64, weight=0, dilation=4096)], 2**15 - 1),
    "32 layers": ([layer(3, 3)] * 32, 1),
    "one value": ([layer(clip=(-(2**15), -(2**15)), table=np.zeros(1, np.int16))], 9),
    "the range of clipped values": ([layer(clip=(-(2**15), 0)), layer(inputs=2, weight=2**15 - 1, bias=2**16 - 1)], 9),
    "the range of a table": (
        [layer(1, clip=(-9, -8), table=np.array([-(2**15), 2**15 - 1], np.int16)), layer(2, 1, weight=-(2**15), bias=2**30 - 1)],
        9,
    ),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_just_allowed_is_not_refused(name):
    layers, limit = ALLOWED[name]
    net = IntegerNet(layers, limit)
    assert (net.inputs, net.outputs) == (layers[0].weight.shape[2], layers[-1].weight.shape[0])


def test_the_message_names_the_output():
    bad = layer(outputs=5)
    bad.bias[3] = 2**31 - 1
    with pytest.raises(RdcodecError, match="layer 1: the sum of output 3 could leave 32 bits"):
        IntegerNet([layer(3), bad], 9)


# ---- arrays of a layer


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weight", np.zeros((2, 1, 3), np.int32), "weight: expected int8 or int16 of 3 axes, got int32 of 3"),
        ("weight", np.zeros((2, 3), np.int8), "weight: expected int8 or int16 of 3 axes, got int8 of 2"),
        ("bias", np.zeros(2), "bias: expected int32 of 1 axes, got float64 of 1"),
        ("bias", np.zeros((2, 1), np.int32), "bias: expected int32 of 1 axes, got int32 of 2"),
        ("shift", np.zeros(2, np.int8), "shift: expected uint8 of 1 axes, got int8 of 1"),
        ("clip", np.zeros(2, np.int32), "clip: expected int16 of 1 axes, got int32 of 1"),
        ("clip", np.zeros(2, ">i2"), "clip: expected int16 of 1 axes, got >i2 of 1"),
        ("clip", np.zeros(3, np.int16), "clip: expected 2 entries, got 3"),
        ("table", np.zeros(19, np.int8), "table: expected int16 of 1 axes, got int8 of 1"),
    ],
)
def test_arrays_of_another_type_or_rank_are_refused(name, array, message):
    good = layer()
    arrays = {"weight": good.weight, "bias": good.bias, "shift": good.shift, "clip": good.clip, "table": None}
    with pytest.raises(RdcodecError) as refusal:
        Layer(**{**arrays, name: array})
    assert str(refusal.value) == message


@pytest.mark.parametrize("name", ["bias", "shift"])
def test_each_output_needs_a_bias_and_a_shift(name):
    bad = layer(outputs=5)
    setattr(bad, name, getattr(bad, name)[:4])
    message = r"weights: expected shape \[outputs, taps, inputs\], and a bias and a shift for each output"
    with pytest.raises(RdcodecError, match=message):
        IntegerNet([bad], 9)


def test_arrays_may_be_views():
    good = layer(outputs=4)
    good.weight[:] = np.arange(12).reshape(4, 1, 3)
    x = np.ones((2, 3), np.int16)
    view = Layer(np.asfortranarray(good.weight), np.repeat(good.bias, 2)[::2], good.shift[::-1], good.clip[::-1][::-1])
    assert np.array_equal(IntegerNet([view], 9).apply(x), IntegerNet([good], 9).apply(x))


# ---- inputs and states


def test_inputs_of_another_shape_or_type_are_refused():
    net = IntegerNet([layer()], 9)
    for call in (net.apply, lambda x: net.run(net.new_state(), x)):
        for bad in (np.zeros((4, 2), np.int16), np.zeros(3, np.int16)):
            with pytest.raises(RdcodecError, match=r"x: expected shape \[tokens, 3\]"):
                call(bad)
        with pytest.raises(TypeError, match="x: expected a C-contiguous array of int16, got one of dtype"):
            call(np.zeros((4, 3), np.int32))


def test_tokens_that_know_of_each_other_have_no_outputs_on_their_own():
    x = np.zeros((4, 3), np.int16)
    for net in (IntegerNet([layer(taps=2)], 9), IntegerNet([layer(), layer(inputs=2, taps=2, dilation=3)], 9)):
        with pytest.raises(RdcodecError, match="network: expected layers of one tap, for tokens are taken on their own"):
            net.apply(x)
    with pytest.raises(RdcodecError, match="network: expected layers of one tap, for tokens are taken on their own"):
        IntegerNet([layer(taps=2)], 9).best_row(x)
    with pytest.raises(RdcodecError, match="network: expected 1 to 32 layers, and 1 to find rows, got 2"):
        IntegerNet([layer(), layer(inputs=2)], 9).best_row(x)


def test_objects_of_other_types_are_refused():
    net, x = IntegerNet([layer()], 9).core, np.zeros((1, 3), np.int16)
    for call in (lambda: _core.net_run(net, x), lambda: _core.net_state_copy(net)):
        with pytest.raises(TypeError, match="must be rdcodec._core.NetState, not rdcodec._core.Net"):
            call()
    for call in (lambda: _core.net_state(5), lambda: _core.net_apply(5, x), lambda: _core.net_best_row(5, x)):
        with pytest.raises(TypeError, match="must be rdcodec._core.Net, not int"):
            call()
    for kind in (_core.Net, _core.NetState):
        with pytest.raises(TypeError, match="cannot create"):
            kind()


def test_layers_of_the_core_are_tuples():
    with pytest.raises(TypeError, match="layers: expected tuples, got int"):
        _core.net_make([5], 9)
    with pytest.raises(TypeError, match="weights: expected a C-contiguous array of int16, got list"):
        _core.net_make([([], [], [], 0, 0, 1, None)], 9)


def test_kernels_of_no_machine_are_refused():
    net = IntegerNet([layer()], 9)
    x = np.zeros((1, 3), np.int16)
    for call, of in ((_core.net_run, net.new_state().core), (_core.net_apply, net.core), (_core.net_best_row, net.core)):
        with pytest.raises(RdcodecError, match="expected a class of kernels that this machine has"):
            call(of, x, "avx9000")


# ---- checkpoints


@pytest.fixture
def tensors():
    return IntegerNet([layer(table=np.arange(19, dtype=np.int16)), layer(inputs=2, taps=2, dilation=3)], 9).to_tensors("net")


def test_a_checkpoint_gives_the_net_back(tensors):
    net = IntegerNet.from_tensors("net", {"other": np.zeros(1), **tensors})
    assert net.input_limit == 9
    assert net.layers[1].dilation == 3
    again = net.to_tensors("net")
    assert tensors.keys() == again.keys()
    assert all(np.array_equal(again[name], tensor) and again[name].dtype == tensor.dtype for name, tensor in tensors.items())


@pytest.mark.parametrize("name", ["input_limit", "0.weight", "0.bias", "0.shift", "0.clip", "0.dilation", "1.bias", "1.dilation"])
def test_missing_tensors_are_named(tensors, name):
    del tensors[f"net.{name}"]
    with pytest.raises(RdcodecError, match=f"the checkpoint lacks the tensor net.{name}$"):
        IntegerNet.from_tensors("net", tensors)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("input_limit", np.array(9, np.int32), "net.input_limit: expected int16 of 0 axes, got int32 of 0"),
        ("input_limit", np.array([9], np.int16), "net.input_limit: expected int16 of 0 axes, got int16 of 1"),
        ("input_limit", np.array(0, np.int16), "net: input_limit: expected 1 to 32767, got 0"),
        ("0.weight", np.zeros((2, 3), np.int8), "net.0.weight: expected int8 or int16 of 3 axes, got int8 of 2"),
        ("0.table", np.zeros(19, np.int32), "net.0.table: expected int16 of 1 axes, got int32 of 1"),
        ("0.table", np.zeros(20, np.int16), "net: table: expected an entry for each value from -9 to 9, got 20"),
        ("1.dilation", np.array(3, np.int16), "net.1.dilation: expected uint16 of 0 axes, got int16 of 0"),
        ("1.clip", np.zeros(1, np.int16), "net.1.clip: expected 2 entries, got 1"),
        ("1.shift", np.full(2, 40, np.uint8), "net: layer 1: expected shifts of 0 to 30, got 40"),
    ],
)
def test_tensors_of_another_type_or_value_are_refused(tensors, name, array, message):
    tensors[f"net.{name}"] = array
    with pytest.raises(RdcodecError) as refusal:
        IntegerNet.from_tensors("net", tensors)
    assert str(refusal.value) == message

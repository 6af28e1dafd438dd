"""Integer networks: the integers of the reference, however tokens are grouped, on any class of CPUs and number of threads."""

import copy
import os
import pickle
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_nets import INPUT_LIMIT, nets_and_inputs, random_inputs, random_layer

from rdcodec import RdcodecError, _core, reference
from rdcodec.net import IntegerNet, Layer

INT32_MAX = 2**31 - 1


def expected(net, x):
    return reference.run_net(net.layers, net.input_limit, x)


@given(case=nets_and_inputs())
def test_outputs_are_those_of_the_reference(cpu, case):
    net, x = case
    out = _core.net_run(net.new_state().core, x, cpu)
    assert out.dtype == np.int16
    assert np.array_equal(out, expected(net, x))


@given(case=nets_and_inputs(), cuts=st.lists(st.integers(0, 150), max_size=6))
def test_any_grouping_of_tokens_gives_the_same(cpu, case, cuts):
    net, x = case
    state = net.new_state()
    parts = [_core.net_run(state.core, part, cpu) for part in np.split(x, sorted(min(cut, len(x)) for cut in cuts))]
    assert np.array_equal(np.concatenate(parts), expected(net, x))


@given(case=nets_and_inputs(), cut=st.integers(0, 150))
def test_copies_of_states_go_on_on_their_own(case, cut):
    net, x = case
    other = x[cut:][::-1]
    state = net.new_state()
    net.run(state, x[:cut])
    shallow, deep = copy.copy(state), copy.deepcopy(state)
    assert np.array_equal(net.run(shallow, other), expected(net, np.concatenate([x[:cut], other]))[cut:])
    for unmoved in (state, deep):
        assert np.array_equal(net.run(unmoved, x[cut:]), expected(net, x)[cut:])


@given(case=nets_and_inputs(), cut=st.integers(0, 150))
def test_pickled_nets_and_states_go_on(case, cut):
    net, x = case
    state = net.new_state()
    net.run(state, x[:cut])
    twin, twin_state = pickle.loads(pickle.dumps((net, state)))
    assert np.array_equal(twin.run(twin_state, x[cut:]), expected(net, x)[cut:])
    assert np.array_equal(net.run(state, x[cut:]), expected(net, x)[cut:])
    assert np.array_equal(copy.deepcopy(net).run(net.new_state(), x), expected(net, x))


def two_layers(table=None):
    """One tap, then three: the second layer remembers two tokens of two outputs, which lie from -5 to 9."""
    first = Layer(np.ones((2, 2, 1), np.int8), np.zeros(2, np.int32), np.zeros(2, np.uint8), np.array([-5, 9], np.int16), table=table)
    second = Layer(np.ones((1, 3, 2), np.int8), np.zeros(1, np.int32), np.zeros(1, np.uint8), np.array([-99, 99], np.int16))
    return IntegerNet([first, second], 100)


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 101), (0, -101), (0, -32768), (1, 10), (1, -6), (4, 32767)],
)
def test_states_that_no_run_leaves_behind_are_refused(at, value):
    net = two_layers()
    saved = np.zeros(5, "<i2")
    saved[at] = value
    with pytest.raises(RdcodecError, match=f"state: no such network remembers {value}, which stands at position {at}"):
        _core.net_state_load(net.core, saved.tobytes())


def test_states_that_a_run_leaves_behind_are_loaded():
    saved = np.array([-100, 9, -5, 0, 9], "<i2").tobytes()
    assert _core.net_state_save(_core.net_state_load(two_layers().core, saved)) == saved
    table = np.arange(15, dtype=np.int16) * -7 - 2  # -2 to -100, and the zero before the first token
    saved = np.array([100, -100, -2, 0, -3], "<i2")
    assert _core.net_state_save(_core.net_state_load(two_layers(table).core, saved)) == saved.tobytes()
    for value in (1, -101):
        saved[1] = value
        with pytest.raises(RdcodecError, match=f"remembers {value}, which stands at position 1"):
            _core.net_state_load(two_layers(table).core, saved)


def test_states_of_another_size_are_refused():
    for size in (0, 4, 9, 11, 12):
        with pytest.raises(RdcodecError, match=f"state: expected 10 bytes, got {size}"):
            _core.net_state_load(two_layers().core, bytes(size))


def test_a_state_outlives_its_net():
    x = random_inputs(np.random.default_rng(1), 9, 3)
    net = IntegerNet([random_layer(np.random.default_rng(2), 5, 2, 3)], INPUT_LIMIT)
    state, out = net.new_state(), expected(net, x)
    del net
    assert np.array_equal(_core.net_run(state.core, x), out)


def test_what_lies_far_back_is_remembered():
    weight, clip = np.array([[[0]] * 63 + [[1]]], np.int8), np.array([-99, 99], np.int16)
    echo = Layer(weight, np.zeros(1, np.int32), np.zeros(1, np.uint8), clip, dilation=9)
    x = (np.arange(1000) % 80).astype(np.int16)[:, None]
    net = IntegerNet([echo], INPUT_LIMIT)
    assert np.array_equal(net.run(net.new_state(), x)[:, 0], np.concatenate([np.zeros(567), x[:433, 0]]))


# ---- tokens on their own


@given(case=nets_and_inputs(most_taps=1))
def test_apply_is_run_for_nets_without_context(cpu, case):
    net, x = case
    out = _core.net_apply(net.core, x, cpu)
    assert out.dtype == np.int16
    assert np.array_equal(out, expected(net, x))


@given(case=nets_and_inputs(most_taps=1, most_layers=1))
def test_best_row_has_the_greatest_sum(cpu, case):
    net, x = case
    assert np.array_equal(_core.net_best_row(net.core, x, cpu), reference.best_row(net.layers[0], net.input_limit, x))


def rows_net(weight, bias, input_limit=INPUT_LIMIT):
    outputs = len(weight)
    return IntegerNet([Layer(weight[:, None], bias, np.zeros(outputs, np.uint8), np.zeros(2, np.int16))], input_limit)


@pytest.mark.parametrize("outputs", [1, 3, 127, 128, 129, 300, 1000])
def test_the_first_among_equal_rows_is_the_best(cpu, outputs):
    """Wherever equals stand: in one panel of rows, in two, and among rows that only pad the last."""
    rng = np.random.default_rng(outputs)
    x = random_inputs(rng, 70, 5)
    few = rng.integers(-3, 4, (3, 5)).astype(np.int8)
    weight, bias = few[rng.integers(0, 3, outputs)], np.full(outputs, -(2**20), np.int32)
    net = rows_net(weight, bias)
    assert np.array_equal(_core.net_best_row(net.core, x, cpu), reference.best_row(net.layers[0], INPUT_LIMIT, x))
    assert not _core.net_best_row(rows_net(0 * weight, bias).core, x, cpu).any()


def test_the_last_row_may_be_the_best(cpu):
    net = rows_net(np.arange(-500, 1, dtype=np.int16)[:, None], np.zeros(501, np.int32))
    assert _core.net_best_row(net.core, np.array([[1], [-1], [0]], np.int16), cpu).tolist() == [500, 0, 0]


@pytest.mark.parametrize("tokens", [0, 1, 15, 16, 17, 64, 65, 500])
def test_tokens_are_shared_out_among_threads(tokens):
    rng = np.random.default_rng(tokens)
    net = IntegerNet([random_layer(rng, 9, 1, 20), random_layer(rng, 4, 1, 9)], INPUT_LIMIT)
    rows = IntegerNet([random_layer(rng, 140, 1, 20)], INPUT_LIMIT)
    x = random_inputs(rng, tokens, 20)
    assert np.array_equal(net.apply(x), expected(net, x))
    assert np.array_equal(rows.best_row(x), reference.best_row(rows.layers[0], INPUT_LIMIT, x))


@pytest.mark.parametrize("threads", ["1", "2"])
def test_any_number_of_threads_gives_the_same(threads):
    program = (
        "import numpy as np; from rdcodec.net import *; i = np.arange(400 * 30).reshape(400, 30);"
        "bias, shift, clip = i[:, 0].astype(np.int32), (i[:, 0] % 9).astype(np.uint8), np.array([-999, 999], np.int16);"
        "layer = Layer((i % 251 - 125).astype(np.int8)[:, None], bias, shift, clip);"
        "net = IntegerNet([layer], 1000); x = (i * i % 2003 - 1001).astype(np.int16);"
        "print(net.apply(x).tobytes().hex(), net.best_row(x).tobytes().hex())"
    )
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment).stdout
    names = {}
    exec(program.rsplit(";", 1)[0], names)
    x, layer = names["x"], names["layer"]
    out, rows = (bytes.fromhex(word) for word in printed.split())
    assert np.array_equal(np.frombuffer(out, np.int16).reshape(400, 400), reference.run_net([layer], 1000, x))
    assert np.array_equal(np.frombuffer(rows, np.int32), reference.best_row(layer, 1000, x))


def test_one_thread_at_a_time_uses_a_state():
    rng = np.random.default_rng(3)
    net = IntegerNet([random_layer(rng, 128, 4, 128)], INPUT_LIMIT)
    x = random_inputs(rng, 4000, 128)
    state, outputs, refusals = net.new_state(), [], set()
    thread = threading.Thread(target=lambda: outputs.append(_core.net_run(state.core, x, "scalar")))
    thread.start()
    while thread.is_alive():
        try:
            copy.copy(state)
        except RdcodecError as error:
            refusals.add(str(error))
    thread.join()
    assert refusals == {"state: another thread is using it"}
    assert np.array_equal(outputs[0], net.run(net.new_state(), x))


def test_arrays_that_are_not_aligned_are_taken():
    x = random_inputs(np.random.default_rng(4), 9, 3)
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.int16).reshape(x.shape)
    unaligned[...] = x
    assert not unaligned.flags.aligned
    net = IntegerNet([random_layer(np.random.default_rng(5), 5, 1, 3)], INPUT_LIMIT)
    assert np.array_equal(net.apply(unaligned), net.apply(x))
    assert np.array_equal(net.best_row(unaligned), net.best_row(x))
    assert np.array_equal(net.run(net.new_state(), unaligned), net.apply(x))


@pytest.mark.parametrize("limit", [0, 2**15, 2**70, 1.5, "9"])
def test_numbers_that_are_none_or_out_of_range_are_named(limit):
    layer = random_layer(np.random.default_rng(5), 5, 1, 3)
    with pytest.raises(RdcodecError, match=f"input_limit: expected 1 to 32767, got {limit!r}"):
        IntegerNet([layer], limit)
    arrays = layer.weight, layer.bias, layer.shift, layer.clip
    if limit != 0 and limit != 2**15:
        with pytest.raises(RdcodecError, match=f"dilation: expected an integer within int32, got {limit!r}"):
            Layer(*arrays, limit)
    assert Layer(*arrays, np.uint16(3)).dilation == 3 and IntegerNet([layer], np.int64(9)).input_limit == 9


# ---- extremes


def extreme_net(weights, input_limit, shift, sign, excess=0):
    """One output whose sum, rounding included, reaches 2**31 - 1 + excess or the negative of it."""
    weight = np.array(weights, np.int16)
    half = (1 << shift) >> 1
    bias = INT32_MAX - half - int(np.abs(weight.astype(int)).sum()) * input_limit + excess
    clip = np.array([-(2**15), 2**15 - 1], np.int16)
    layer = Layer(weight[None, None], np.array([sign * bias], np.int32), np.array([shift], np.uint8), clip)
    return IntegerNet([layer], input_limit)


# weights, the limit of inputs, the shift
EXTREMES = [
    ([32767, -32767], 32767, 0),
    ([32767, -32767], 32767, 17),
    ([-32768, 32766], 32767, 1),
    ([-128, 127] * 66, 32767, 0),
    ([-128, 127] * 66, 32767, 30),
    ([-128] * 4000 + [127] * 4000, 2000, 15),
]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("weights", "limit", "shift"), EXTREMES)
def test_extremes_that_the_range_check_just_allows(cpu, weights, limit, shift, sign):
    net = extreme_net(weights, limit, shift, sign)
    largest = (np.sign(weights) * limit).astype(np.int16)
    x = np.stack([largest, -largest, np.full_like(largest, 32767), np.full_like(largest, -32768), 0 * largest])
    out, sums = expected(net, x), reference.layer_sums(net.layers[0], reference.clip_inputs(x, limit))
    assert abs(sums).max() + ((1 << shift) >> 1) == INT32_MAX
    assert np.array_equal(_core.net_run(net.new_state().core, x, cpu), out)
    assert np.array_equal(_core.net_apply(net.core, x, cpu), out)
    assert (_core.net_best_row(net.core, x, cpu) == 0).all()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("weights", "limit", "shift"), EXTREMES)
def test_one_more_is_refused(weights, limit, shift, sign):
    with pytest.raises(RdcodecError, match="layer 0: the sum of output 0 could leave 32 bits"):
        extreme_net(weights, limit, shift, sign, excess=1)


def test_activations_reach_the_ends_of_int16(cpu):
    ends = np.array([-(2**15), 2**15 - 1], np.int16)
    zeros = np.zeros(2, np.uint8)
    spread = Layer(np.array([[[2]], [[-2]]], np.int8), np.zeros(2, np.int32), zeros, ends)
    pair = Layer(np.array([[[-(2**15), 2**15 - 1]]], np.int16), np.zeros(1, np.int32), np.array([15], np.uint8), ends)
    net = IntegerNet([spread, pair], 32767)
    x = np.array([[32767], [-32767], [-32768], [0]], np.int16)
    assert np.array_equal(_core.net_run(net.new_state().core, x, cpu), expected(net, x))


def test_shifts_round_half_up(cpu):
    halves = Layer(np.ones((1, 1, 1), np.int8), np.zeros(1, np.int32), np.ones(1, np.uint8), np.array([-9, 9], np.int16))
    x = np.arange(-5, 6, dtype=np.int16)[:, None]
    out = _core.net_run(IntegerNet([halves], 99).new_state().core, x, cpu)
    assert out.ravel().tolist() == [-2, -2, -1, -1, 0, 0, 1, 1, 2, 2, 3]

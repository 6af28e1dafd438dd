"""Calls whose arrays another thread changes all the while. `python changed_arrays.py NAME` makes many; memory must not be harmed."""

import sys
import threading

import numpy as np

from rdcodec import RdcodecError, _core
from rdcodec.entropy import FrequencyTables
from rdcodec.net import IntegerNet, Layer

CALLS = 150
LARGEST = 2**31 - 1
TOKENS, COMPONENTS, SCALES = 200, 40, 20
TABLES = FrequencyTables.gaussian(np.geomspace(0.3, 40, 4 * SCALES))
WIDE = FrequencyTables.joined([FrequencyTables.gaussian([1e4, 3.0]), FrequencyTables.from_pmf([[0.5, *np.zeros(10**5), 0.5]], 0)])
COSTS = np.ones((4 * SCALES, 9), np.uint16)
CANDIDATES = np.int32([-2, 0, 2])


def encode(dtype=np.uint16):
    symbols, index = np.arange(40_000, dtype=np.int32) % 9 - 4, (np.arange(40_000) % 80).astype(dtype)
    return lambda: TABLES.encode(symbols, index), [(index, np.iinfo(dtype).max), (symbols, LARGEST), (symbols, -LARGEST)]


def encode_narrow():
    return encode(np.uint8)


def decode(dtype=np.uint16):
    index = (np.arange(40_000) % 80).astype(dtype)
    block = bytearray(TABLES.encode(np.arange(40_000) % 9 - 4, index))
    return lambda: TABLES.decode(block, index), [(index, np.iinfo(dtype).max), (np.frombuffer(block, np.uint8), 255)]


def decode_narrow():
    return decode(np.uint8)


def decode_segments():
    index = (np.arange(40_000) % 80).astype(np.uint16)
    block = TABLES.encode(np.arange(40_000) % 9 - 4, index)
    return lambda: TABLES.decoder(block, len(index)).decode(index), [(index, 65535)]


def ideal_bits():
    symbols, index = np.arange(40_000, dtype=np.int32) % 9 - 4, (np.arange(40_000) % 80).astype(np.uint16)
    return lambda: TABLES.ideal_bits(symbols, index), [(index, 65535), (symbols, LARGEST)]


def tables():
    arrays = TABLES.to_arrays()
    counts, offsets, frequencies = arrays["counts"], arrays["offsets"], arrays["frequencies"]
    changed = [(counts, 2), (counts, 2**14), (offsets, LARGEST), (frequencies, 0), (frequencies, 65535)]
    return lambda: _core.tables_create(int(arrays["precision"]), counts, offsets, frequencies, None, None, None), changed


def pmf():
    pmf = np.full(400, 1 / 400)
    return lambda: _core.pmf_round(pmf, 0, 14), [(pmf, 1e300), (pmf, -1e300), (pmf, np.nan)]


def wide_tables():
    arrays = WIDE.to_arrays()
    names = ("counts", "offsets", "frequencies", "raw_bits", "run_counts", "runs")
    counts, offsets, frequencies, raw_bits, run_counts, runs = (arrays[name] for name in names)
    changed = [
        (counts, 2),
        (raw_bits, 31),
        (raw_bits, 0),
        (run_counts, 0),
        (run_counts, 2**31),
        (runs, 2**32 - 1),
        (runs, 0),
        (offsets, LARGEST),
    ]
    return lambda: _core.tables_create(WIDE.precision, counts, offsets, frequencies, raw_bits, run_counts, runs), changed


def wide_pmf():
    pmf = np.arange(1, 30_001) % 37 / 540_540.0
    return lambda: _core.pmf_round(pmf, 0, 12), [(pmf, 1e300), (pmf, 0), (pmf, 5e-324), (pmf, np.nan)]


def encode_wide():
    symbols, index = np.arange(40_000, dtype=np.int32), (np.arange(40_000) % 3).astype(np.uint16)
    return lambda: WIDE.encode(symbols, index), [(index, 65535), (index, 0), (symbols, LARGEST), (symbols, -LARGEST)]


def decode_wide():
    index = (np.arange(40_000) % 3).astype(np.uint16)
    block = bytearray(WIDE.encode(np.arange(40_000), index))
    return lambda: WIDE.decode(block, index), [(index, 65535), (index, 0), (np.frombuffer(block, np.uint8), 255)]


class Grid:
    """A grid whose arrays are changed."""

    def __init__(self):
        self.scale, self.shape = np.zeros(COMPONENTS, np.int32), np.zeros(COMPONENTS, np.uint8)
        self.tuple = self.scale, self.shape, SCALES, 0
        self.changed = [(self.shape, 255), (self.scale, LARGEST), (self.scale, -LARGEST)]


def some_levels():
    return np.arange(TOKENS * COMPONENTS, dtype=np.int32).reshape(TOKENS, COMPONENTS) % 7 - 3


def count():
    grid, levels, scale = Grid(), some_levels(), np.zeros(TOKENS, np.int32)
    return lambda: _core.levels_count(grid.tuple, levels, scale, 2 * SCALES, 9), [*grid.changed, (levels, LARGEST), (scale, LARGEST)]


class Prediction:
    """A prediction, and side information of tokens."""

    def __init__(self, candidates=CANDIDATES):
        grid, unit, scale = Grid(), np.zeros(COMPONENTS, np.int8), np.full(COMPONENTS, 2000, np.int32)
        zeros = np.zeros(2 * COMPONENTS, np.int32)
        layer = Layer(np.ones((2 * COMPONENTS, 2, COMPONENTS + 1), np.int8), zeros, np.uint8(zeros + 7), np.int16([-99, 99]))
        costs = COSTS.copy(), candidates.copy()
        self.predictor = _core.predictor_make(grid.tuple, IntegerNet([layer], 99).core, unit, True, (0, 0), (3, 2, scale), costs, 9)
        self.side_information = np.ones((TOKENS, 1), np.int16), np.ones((TOKENS, COMPONENTS), np.int16), *np.zeros((2, TOKENS), np.int32)
        side, base, exponent, scale = self.side_information
        changed = [(side, 32767), (base, -32768), (exponent, LARGEST), (exponent, -LARGEST), (exponent, -700), (scale, LARGEST)]
        self.changed = [*grid.changed, *changed, (unit, 127), (unit, -128), (scale, LARGEST)]
        self.changed += [(costs[0], 65535), (costs[1], LARGEST)]

    def encode(self, y):
        return _core.prediction_encode(_core.prediction_make(self.predictor), y, *self.side_information)


def predict():
    p, y = Prediction(), np.ones((TOKENS, COMPONENTS))
    changed = [*p.changed, (y, np.nan), (y, 1e300)]
    return lambda: b"".join(array.tobytes() for array in p.encode(y)), changed


def decode_predicted():
    p = Prediction(np.int32([0]))
    levels, index, *references, _ = p.encode(np.ones((TOKENS, COMPONENTS)))
    distance, weight = references
    p.changed += [(distance, LARGEST), (distance, 2), (weight, -LARGEST), (weight, 9)]
    block = TABLES.encode(levels.ravel(), index.ravel())

    def call():
        return _core.prediction_decode(
            _core.prediction_make(p.predictor), TABLES.decoder(block, levels.size).core, *p.side_information, *references
        )

    return call, p.changed


def trellis():
    values = np.ones((TOKENS, COMPONENTS))
    return lambda: _core.trellis_quantise(values), [(values, np.nan), (values, 1e300), (values, -np.inf)]


def quantise():
    values, steps = np.ones((TOKENS, COMPONENTS), np.float32), np.ones(COMPONENTS)
    return lambda: _core.quantise(values, steps, 0.0), [(values, np.nan), (values, np.inf), (steps, -1e-300), (steps, np.nan)]


def net_apply():
    layer = Layer(
        np.ones((9, 1, 4), np.int8), np.zeros(9, np.int32), np.zeros(9, np.uint8), np.int16([0, 9]), table=np.arange(10, dtype=np.int16)
    )
    net, x = IntegerNet([layer], 9), np.ones((500, 4), np.int16)
    return lambda: (net.apply(x).tobytes(), net.best_row(x).tobytes(), net.run(net.new_state(), x).tobytes()), [(x, 32767), (x, -32768)]


def counts():
    counts = np.ones(100_000, np.int64)
    return lambda: _core.entropy_of_counts(counts, "nsb", 200_000), [(counts, -(2**62)), (counts, 2**62)]


def neighbours():
    x = np.arange(12_000.0).reshape(-1, 3) ** 1.5 % 7
    return lambda: _core.neighbour_distances(x, 3), [(x, np.nan), (x, np.inf)]


ENTRIES = {
    entry.__name__: entry
    for entry in (encode, encode_narrow, decode, decode_narrow, decode_segments, ideal_bits, tables, pmf, count)
    + (predict, decode_predicted, trellis, quantise, net_apply, counts, neighbours)
    + (wide_tables, wide_pmf, encode_wide, decode_wide)
}


def change(changed, stop):
    """Puts bad values into a part of an array, then into all of it, and takes them out again."""
    while not stop.is_set():
        for array, bad in changed:
            flat = array.reshape(-1)
            for part in (flat[len(flat) // 2 :], flat[-1:], flat):
                good = part.copy()
                part[...] = bad
                part[...] = good


def plain(result):
    parts = result if isinstance(result, tuple) else (result,)
    return [part.tobytes() if isinstance(part, np.ndarray) else part for part in parts]


def main(name):
    call, changed = ENTRIES[name]()
    expected, stop, refused = call(), threading.Event(), 0
    thread = threading.Thread(target=change, args=(changed, stop))
    thread.start()
    for _ in range(CALLS):
        try:
            call()
        except RdcodecError:
            refused += 1
    stop.set()
    thread.join()
    same = isinstance(expected, _core.Tables) or plain(call()) == plain(expected)
    print("same" if same else "other", "refused" if refused else "never refused")


if __name__ == "__main__":
    sys.setswitchinterval(1e-4)
    main(sys.argv[1])

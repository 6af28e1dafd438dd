"""What is asked of rdcodec alone: its rate at each precision, one token at a time, and from floats to bytes."""

import statistics
import time

import numpy as np

from .timing import call_times


def rate(task):
    """Bytes of a block, and the ideal bits of its symbols under the tables, at each precision."""
    from rdcodec.entropy import FrequencyTables

    rows = []
    for precision in (12, 13, 14):
        tables = FrequencyTables.gaussian(task.scales, precision)
        block = tables.encode(task.symbols, task.index, threads=task.threads)
        came_back = np.array_equal(tables.decode(block, task.index, threads=task.threads), task.symbols)
        rows.append(
            {
                "precision": precision,
                "bytes": len(block),
                "table_bits": float(tables.ideal_bits(task.symbols, task.index)),
                "came_back": came_back,
            }
        )
    return rows


def token(task, channels=576, most=1000):
    """Seconds that the calls take for each of many tokens of so many symbols, and their bytes."""
    from rdcodec.entropy import FrequencyTables

    tables = FrequencyTables.gaussian(task.scales)
    count = min(len(task.symbols) // channels, most)
    symbols, index = (values[: count * channels].reshape(count, channels) for values in (task.symbols, task.index))
    blocks, encode, decode, came_back = [], [], [], True
    for one, its in zip(symbols, index):
        start = time.perf_counter()
        block = tables.encode(one, its, threads=task.threads)
        middle = time.perf_counter()
        back = tables.decode(block, its, threads=task.threads)
        decode.append(time.perf_counter() - middle)
        encode.append(middle - start)
        blocks.append(block)
        came_back &= np.array_equal(back, one)
    row = {"channels": channels, "count": count * channels, "bytes": sum(map(len, blocks)), "came_back": bool(came_back)}
    for name, times in (("encode", encode), ("decode", decode)):
        row |= {f"{name}_s": min(times), f"{name}_median_s": statistics.median(times)}
    return [row | {"table_bits": float(tables.ideal_bits(symbols, index))}]


def floats(task, seconds, channels=576):
    """Quantise, choose tables, encode, beside a copy of the same float32; a channel has one table, as a scale for each has."""
    from rdcodec import _core
    from rdcodec.entropy import FrequencyTables

    tables = FrequencyTables.gaussian(task.scales)
    count = max(1, len(task.symbols) // channels)
    table_of = np.resize(task.index, channels)
    steps = np.full(channels, 0.25)
    normal = np.random.default_rng(1).normal(size=(count, channels))
    values = (normal * task.scales[table_of] * steps).astype(np.float32)
    copied = np.empty_like(values)

    def encode():
        symbols = _core.quantise(values, steps, 0.0)
        index = np.ascontiguousarray(np.broadcast_to(table_of, symbols.shape))
        return tables.encode(symbols, index, threads=task.threads), index

    block, index = encode()
    came_back = np.array_equal(tables.decode(block, index, threads=task.threads), _core.quantise(values, steps, 0.0))
    return [
        {
            "float_bytes": values.nbytes,
            "bytes": len(block),
            "came_back": came_back,
            "encode_s": min(call_times(encode, seconds)),
            "quantise_s": min(call_times(lambda: _core.quantise(values, steps, 0.0), seconds)),
            "memcpy_s": min(call_times(lambda: np.copyto(copied, values), seconds)),
        }
    ]

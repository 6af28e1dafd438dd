"""rdcodec and its peers under one interface: a function for each coder yields the ways in which it can be used best.

Such a function gets the symbols, their table indices, the scales of the tables' Gaussians and what else `Task` holds.
"""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from .mixture import gaussian_pmf


@dataclass(frozen=True)
class Task:
    """What a coder has to do; `thorough` asks for all settings that may be best, else the few that have been."""

    symbols: np.ndarray
    index: np.ndarray
    scales: np.ndarray
    threads: int
    thorough: bool
    compressai: str | None


@dataclass(frozen=True)
class Way:
    """One way to use a coder; `fresh` makes what a decoder that uses its input up is given."""

    settings: str
    encode: Callable[[], Any]
    decode: Callable[[Any], np.ndarray]
    size: Callable[[Any], int] = len
    fresh: Callable[[Any], Any] = lambda coded: coded


def rdcodec_ways(task):
    """With the lanes that it chooses, so that they hardly cost anything, and with all lanes, which wide kernels need."""
    from rdcodec.entropy import FrequencyTables

    tables = FrequencyTables.gaussian(task.scales)
    for lanes in (None, 32):
        yield Way(
            f"{tables.precision} bits, lanes = {lanes or 'default'}",
            lambda lanes=lanes: tables.encode(task.symbols, task.index, lanes, task.threads),
            lambda block: tables.decode(block, task.index, threads=task.threads),
        )


def torch_ans_ways(task):
    """Streams (`states`) are shared out among the threads. All tables have one width, which the inverse CDF needs to be right.

    Without its escape it is faster, but codes only what the tables hold: they are made to hold all symbols here.
    """
    import torch

    torch.set_num_threads(task.threads)
    tables = _torch_tables(task)
    for settings in _torch_settings(task):
        yield _torch_way(task, tables, *settings)


def _torch_tables(task):
    import torch

    reach, count = int(np.abs(task.symbols).max()) + 1, len(task.scales)
    pmfs = np.array([gaussian_pmf(scale, reach) for scale in task.scales.tolist()], np.float32)
    return torch.from_numpy(pmfs), torch.full((count,), 2 * reach + 1, dtype=torch.int32), torch.full((count,), -reach, dtype=torch.int32)


def _torch_settings(task):
    """Implementation, lanes, states, inverse CDF, escape."""
    states = (task.threads, 8)
    usually_best = [*product(("rans64", "rans32_16"), (4, 8), states, ("auto",), (False,))]
    if not task.thorough:
        return usually_best
    return [
        *usually_best,
        *product(("rans64", "rans32_16"), (4,), (8,), ("auto",), (True,)),
        *product(("rans32_16",), (4,), states, (None,), (False,)),
        ("rans32", 8, 8, "auto", False),
        ("tans32", 4, 8, None, False),
    ]


def _torch_way(task, tables, impl, lanes, states, inverse, escape):
    import torch
    from torch_ans.utils import TorchANSInterface

    coder = TorchANSInterface(
        impl=impl,
        num_interleaves=lanes,
        num_parallel_states=states,
        freq_precision=15,
        device="cpu",
        inverse_cdf_precision=inverse,
        bypass_coding=escape,
    )
    coder.init_params(*tables)
    symbols, index = torch.from_numpy(task.symbols), torch.from_numpy(task.index.astype(np.int32))
    packed = len(coder.encode_with_indexes(symbols, index))
    lookup = "table" if impl.startswith("tans") else "search" if inverse is None else "inverse CDF"
    return Way(
        f"{impl}, lanes = {lanes}, states = {states}, {lookup}, {'escape' if escape else 'no escape'}",
        lambda: coder.encode(symbols, index),
        lambda stream: coder.decode(stream, index).numpy(),
        lambda stream: packed,
        lambda stream: stream.clone(),
    )


def constriction_ways(task):
    """Its Gaussian, which takes a mean and a deviation for each symbol, and tables, which want the symbols of each together."""
    import constriction

    family = constriction.stream.model.QuantizedGaussian(-1000, 1000)
    means, deviations = np.zeros(len(task.symbols)), task.scales[task.index]

    def encode():
        coder = constriction.stream.stack.AnsCoder()
        coder.encode_reverse(task.symbols, family, means, deviations)
        return coder.get_compressed()

    def decode(words):
        return constriction.stream.stack.AnsCoder(words).decode(family, means, deviations)

    yield Way("QuantizedGaussian, arrays of parameters", encode, decode, _bytes_of)
    yield _constriction_grouped(task, constriction)


def _constriction_grouped(task, constriction):
    categorical = constriction.stream.model.Categorical
    reaches = np.array([math.ceil(7.5 * scale) for scale in task.scales.tolist()], np.int32)
    models = [
        categorical(gaussian_pmf(scale, reach).astype(np.float32), perfect=False, lazy=False)
        for scale, reach in zip(task.scales.tolist(), reaches.tolist())
    ]

    def groups():
        """The order that brings the symbols of a table together, and how many each table has."""
        return np.argsort(task.index, kind="stable"), np.bincount(task.index, minlength=len(models)).tolist()

    def encode():
        order, counts = groups()
        symbols = (task.symbols + reaches[task.index])[order]
        coder, end = constriction.stream.stack.AnsCoder(), len(symbols)
        for model, count in zip(reversed(models), reversed(counts)):
            if count:
                coder.encode_reverse(symbols[end - count : end], model)
            end -= count
        return coder.get_compressed()

    def decode(words):
        order, counts = groups()
        coder = constriction.stream.stack.AnsCoder(words)
        symbols = np.empty(len(order), np.int32)
        symbols[order] = np.concatenate([coder.decode(model, count) for model, count in zip(models, counts) if count])
        return symbols - reaches[task.index]

    return Way("Categorical, symbols grouped by table", encode, decode, _bytes_of)


def _bytes_of(array):
    return array.nbytes


def compressai_ways(task):
    """Only its compiled coder is loaded, so that the package's many dependencies need not be there."""
    folder = task.compressai or _package_parent("compressai")
    ans, native = _load_compiled(folder, "ans"), _load_compiled(folder, "_CXX")
    reaches = [math.ceil(6.5 * scale) for scale in task.scales.tolist()]
    pmfs = [gaussian_pmf(scale, reach) for scale, reach in zip(task.scales.tolist(), reaches)]
    cdfs = [native.pmf_to_quantized_cdf([*pmf, max(1e-9, 1.0 - pmf.sum())], 16) for pmf in pmfs]
    sizes, offsets = [len(cdf) for cdf in cdfs], [-reach for reach in reaches]
    symbols, index = task.symbols.tolist(), task.index.tolist()
    yield Way(
        "RansEncoder, 16 bits, lists of int",
        lambda: ans.RansEncoder().encode_with_indexes(symbols, index, cdfs, sizes, offsets),
        lambda string: np.array(ans.RansDecoder().decode_with_indexes(string, index, cdfs, sizes, offsets)),
    )


def _package_parent(name):
    found = importlib.util.find_spec(name)
    if found is None:
        raise ImportError("not installed")
    return Path(found.origin).parents[1]


def _load_compiled(folder, name):
    """A compiled module of CompressAI without its package."""
    path = next(Path(folder).glob(f"compressai/{name}.*.so"))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def torchac_ways(task):
    """It takes a CDF for every symbol, which is gathered here outside the clock; int16, scaled to 2**16."""
    import torch
    import torchac

    torch.set_num_threads(task.threads)
    reach = int(np.abs(task.symbols).max()) + 1
    rows = np.array([_strict_cdf(gaussian_pmf(scale, reach)) for scale in task.scales.tolist()])
    cdfs = torch.from_numpy(rows.astype(np.uint16).view(np.int16)[task.index])
    shifted = torch.from_numpy((task.symbols + reach).astype(np.int16))
    yield Way(
        "a CDF a symbol, int16",
        lambda: torchac.encode_int16_normalized_cdf(cdfs, shifted),
        lambda string: torchac.decode_int16_normalized_cdf(cdfs, string).numpy() - reach,
    )


def _strict_cdf(pmf):
    """A CDF that rises by at least 1 at each symbol and ends with 2**16, which int16 holds as 0."""
    below = np.append(0.0, np.cumsum(pmf / pmf.sum()))
    return np.rint(below * (2**16 - len(pmf))).astype(np.int64) + np.arange(len(below))


def zstd_ways(task):
    import zstandard

    planes = task.symbols.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes()
    compressor, decompressor = zstandard.ZstdCompressor(level=1), zstandard.ZstdDecompressor()
    yield Way(
        "level 1, the two bytes of int16 apart, no tables",
        lambda: compressor.compress(planes),
        lambda data: np.frombuffer(decompressor.decompress(data), np.uint8).reshape(2, -1).T.copy().view("<i2").ravel(),
    )


def memcpy_ways(task):
    there, back = np.empty_like(task.symbols), np.empty_like(task.symbols)

    def copy(source, target):
        np.copyto(target, source)
        return target

    yield Way("of the int32 symbols", lambda: copy(task.symbols, there), lambda coded: copy(coded, back), _bytes_of)


@dataclass(frozen=True)
class Coder:
    """A coder, the packages it is made of, the threads it can use, and the most symbols it gets, for a call not to take too long."""

    packages: tuple[str, ...]
    ways: Callable[[Task], Any]
    threads: tuple[int, ...] = (1,)
    most: int | None = None


CODERS = {
    "rdcodec": Coder(("rdcodec",), rdcodec_ways, (1, 2)),
    "torch_ans": Coder(("torch_ans", "torch"), torch_ans_ways, (1, 2)),
    "constriction": Coder(("constriction",), constriction_ways, most=1_000_000),
    "CompressAI": Coder(("compressai",), compressai_ways, most=300_000),
    "torchac": Coder(("torchac",), torchac_ways, most=10_000),
    "zstd": Coder(("zstandard",), zstd_ways),
    "memcpy": Coder((), memcpy_ways),
}

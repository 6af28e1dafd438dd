"""How fast is the entropy coder, and how close to the ideal rate? rdcodec beside torch_ans, constriction, CompressAI's rANS and zstd.

    python benchmarks/bench_entropy.py [--seconds 1] [--peer-python compressai=/path/to/python] [--compressai FOLDER]

Every coder runs in a process of its own on the same symbols with one thread, and checks that they come back. A peer that is
not installed is named and left out. CompressAI's compiled coder is loaded by itself, from the installed package or from
--compressai, the folder of an unpacked wheel, so that its many dependencies need not be there. The output is Markdown.
"""

import argparse
import importlib.util
import json
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

SCALES = np.geomspace(0.11, 64.0, 64)
BITS = 0.97  # a symbol, of the mixture below


# ---- the symbols ----


def gaussian_pmf(scale, reach):
    """Probabilities of the integers -reach..reach under a Gaussian integrated over unit intervals."""
    edges = (np.arange(reach + 2) - 0.5) / (scale * math.sqrt(2.0))
    above = np.array([0.5 * math.erfc(edge) for edge in edges])
    half = above[:-1] - above[1:]
    return np.concatenate([half[:0:-1], half])


def mixture(count, seed=0):
    """Symbols of the 64 Gaussians, their scale indices, and their ideal bits under these Gaussians.

    The indices are exponentially distributed, as those of latents are: most symbols are nearly certain. The mean is chosen
    so that the entropy is BITS a symbol.
    """
    pmfs = [gaussian_pmf(scale, math.ceil(12 * scale)) for scale in SCALES]
    entropies = np.array([-(p[p > 0] * np.log2(p[p > 0])).sum() for p in pmfs])
    rng = np.random.default_rng(seed)
    uniform = rng.exponential(size=count)
    low, high = 1.0, 64.0
    while high - low > 1e-3:
        mean = (low + high) / 2
        index = np.minimum(uniform * mean, 63).astype(np.uint8)
        low, high = (mean, high) if entropies[index].mean() < BITS else (low, mean)
    symbols = np.rint(rng.normal(size=count) * SCALES[index]).astype(np.int32)
    bits = 0.0
    for table, pmf in enumerate(pmfs):
        bits -= np.log2(pmf[symbols[index == table] + len(pmf) // 2]).sum()
    return symbols, index, bits


# ---- coders: each yields (settings, encode() -> coded, decode(coded) -> symbols, size of coded in bytes) ----


def rdcodec_coders(symbols, index, _):
    from rdcodec.entropy import FrequencyTables

    for precision in (14, 12):
        tables = FrequencyTables.gaussian(SCALES, precision)
        for lanes in (32, 8, 1):
            yield (
                f"{precision} bits, lanes = {lanes}",
                lambda tables=tables, lanes=lanes: tables.encode(symbols, index, lanes),
                lambda block, tables=tables: tables.decode(block, index),
                len,
            )


def peer_pmfs(reaches):
    """Tables for peers, which give every symbol of a table a count."""
    return [gaussian_pmf(scale, reach) for scale, reach in zip(SCALES, reaches)]


def torch_ans_coders(symbols, index, _):
    """All tables have one width, which the inverse CDF needs to be right, and which cost less than tables of several widths."""
    import torch
    from torch_ans.utils import TorchANSInterface

    torch.set_num_threads(1)
    reach = int(np.abs(symbols).max()) + 1
    pmfs = torch.from_numpy(np.array(peer_pmfs([reach] * len(SCALES)), np.float32))
    sizes = torch.full((len(SCALES),), 2 * reach + 1, dtype=torch.int32)
    offsets = torch.full((len(SCALES),), -reach, dtype=torch.int32)
    data, tables = torch.from_numpy(symbols), torch.from_numpy(index.astype(np.int32))
    for impl, lanes, states, inverse in (
        ("rans32_16", 8, 8, None),
        ("rans32_16", 8, 8, "auto"),
        ("rans32_16", 8, 8, 8),
        ("rans32_16", 8, 1, "auto"),
        ("rans32_16", 32, 1, "auto"),
        ("rans32_16", 1, 8, "auto"),
        ("rans64", 8, 8, "auto"),
    ):
        coder = TorchANSInterface(
            impl=impl, num_interleaves=lanes, num_parallel_states=states, freq_precision=15, device="cpu", inverse_cdf_precision=inverse
        )
        coder.init_params(pmfs, sizes, offsets)
        packed = len(coder.encode_with_indexes(data, tables))
        yield (
            f"{impl}, lanes = {lanes}, states = {states}, {'divided search' if inverse is None else f'inverse CDF {inverse}'}",
            lambda coder=coder: coder.encode(data, tables),
            lambda stream, coder=coder: coder.decode(stream, tables).numpy(),
            lambda stream, packed=packed: packed,
        )


def constriction_coders(symbols, index, _):
    import constriction

    family = constriction.stream.model.QuantizedGaussian(-500, 500)
    means, deviations = np.zeros(len(symbols)), SCALES[index]

    def encode():
        coder = constriction.stream.stack.AnsCoder()
        coder.encode_reverse(symbols, family, means, deviations)
        return coder.get_compressed()

    def decode(words):
        return constriction.stream.stack.AnsCoder(words).decode(family, means, deviations)

    yield "AnsCoder, QuantizedGaussian", encode, decode, lambda words: words.nbytes


def load_compiled(folder, name):
    """A compiled module of CompressAI without its package."""
    path = next(Path(folder).glob(f"compressai/{name}.*.so"))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compressai_coders(symbols, index, folder):
    if folder is None:
        found = importlib.util.find_spec("compressai")
        if found is None:
            raise ImportError("compressai")
        folder = Path(found.origin).parents[1]
    ans, native = load_compiled(folder, "ans"), load_compiled(folder, "_CXX")
    reaches = [math.ceil(6.5 * scale) for scale in SCALES]
    pmfs = peer_pmfs(reaches)
    cdfs = [native.pmf_to_quantized_cdf([*pmf, max(1e-9, 1.0 - pmf.sum())], 16) for pmf in pmfs]
    sizes, offsets = [len(cdf) for cdf in cdfs], [-r for r in reaches]
    data, tables = symbols.tolist(), index.tolist()
    yield (
        "RansEncoder, 16 bits, lists of int",
        lambda: ans.RansEncoder().encode_with_indexes(data, tables, cdfs, sizes, offsets),
        lambda string: np.array(ans.RansDecoder().decode_with_indexes(string, tables, cdfs, sizes, offsets)),
        len,
    )


def zstd_coders(symbols, index, _):
    import zstandard

    planes = symbols.astype("<i2").view(np.uint8).reshape(-1, 2).T.tobytes()
    for level in (1, 9):
        compressor, decompressor = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()
        yield (
            f"level {level}, the two bytes of int16 apart, no tables",
            lambda compressor=compressor: compressor.compress(planes),
            lambda data, decompressor=decompressor: np.frombuffer(decompressor.decompress(data), np.uint8)
            .reshape(2, -1).T.copy().view("<i2").ravel(),
            len,
        )


CODERS = {
    "rdcodec": rdcodec_coders,
    "torch_ans": torch_ans_coders,
    "constriction": constriction_coders,
    "compressai": compressai_coders,
    "zstandard": zstd_coders,
}


# ---- one coder, in its own process ----


def best_seconds(call, prepare, seconds):
    """The shortest of as many calls as fit into some seconds, at least 3; other work of the machine only ever adds.

    Each call gets what `prepare` makes outside the clock: decoders may use their input up.
    """
    times = []
    end = time.perf_counter() + seconds
    while len(times) < 3 or time.perf_counter() < end:
        argument = prepare()
        start = time.perf_counter()
        call(argument)
        times.append(time.perf_counter() - start)
    return min(times)


def package_version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def measure(name, data_file, seconds, compressai):
    data = np.load(data_file)
    symbols, index = data["symbols"], data["index"]
    rows = []
    for settings, encode, decode, size in CODERS[name](symbols, index, compressai):
        coded = encode()
        if not np.array_equal(np.asarray(decode(coded)), symbols):
            raise RuntimeError(f"{name}, {settings}: the symbols do not come back")
        times = {
            "encode": best_seconds(lambda _: encode(), lambda: None, seconds),
            "decode": best_seconds(decode, encode, 2 * seconds),
        }
        rows.append({"settings": settings, "bytes": size(coded), **times})
    wheel = sorted(Path(compressai).glob("compressai-*.dist-info")) if name == "compressai" and compressai else []
    found = wheel[0].name.split("-")[1].removesuffix(".dist") if wheel else package_version(name)
    print(json.dumps({"version": found, "rows": rows}))


# ---- all of them ----


def run_coder(name, data_file, args):
    """The rows of one coder, or the reason why there are none."""
    pythons = dict(pair.split("=", 1) for pair in args.peer_python)
    command = [pythons.get(name, sys.executable), __file__, "--coder", name, "--data", data_file, "--seconds", str(args.seconds)]
    if args.compressai:
        command += ["--compressai", args.compressai]
    threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **threads})
    if done.returncode:
        return None, (done.stderr.strip().splitlines() or ["failed"])[-1]
    return json.loads(done.stdout.splitlines()[-1]), None


def cpu_name():
    names = [line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")] \
        if Path("/proc/cpuinfo").exists() else []
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def report(args):
    count = args.tokens * args.channels
    symbols, index, ideal = mixture(count)
    print("## Entropy coding: speed and rate\n")
    print(f"{count:,} symbols of {ideal / count:.3f} ideal bits from 64 Gaussians (scales 0.11 to 64), one thread, best time of {args.seconds:g} s of calls.")
    print(f"CPU: {cpu_name()}. Python {platform.python_version()}, NumPy {np.__version__}.")
    print(f"Command: `python {shlex.join([Path(__file__).relative_to(Path(__file__).parents[1]).as_posix(), *sys.argv[1:]])}`\n")
    print("| coder | settings | encode, M symbols/s | decode, M symbols/s | bits/symbol | over ideal |\n|---|---|---|---|---|---|")
    left_out = []
    with tempfile.TemporaryDirectory() as folder:
        data_file = str(Path(folder, "symbols.npz"))
        np.savez(data_file, symbols=symbols, index=index)
        for name in CODERS:
            result, reason = run_coder(name, data_file, args)
            if result is None:
                left_out.append(f"{name} ({reason})")
                continue
            for row in result["rows"]:
                speeds = f"{count / row['encode'] / 1e6:.1f} | {count / row['decode'] / 1e6:.1f}"
                bits = 8 * row["bytes"]
                print(f"| {name} {result['version']} | {row['settings']} | {speeds} | {bits / count:.4f} | {100 * (bits / ideal - 1):+.2f}% |")
    for line in left_out:
        print(f"\nLeft out: {line}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=512)
    parser.add_argument("--channels", type=int, default=576)
    parser.add_argument("--seconds", type=float, default=1.0, help="how long each call is repeated")
    parser.add_argument("--peer-python", action="append", default=[], metavar="CODER=PYTHON", help="interpreter that has this peer")
    parser.add_argument("--compressai", metavar="FOLDER", help="unpacked CompressAI wheel")
    parser.add_argument("--coder", choices=CODERS, help=argparse.SUPPRESS)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.coder:
        measure(args.coder, args.data, args.seconds, args.compressai)
    else:
        report(args)


if __name__ == "__main__":
    main()

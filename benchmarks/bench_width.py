"""What a token costs against the width of states: codecs in blocks and whole, beside a plain product with one matrix.

    python benchmarks/bench_width.py --channels 256 --channels 4096 --json out/width.json --plot out/width.png

Codecs are calibrated to random states whose channels depend on each other; no model takes part. Prints Markdown.
"""

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from bench_codec import cpu_name

from rdcodec import Codec
from rdcodec.calibration.codewords import Codewords, most_codewords
from rdcodec.calibration.fit import Statistics, fit_codec

CHANNELS = (256, 512, 1024, 2048, 4096, 8192)
WINDOWS, WINDOW = 24, 512  # 12,288 tokens
SAMPLES, GRADIENT_WINDOWS = 2, 8
RUNS, STEPS = 5, 40
MOST_WHOLE = 2048  # channels up to which a whole transform is fitted, too
VOCABULARY = 8192
COLUMNS = {
    "encode_block": "encode, block of 512, µs a token",
    "decode_block": "decode",
    "encode_one": "encode, one token, µs",
    "decode_one": "decode",
    "matmul_block": "plain product, float32, block of 512, µs a token",
    "matmul_one": "one token",
    "checkpoint_mb": "checkpoint, MB",
    "load_s": "load, s",
    "fit_s": "fit, s",
}


def statistics_of(channels, seed=0):
    """Of random states around a vocabulary's means, channels of unlike size, each with a part of another one."""
    rng = np.random.default_rng(seed)
    ids = rng.zipf(1.3, (WINDOWS, WINDOW)) % VOCABULARY
    means = rng.standard_normal((VOCABULARY, channels), dtype=np.float32)
    states = rng.standard_normal((WINDOWS, WINDOW, channels), dtype=np.float32) * rng.gamma(1, 1, channels).astype(np.float32)
    states += np.roll(states, channels // 2 + 1, axis=2) / 2 + means[ids]
    gradients = rng.standard_normal((SAMPLES, GRADIENT_WINDOWS, WINDOW, channels), dtype=np.float32)
    counts = np.bincount(ids.ravel(), minlength=VOCABULARY)
    vocabulary = np.argsort(-counts, kind="stable")[: most_codewords(channels)]
    codeword_of_id = np.full(VOCABULARY, -1)
    codeword_of_id[vocabulary] = np.arange(len(vocabulary))
    words = Codewords(codeword_of_id[ids], np.maximum(counts[vocabulary], 1), means[vocabulary].astype(np.float64), apart=1)
    return Statistics(1, states, gradients, words)


def best(work, runs=RUNS):
    """Seconds of the fastest of several runs, and what the last one made."""
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        made = work()
        seconds.append(time.perf_counter() - start)
    return min(seconds), made


def steps(codec, h):
    """Median microseconds to encode and to decode one token after another."""
    encoder, decoder, taken = codec.encoder(), codec.decoder(), []
    for token in h[:STEPS]:
        start = time.perf_counter()
        frame = encoder.encode(token[None])
        middle = time.perf_counter()
        decoder.decode(frame)
        taken.append((middle - start, time.perf_counter() - middle))
    return np.median(taken, axis=0) * 1e6


def measure(channels, blocks):
    statistics = statistics_of(channels)
    start = time.perf_counter()
    codec = fit_codec(statistics, 0.7, 0.05, blocks=blocks)
    fit = time.perf_counter() - start
    h = statistics.states[0]
    encode, frame = best(lambda: codec.encoder(0).encode(h))
    decode, _ = best(lambda: codec.decoder().decode(frame))
    encode_one, decode_one = steps(codec, h)
    with tempfile.TemporaryDirectory() as folder:
        codec.save_pretrained(folder)
        size = sum(path.stat().st_size for path in Path(folder).iterdir())
        load, _ = best(lambda: Codec.from_pretrained(folder), 3)
    matrix = np.random.default_rng(1).standard_normal((channels, channels), dtype=np.float32)
    return {
        "channels": channels,
        "transform": codec.family,
        "encode_block": encode / len(h) * 1e6,
        "decode_block": decode / len(h) * 1e6,
        "encode_one": encode_one,
        "decode_one": decode_one,
        "matmul_block": best(lambda: h @ matrix)[0] / len(h) * 1e6,
        "matmul_one": best(lambda: h[0] @ matrix, 20)[0] * 1e6,
        "checkpoint_mb": size / 1e6,
        "load_s": load,
        "fit_s": fit,
    }


def plot(rows, path):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    for axes, kind, title in zip(figure.subplots(1, 2), ("block", "one"), ("block of 512 tokens", "one token")):
        for family in dict.fromkeys(row["transform"] for row in rows):
            of = [row for row in rows if row["transform"] == family]
            axes.plot(
                [r["channels"] for r in of], [r[f"encode_{kind}"] + r[f"decode_{kind}"] for r in of], "o-", label=f"{family}, both ways"
            )
        plain = {row["channels"]: row[f"matmul_{kind}"] for row in rows}
        axes.plot(list(plain), list(plain.values()), "k:", label="one plain product, float32")
        axes.set(xscale="log", yscale="log", xlabel="channels", ylabel="µs a token", title=title)
        axes.set_xticks(list(plain), list(plain))
        axes.minorticks_off()
        axes.legend()
    figure.savefig(path, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--channels", type=int, action="append")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    rows = []
    print(
        f"{cpu_name()}, numpy {np.__version__}\n\n| channels | transform | {' | '.join(COLUMNS.values())} |\n|{'---|' * (len(COLUMNS) + 2)}"
    )
    for channels in arguments.channels or CHANNELS:
        for blocks in (False, True) if channels <= MOST_WHOLE else (True,):
            row = measure(channels, blocks)
            print("|", row["channels"], "|", row["transform"], "|", " | ".join(f"{row[name]:.3g}" for name in COLUMNS), "|", flush=True)
            rows.append(row)
    print(f"\nLargest memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    if arguments.plot:
        plot(rows, arguments.plot)


if __name__ == "__main__":
    main()

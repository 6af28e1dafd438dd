"""Fewer bits at equal loss? Codecs beside a reference codec, with error bars.

    python benchmarks/bench_learned.py --model smollm2-135m --text TEST.txt --reference DIR --codec DIR [--codec DIR ...] [--windows 24]

Prints Markdown: the Bjontegaard delta rate of each codec against the reference over losses of 0.01 to 0.1 nats a token, with the
standard error of a bootstrap over windows, in which all codecs meet the same windows.
"""

import argparse
import json
from pathlib import Path

import bjontegaard
import numpy as np
from rich.progress import track
from scipy.interpolate import PchipInterpolator

from rdcodec import Codec
from rdcodec.cli.loading import load_quietly
from rdcodec.evaluation import Setting, cut_text, evaluate

LOSSES = np.geomspace(0.01, 0.1, 9)  # nats a token
QUALITIES = (-15, -11, -7, -3, 1, 5)
RESAMPLES = 200
SEED = 1


def main():
    options = parse_options()
    model, tokenizer = load_quietly(options.model)
    windows, _ = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), windows=options.windows)
    folders = [options.reference, *options.codec]
    codecs = [Codec.from_pretrained(folder) for folder in folders]
    settings = [Setting(str(i), codec, q) for i, codec in enumerate(codecs) for q in QUALITIES]
    rows = [evaluate(model, window[None], settings) for window in track(windows, "windows")]
    measured = np.array([[(row.bits_per_token, row.kl) for row in of_window] for of_window in rows])
    measured = measured.reshape(len(windows), len(codecs), len(QUALITIES), 2)
    print(report(folders, codecs, measured))
    if options.json:
        result = {"folders": [str(f) for f in folders], "qualities": QUALITIES, "bits_and_kl": measured.tolist()}
        options.json.write_text(json.dumps(result) + "\n", encoding="utf-8")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True, type=Path)
    parser.add_argument("--reference", required=True, type=Path, help="folder of the codec to compare with")
    parser.add_argument("--codec", required=True, type=Path, action="append", help="folder of a codec")
    parser.add_argument("--windows", type=int, default=24, help="of 512 tokens")
    parser.add_argument("--json", type=Path, help="write what was measured, window by window")
    return parser.parse_args()


def report(folders, codecs, measured):
    """Markdown of bits and losses [windows, codecs, qualities, 2]."""
    random = np.random.default_rng(SEED)
    whole = delta_rates(measured.mean(axis=0))
    resampled = [delta_rates(measured[random.integers(0, len(measured), len(measured))].mean(axis=0)) for _ in range(RESAMPLES)]
    errors = np.std(resampled, axis=0)
    lines = ["| codec | family | bits at 0.02 nats | at 0.05 nats | BD-rate |", "|---|---|---|---|---|"]
    for folder, codec, curve, delta, error in zip(folders, codecs, measured.mean(axis=0), whole, errors):
        bits = [f"{np.exp(curve_of(curve)(np.log(loss))):.0f}" for loss in (0.02, 0.05)]
        rate = f"{delta:+.1f}% ± {error:.1f}" if folder != folders[0] else "reference"
        lines.append(f"| {folder} | {codec.family} | {bits[0]} | {bits[1]} | {rate} |")
    return "\n".join(lines)


def delta_rates(curves):
    """BD-rates in percent of curves [codecs, qualities, 2] against the first one, over LOSSES alone."""
    bits = [np.exp(curve_of(curve)(np.log(LOSSES))) for curve in curves]
    decibels = -10 * np.log10(LOSSES)
    order = np.argsort(decibels)
    return [bjontegaard.bd_rate(bits[0][order], decibels[order], b[order], decibels[order], method="pchip") for b in bits]


def curve_of(curve):
    """Logarithm of bits over the logarithm of the loss."""
    bits, losses = np.log(curve[np.argsort(curve[:, 1])]).T
    return PchipInterpolator(losses, bits, extrapolate=True)


if __name__ == "__main__":
    main()

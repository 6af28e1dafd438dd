"""How many tokens does calibration take? Rate at equal loss against the tokens that a codec is fitted to.

    python benchmarks/bench_calibration_tokens.py --model smollm2-135m --layer 10 --fit FIT.txt [--fit FIT.txt ...] --text TEST.txt
        [--tokens 3000 6000 12000 30000 60000] [--windows 24] [--rows ROWS.json] [--plot FIGURE.png]

Prints Markdown. --rows keeps what was measured beside what the file has of other models and numbers of tokens; --plot draws all of it.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
from scipy.interpolate import PchipInterpolator

from rdcodec import calibrate
from rdcodec.cli.models import load_quietly
from rdcodec.evaluation import Setting, cut_text, evaluate
from rdcodec.evaluation.drawing import new_figure, plain_ticks

LOSS = 0.0186  # nats a token
AROUND = (-4, 0, 4)  # qualities, about that of the loss
TOKENS = (3000, 6000, 12_000, 30_000, 60_000)


def main():
    options = parse_options()
    rows = json.loads(options.rows.read_text()) if options.rows and options.rows.exists() else []
    model, tokenizer = load_quietly(options.model)
    texts = [path.read_text(encoding="utf-8-sig") for path in options.fit]
    windows, _ = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), windows=options.windows)
    for tokens in options.tokens:
        row = measure(model, tokenizer, texts, windows, options.layer, tokens)
        rows = [other for other in rows if (other["model"], other["tokens"]) != (options.name, tokens)]
        rows.append({"model": options.name, "layer": options.layer, "tokens": tokens, **row})
        if options.rows:
            options.rows.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(report(rows))
    if options.plot:
        draw(rows).savefig(options.plot, dpi=120)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--name", help="of the model in the report, where it is a path")
    parser.add_argument("--layer", type=int, required=True)
    parser.add_argument("--fit", type=Path, required=True, action="append", help="text to calibrate with")
    parser.add_argument("--text", type=Path, required=True, help="text to measure on")
    parser.add_argument("--tokens", type=int, nargs="+", default=TOKENS)
    parser.add_argument("--windows", type=int, default=24, help="of 512 tokens")
    parser.add_argument("--rows", type=Path, help="JSON")
    parser.add_argument("--plot", type=Path, help="PNG")
    options = parser.parse_args()
    options.name = options.name or options.model
    return options


def measure(model, tokenizer, texts, windows, layer, tokens):
    """Bits a token at LOSS of a codec fitted to so many tokens, and seconds that fitting took."""
    began = perf_counter()
    codec = calibrate(model, tokenizer, texts, layer, tokens, target_kl=LOSS)
    seconds = perf_counter() - began
    qualities = [codec.default_quality + shift for shift in AROUND]
    points = evaluate(model, windows, [Setting("transform", layer, codec, quality) for quality in qualities])
    losses, bits = np.log([[point.kl, point.bits_per_token] for point in sorted(points, key=lambda p: p.kl)]).T
    return {"bits": float(np.exp(PchipInterpolator(losses, bits, extrapolate=True)(np.log(LOSS)))), "seconds": seconds}


def curves(rows):
    """Rows of each model, by tokens."""
    names = dict.fromkeys(row["model"] for row in rows)
    return {name: sorted((row for row in rows if row["model"] == name), key=lambda row: row["tokens"]) for name in names}


def report(rows):
    lines = ["| model | layer | tokens | bits a token | against the most tokens | seconds |", "|---|---|---|---|---|---|"]
    for name, curve in curves(rows).items():
        for r in curve:
            more = 100 * (r["bits"] / curve[-1]["bits"] - 1)
            lines.append(f"| {name} | {r['layer']} | {r['tokens']:,} | {r['bits']:.0f} | {more:+.1f}% | {r['seconds']:.0f} |")
    return "\n".join(lines)


def draw(rows):
    figure = new_figure(7, 4)
    axis = figure.subplots()
    for name, curve in curves(rows).items():
        more = [100 * (r["bits"] / curve[-1]["bits"] - 1) for r in curve]
        axis.plot([r["tokens"] for r in curve], more, marker="o", label=f"{name}, layer {curve[0]['layer']}")
    axis.set_xscale("log")
    axis.set_xlabel("tokens calibrated on")
    axis.set_ylabel("bits above the most tokens, %")
    axis.set_title(f"Rate at {LOSS} nats a token")
    plain_ticks(axis.xaxis)
    axis.grid(alpha=0.3)
    axis.legend()
    return figure


if __name__ == "__main__":
    main()

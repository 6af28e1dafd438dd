"""What does a language model lose that is trained together with its codec? A small GPT-2 from scratch: families, lambdas, splits, seeds.

    python benchmarks/bench_tuned_curve.py --text FILE [--text FILE ...] --measured FILE --out FOLDER
        [--families transform,context] [--lambdas 1e-3,3e-4,1e-4] [--splits 1,2,3] [--seeds 3] [--steps 400]

For each seed a model is trained on the texts, and for each split and family a codec is fitted to it. For each lambda, nats that a bit is
worth, the whole model is tuned with the real codec in it (`rdcodec.training.tune`, all weights), at the quality where the frozen codec
trades bits for nats at that price, as it does on windows of the texts. Tuned and frozen are measured on text that nothing was fitted to,
in windows and in last words of passages. Rows are kept in FOLDER/rows as `rdcodec eval --json` writes them, so that a run goes on where
it was cut off and `rdcodec report FOLDER/rows` draws them. Prints means over seeds as Markdown.
"""

import argparse
import copy
import math
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from architectures.codecs import Training, trained_codec
from architectures.learning import trained
from architectures.tasks import TextTask, named
from architectures.texts import CONTEXT, batches, gpt2, tokenizer_of
from transformers import PreTrainedTokenizerBase
from transformers.utils import logging

from rdcodec.cli.output import progress_bar, write_json
from rdcodec.cli.texts import read_texts
from rdcodec.evaluation import Setting, cut_passages, cut_text, evaluate, read_runs, whole_windows
from rdcodec.training import FAMILIES, TuneSettings, load_tuned, tune

FROZEN = (-24, -16, -8, 0, 8)  # qualities beside the default, which keeps a KL of 0.02 nats
PRICING_WINDOWS = 32  # of the texts, where the price of a bit is measured
TUNED_WINDOWS = 8  # a step
HEAD = """| inputs | split | method | seeds | bits/token | bits/element | KL, nats | perplexity | right, relative |
|---|---|---|---|---|---|---|---|---|"""


class Measured(NamedTuple):
    """What models of a size are fitted to and measured on."""

    tokenizer: PreTrainedTokenizerBase
    texts: list
    inputs: dict  # of name to (inputs of evaluate, what a run says of them)


def main():
    options = parse_options()
    logging.disable_progress_bar()
    texts, (measured,) = read_texts(options.text), read_texts([options.measured])
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "rows").mkdir(exist_ok=True)
    tokenizer = tokenizer_of(texts, options.out / "tokenizer")
    windows = cut_text(tokenizer, measured, CONTEXT, options.windows).measured
    inputs = {"windows": (windows, {"window": CONTEXT, "windows": options.windows})}
    if options.passages:
        inputs["words"] = cut_passages(tokenizer, measured, options.passages), {"passages": options.passages}
    given = Measured(tokenizer, texts, inputs)
    with progress_bar() as progress:
        for seed in range(options.seeds):
            model = model_of(seed, given, options, progress)
            for split, family in product(options.splits, options.families):
                measure(model, seed, split, family, given, options, progress)
    print(report(read_runs([options.out / "rows"])))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--text", action="append", required=True, metavar="FILE", help="to train on; may be repeated")
    parser.add_argument("--measured", type=Path, required=True, metavar="FILE", help="text that nothing is fitted to")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="models, codecs and rows, to go on from")
    parser.add_argument("--families", type=listed(str), default=["transform", *FAMILIES], metavar="F[,F...]")
    parser.add_argument("--lambdas", type=listed(float), default=[1e-3, 3e-4, 1e-4, 3e-5], metavar="L[,L...]", help="nats a bit")
    parser.add_argument("--splits", type=listed(int), default=[1, 2, 3], metavar="K[,K...]")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--channels", type=int, default=160)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--minutes", type=float, default=20, help="to train a model")
    parser.add_argument("--codec-minutes", type=float, default=3, help="to train a learned codec")
    parser.add_argument("--steps", type=int, default=400, help="to tune")
    parser.add_argument("--learning-rate", type=float, default=2e-4, help="of tuning")
    parser.add_argument("--windows", type=int, default=200, help="to measure on")
    parser.add_argument("--passages", type=int, default=2000, help="whose last words are predicted; 0 for none")
    return parser.parse_args()


def listed(of):
    return lambda text: [of(part) for part in text.split(",")]


def model_of(seed, given, options, progress):
    """The model of a seed, trained if it is not there."""
    make = partial(gpt2, options.channels, options.layers)
    folder = options.out / f"model{seed}"
    return trained(make, folder, batches(given.tokenizer, given.texts), options.minutes, partial(named, progress, folder.name), seed)


def measure(model, seed, split, family, given, options, progress):
    """Rows of a codec, frozen and tuned at each lambda, kept as files."""
    name = f"seed{seed} split{split} {family}"
    kept = {part: options.out / "rows" / f"{name} {part}.json".replace(" ", "-") for part in given.inputs}
    if all(path.is_file() for path in kept.values()):
        return
    report = partial(named, progress, name)
    folder = options.out / name.replace(" ", "-")
    task = TextTask(f"model{seed}", model, split, None, None, given.tokenizer, given.texts)
    codec = fitted(family, task, folder, options, report)
    qualities = {f"default {more:+d}": max(codec.min_quality, codec.default_quality + more) for more in FROZEN}
    quality_at = priced(model, codec, sorted(set(qualities.values())), given, report)
    settings = []
    for price in options.lambdas:
        quality, variant = quality_at(price), f"lambda {price:g}"
        own = tuned(model, codec, price, quality, given, folder, options, report)
        settings.append(Setting(f"{family}, tuned", own.codec, quality, split, variant=variant, model=own.model, untuned=family))
        qualities[variant] = quality
    settings = [Setting(family, codec, quality, split, variant=variant) for variant, quality in qualities.items()] + settings
    for part, (inputs, what) in given.inputs.items():
        rows = evaluate(model, inputs, settings, progress=report)
        run = {"model": f"GPT-2 of {options.layers} x {options.channels}, seed {seed}", "text": str(options.measured), **what}
        write_json(kept[part], {**run, "frame_tokens": None, "rows": rows.to_dicts()})


def fitted(family, task, folder, options, report):
    """The codec of a family, frozen from here on."""
    if family == "transform":
        return task.calibrated(report)
    return trained_codec(family, task, Training(folder, options.codec_minutes), report)


def priced(model, codec, qualities, given, report):
    """A function of nats a bit: the quality where the frozen codec trades at that price."""
    windows = whole_windows(given.tokenizer, given.texts, CONTEXT)
    chosen = windows[np.linspace(0, len(windows) - 1, PRICING_WINDOWS).round().astype(int)]
    rows = evaluate(model, chosen, [Setting(codec.family, codec, quality) for quality in qualities], progress=report)
    bits, kl = (np.array([getattr(row, name) for row in rows]) for name in ("bits_per_token", "kl"))
    prices = np.maximum.accumulate(np.log(np.maximum(-np.diff(kl), 1e-12) / np.maximum(np.diff(bits), 1e-6))[::-1])
    middles = (np.add(qualities[1:], qualities[:-1]) / 2)[::-1]
    return lambda price: round(float(np.interp(np.log(price), prices, middles)))


def tuned(model, codec, price, quality, given, folder, options, report):
    """The model tuned with the codec in it; one that was tuned before is taken from where it lies."""
    own, out = copy.deepcopy(model), folder / f"lambda{price:g}"
    if (out / "tuned.json").is_file():
        return load_tuned(out, own)
    settings = TuneSettings(
        steps=options.steps,
        windows=TUNED_WINDOWS,
        qualities=(quality, quality),
        learning_rate=options.learning_rate,
        part="both",
        method="full",
        lambda_rate=price,
    )
    return tune(own, given.tokenizer, given.texts, codec, settings, out, cache=options.out / "states", progress=report, resume=True)


# ---- what it says


def report(runs):
    """Means over seeds, ± their standard errors, a line a split, method and setting."""
    groups = {}
    for run in runs:
        for row in run.rows:
            groups.setdefault((run.inputs, row.layer, row.method, row.variant), []).append(row)
    lines = [HEAD]
    for (inputs, split, method, variant), own in sorted(groups.items()):
        figures = [
            over_seeds([row.bits_per_token for row in own], ".1f"),
            over_seeds([row.bits_per_element for row in own], ".3f"),
            over_seeds([row.kl for row in own], ".4f"),
            over_seeds([row.perplexity for row in own], ".2f"),
            over_seeds([100 * (row.accuracy / (row.base_accuracy or math.nan) - 1) for row in own], "+.1f") + "%",
        ]
        lines.append(f"| {inputs} | {split} | {method}, {variant} | {len(own)} | {' | '.join(figures)} |")
    return "\n".join(lines)


def over_seeds(values, style):
    mean = f"{np.mean(values):{style}}"
    return mean if len(values) < 2 else f"{mean} ± {np.std(values, ddof=1) / len(values) ** 0.5:{style.strip('+')}}"


if __name__ == "__main__":
    main()

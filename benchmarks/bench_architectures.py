"""What does coding cost models of other architectures? GPT-2 and GPT-NeoX trained on a text, ViT and ResNet on images of digits.

    python benchmarks/bench_architectures.py --text FILE [--text FILE ...] [--out FOLDER] [--json FILE] [--minutes M]

Trains each model from scratch, keeps it as a Hugging Face checkpoint in the folder (and takes it from there the next time, as
learned codecs), fits every family of codecs to its middle layer on what it was trained on, and measures on what it was not:
windows of a twentieth of each text, in stretches all over it, and some of scikit-learn's digits. Without a text there are only
images. The output is Markdown.
"""

import argparse
import json
import shlex
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path

from architectures import report
from architectures.codecs import FAMILIES, Training
from architectures.digits import IMAGE_MODELS, image_tasks
from architectures.tasks import named
from architectures.texts import TEXT_MODELS, text_tasks
from transformers.utils import logging

from rdcodec.cli.output import progress_bar
from rdcodec.evaluation import evaluate


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, action="append", default=[], metavar="FILE", help="UTF-8; may be repeated")
    parser.add_argument("--out", type=Path, default=Path("out/architectures"), metavar="FOLDER", help="where models are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write machine, versions, command and all rows")
    parser.add_argument("--minutes", type=float, default=5, help="to train a language model")
    parser.add_argument("--image-minutes", type=float, default=0.7, help="to train a model of images")
    parser.add_argument("--codec-minutes", type=float, default=2, help="to train a learned codec")
    parser.add_argument("--windows", type=int, default=48, help="windows of held-out text to measure on")
    parser.add_argument("--images", type=int, default=500, help="held-out images to measure on")
    parser.add_argument("--only", action="append", choices=[*TEXT_MODELS, *IMAGE_MODELS], help="an architecture; may be repeated")
    parser.add_argument("--family", action="append", choices=FAMILIES, help="of codecs, all if not given; may be repeated")
    return parser.parse_args()


def measure(arguments, progress):
    """(task, rows) of each architecture."""
    wanted = arguments.only or [*TEXT_MODELS, *IMAGE_MODELS]
    trained = Training(arguments.out / "codecs", arguments.codec_minutes)
    tasks = []
    if arguments.text:
        texts = [path.read_text(encoding="utf-8-sig") for path in arguments.text]
        names = [name for name in TEXT_MODELS if name in wanted]
        tasks += text_tasks(names, texts, arguments.out, arguments.minutes, arguments.windows, progress)
    names = [name for name in IMAGE_MODELS if name in wanted]
    if names:
        tasks += image_tasks(names, arguments.out, arguments.image_minutes, arguments.images, progress)
    for task in tasks:
        settings = []
        for family in arguments.family or FAMILIES:
            settings += FAMILIES[family](task, trained, partial(named, progress, f"{task.architecture}, {family}"))
        report_rows = partial(named, progress, task.architecture)
        rows = evaluate(task.model, task.measured, settings, progress=report_rows, labels=task.labels)
        yield task, rows


def main():
    arguments = options()
    logging.disable_progress_bar()
    with progress_bar() as progress:
        measured = list(measure(arguments, progress))
    machine = report.machine(shlex.join(["python", "benchmarks/bench_architectures.py", *sys.argv[1:]]))
    if arguments.json:
        rows = [{"architecture": task.architecture, **asdict(row)} for task, rows in measured for row in rows]
        arguments.json.write_text(json.dumps({**machine, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(report.markdown(machine, measured))


if __name__ == "__main__":
    main()

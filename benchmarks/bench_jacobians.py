"""The analysis of arXiv 2601.22002 at its own size: Jacobians of head and entropy model, complexity, singular values of documents.

    python benchmarks/bench_jacobians.py --codec DIR --text FILE [--text FILE ...] --out FILE.json [--model smollm2-135m]
        [--documents 100] [--repeats 10] [--many 1000] [--draws 10000]

Documents are windows of 512 tokens, drawn at random from the texts. Norms are of the largest singular value by Lanczos at each of
--documents, from --repeats starts; complexities are of --many documents' states, [documents, tokens x channels] divided by the root of
their dimension, --repeats times with --draws draws of signs; the mean logarithm of their singular values is that of the matrix as it is, not
centred. What is done is kept in --out, and a run that was cut off goes on with the next start or figure: the head's norms take hours.
"""

import argparse
import json
import math
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

import rdcodec
from rdcodec.cli.output import progress_bar, write_json
from rdcodec.cli.texts import read_texts
from rdcodec.estimators import Estimate, rademacher_complexity
from rdcodec.evaluation import whole_windows
from rdcodec.splits import head_states
from rdcodec.theory import entropy_norm, head_norm
from rdcodec.theory.jacobian import over_inputs

TOKENS = 512


def main():
    arguments = options()
    codec = rdcodec.Codec.from_pretrained(arguments.codec)
    model, tokenizer = rdcodec.load_model(arguments.model)
    windows = whole_windows(tokenizer, read_texts(arguments.text), TOKENS)
    drawn = windows[torch.from_numpy(np.random.default_rng(0).permutation(len(windows))[: arguments.many])]
    some, h = drawn[: arguments.documents], states(model, codec, drawn)
    with progress_bar() as progress:
        kept = Kept(arguments.out, progress)
        kept.norms("entropy model", len(some), arguments.repeats, lambda number, seed: entropy_norm(codec, h[number], seed=seed))
        kept.norms(
            "head", len(some), arguments.repeats, lambda number, seed: head_norm(model, codec.layer, some[number], TOKENS, seed=seed)
        )
        matrix = h.reshape(len(h), -1)
        kept.figure("mean log singular value", lambda report: singular_values(matrix))
        matrix /= math.sqrt(matrix.shape[1])
        for ball in ("l2", "l1"):
            kept.figure(f"complexity, {ball}", partial(complexities, matrix, ball, arguments))
    for name, found in kept.figures.items():
        low, high = found["interval"]
        print(f"| {name} | {found['value']:.4g} [{low:.4g}, {high:.4g}] | {found['samples']} | {found['seconds']:.0f} s |")


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--text", type=Path, action="append", required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.json")
    parser.add_argument("--documents", type=int, default=100, help="of the norms")
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--many", type=int, default=1000, help="documents of complexities and singular values")
    parser.add_argument("--draws", type=int, default=10_000, help="of signs")
    return parser.parse_args()


class Kept:
    """Figures in a file, by name, and those of them that are being made."""

    def __init__(self, path, progress):
        self.path, self.progress = path, progress
        found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"figures": {}, "starts": {}}
        self.figures, self.starts = found["figures"], found["starts"]

    def write(self):
        write_json(self.path, {"figures": self.figures, "starts": self.starts})

    def figure(self, name, measure):
        if name not in self.figures:
            began = perf_counter()
            found = measure(lambda _, fraction: self.progress(name, fraction))
            self.figures[name] = {**asdict(found), "seconds": perf_counter() - began}
            self.write()

    def norms(self, name, documents, repeats, norm_of):
        """`over_inputs` of `norm_of(document, seed)`, each start kept."""
        done = self.starts.setdefault(name, [])  # in the order of documents and starts

        def norm(number, start):
            at = number * repeats + start
            if at == len(done):
                done.append(asdict(norm_of(number, at)))
                self.write()
            return Estimate(**done[at])

        def measure(report):
            starts = product(range(documents), range(repeats))
            return over_inputs(range(documents), repeats, 0, report, lambda *_: norm(*next(starts)))

        self.figure(name, measure)


def states(model, codec, windows):
    """float32 [documents, tokens, channels]"""
    with torch.inference_mode():
        return np.concatenate([head_states(model, codec.layer, input_ids=one[None]).numpy() for one in windows])


def singular_values(matrix):
    """Mean of the natural logarithms of a matrix's singular values, by its Gram matrix."""
    wide = matrix.astype(np.float64)
    logs = np.log(np.linalg.eigvalsh(wide @ wide.T)) / 2
    error = logs.std(ddof=1) / math.sqrt(len(logs))
    return Estimate.normal(logs.mean(), error, "nats", len(logs), least=logs.min(), largest=logs.max())


def complexities(matrix, ball, arguments, report):
    """Of several draws of signs: their mean, and how far they differ."""
    found = []
    for seed in range(arguments.repeats):
        found.append(rademacher_complexity(matrix, ball, draws=arguments.draws, seed=seed).value)
        report("", (seed + 1) / arguments.repeats)
    error = np.std(found, ddof=1) / math.sqrt(len(found))
    return Estimate.student(np.mean(found), error, len(found) - 1, "complexity", len(found), least=min(found), largest=max(found))


if __name__ == "__main__":
    main()

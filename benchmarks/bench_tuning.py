"""What does tuning gain? Models tuned with their codecs beside the same codecs in the untuned model, with error bars.

    python benchmarks/bench_tuning.py --model smollm2-135m --text TEST.txt --tuned DIR [--tuned DIR ...] [--quality Q,Q] [--windows 24]

Prints Markdown: real bits a token, KL to the untuned, uncompressed model and change of the negative log-likelihood against it, before and
after, each ± a standard error over windows, and by how much tuning lowers the KL, ± the standard error of paired differences.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from rich.progress import track

from rdcodec import compress_at
from rdcodec.cli.loading import load_quietly
from rdcodec.evaluation import cut_text
from rdcodec.evaluation.losses import output_losses
from rdcodec.training import load_tuned


def main():
    options = parse_options()
    model, tokenizer = load_quietly(options.model)
    windows, _ = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), options.window, options.windows)
    all_tuned = {folder: load_tuned(folder, load_quietly(options.model)[0]) for folder in options.tuned}
    rows = [
        {"folder": str(folder), "part": tuned.part, "quality": quality, "frozen": [], "tuned": []}
        for folder, tuned in all_tuned.items()
        for quality in options.quality or [tuned.codec.default_quality]
    ]
    for ids in track(windows, "windows"):
        untuned = logits_of(model, ids)
        for row in rows:
            tuned = all_tuned[Path(row["folder"])]
            for name, one in (("frozen", model), ("tuned", tuned.model)):
                row[name].append(measure(one, tuned, row["quality"], ids, untuned))
    print(report(rows))
    if options.json:
        options.json.write_text(json.dumps(rows) + "\n", encoding="utf-8")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--text", required=True, type=Path, help="that nothing was fitted to")
    parser.add_argument("--tuned", required=True, type=Path, action="append", help="folder of rdcodec tune; may be repeated")
    parser.add_argument("--quality", type=lambda text: [int(part) for part in text.split(",")], help="those tuned at, if not given")
    parser.add_argument("--window", type=int, default=512, help="tokens")
    parser.add_argument("--windows", type=int, default=24)
    parser.add_argument("--json", type=Path, help="write what was measured, window by window")
    return parser.parse_args()


@torch.no_grad()
def logits_of(model, ids):
    """[tokens, vocabulary]"""
    return model(input_ids=ids[None], use_cache=False).logits[0]


def measure(model, tuned, quality, ids, untuned):
    """Bits a token, KL, and change of the negative log-likelihood of a window."""
    with compress_at(model, tuned.codec, quality, layer=tuned.layer) as meter:
        coded = output_losses(untuned, logits_of(model, ids), ids[1:])
    plain = output_losses(untuned, untuned, ids[1:])
    return meter.bits_per_token, float(coded.kl.mean()), float(coded.nll.mean() - plain.nll.mean())


def report(rows):
    lines = ["| tuned | quality | model | bits/token | KL, nats | change of NLL | KL against frozen |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        frozen, tuned = np.array(row["frozen"]), np.array(row["tuned"])
        for name, figures in (("frozen", frozen), (row["part"], tuned)):
            bits, kl, nll = (with_error(values) for values in figures.T)
            lower = f"{tuned[:, 1].mean() / frozen[:, 1].mean() - 1:+.1%}, {with_error(tuned[:, 1] - frozen[:, 1])}"
            gain = lower if figures is tuned else ""
            lines.append(f"| {row['folder']} | {row['quality']} | {name} | {bits} | {kl} | {nll} | {gain} |")
    return "\n".join(lines)


def with_error(values):
    return f"{values.mean():.4g} ± {values.std(ddof=1) / len(values) ** 0.5:.2g}"


if __name__ == "__main__":
    main()

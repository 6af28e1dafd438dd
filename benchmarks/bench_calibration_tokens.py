"""How many tokens does calibration take? Rate at equal loss against the tokens that a codec is fitted to.

    python benchmarks/bench_calibration_tokens.py --model smollm2-135m --layer 10 --fit FIT.txt [--fit FIT.txt ...] --text TEST.txt
        [--tokens 3000 6000 12000 24000 60000 120000] [--windows 8] [--cache FOLDER] [--rows ROWS.json] [--plot FIGURE.png]

Fewer tokens are the first of more, and all are fitted to in one way, with the settings that calibration tries first: so they differ by
nothing but their number, and hidden states and gradients are computed once. --cache keeps these. --rows keeps what was measured beside
what the file has of other models; numbers of tokens that it has are not measured again. --plot draws all of it. Prints Markdown.
"""

import argparse
import json
from pathlib import Path
from time import perf_counter

import numpy as np
import torch

from rdcodec.calibration.choice import ALPHAS, GRADIENT_TOKENS, SAMPLES, SHRINKAGES, states_of
from rdcodec.calibration.codewords import vocabulary_codewords
from rdcodec.calibration.fit import Statistics, fit_codec
from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.calibration.windows import all_windows, batches, windows_of
from rdcodec.cli.loading import load_quietly
from rdcodec.evaluation import Setting, cut_text, evaluate
from rdcodec.evaluation.drawing import new_figure, plain_ticks
from rdcodec.modes import frozen

LOSS = 0.0186  # nats a token
QUALITIES = (-6, 0)  # about that of the loss, of any model: components are in units of their deviation
TOKENS = (3000, 6000, 12_000, 24_000, 60_000, 120_000)
SEED = 77


def main():
    options = parse_options()
    rows = json.loads(options.rows.read_text()) if options.rows and options.rows.exists() else []
    known = {row["tokens"] for row in rows if (row["model"], row["layer"]) == (options.name, options.layer)}
    wanted = [tokens for tokens in sorted(options.tokens) if tokens not in known]
    if wanted:
        model, tokenizer = load_quietly(options.model)
        texts = [path.read_text(encoding="utf-8-sig") for path in options.fit]
        measured = Measured(model, tokenizer, texts, options.layer, max(options.tokens), options.cache)
        windows, _ = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), windows=options.windows)
    for tokens in wanted:
        codec, seconds = measured.fitted(tokens)
        bits = bits_at_loss(model, windows, codec)
        rows.append({"model": options.name, "layer": options.layer, "tokens": tokens, "bits": bits, "seconds": seconds})
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
    parser.add_argument("--windows", type=int, default=8, help="of 512 tokens")
    parser.add_argument("--cache", type=Path, help="folder of states and gradients of this model, layer and text")
    parser.add_argument("--rows", type=Path, help="JSON")
    parser.add_argument("--plot", type=Path, help="PNG")
    options = parser.parse_args()
    options.name = options.name or options.model
    return options


class Measured:
    """States, gradients and codewords of the most tokens, of which any smaller number can be taken."""

    def __init__(self, model, tokenizer, texts, layer, tokens, cache):
        windows, ids = all_windows(model, tokenizer, texts)
        count = windows_of(tokens, windows)
        if len(windows) < count:
            raise SystemExit(f"--fit: {tokens} tokens are {count} windows, these texts make {len(windows)}")
        windows = windows[np.random.default_rng(SEED).permutation(len(windows))[:count]]
        counts = torch.bincount(torch.cat(ids), minlength=model.get_input_embeddings().weight.shape[0]).numpy()
        self._layer = layer
        with frozen(model):
            self._states = kept(cache, "states", lambda: states_of(model, layer, windows, "", silent).float().numpy())[:count]
            states = torch.from_numpy(np.array(self._states[: windows_of(GRADIENT_TOKENS, windows)]))
            self._gradients = kept(cache, "gradients", lambda: gradients(model, layer, states, windows))
            self._codewords = vocabulary_codewords(model, layer, windows, counts, silent)

    def fitted(self, tokens):
        """A codec of the first tokens, and the seconds that fitting took."""
        count = windows_of(tokens, self._states)
        codewords = self._codewords._replace(of_tokens=self._codewords.of_tokens[:count])
        statistics = Statistics(self._layer, np.array(self._states[:count]), self._gradients[:, :count], codewords)
        began = perf_counter()
        return fit_codec(statistics, ALPHAS[0], SHRINKAGES[0]), perf_counter() - began


def silent(stage, fraction):
    pass


def gradients(model, layer, states, windows):
    generator = torch.Generator().manual_seed(SEED)
    parts = [sampled_gradients(model, layer, part, SAMPLES, generator, inputs) for part, inputs in batches(states, windows)]
    return torch.cat(parts, dim=1).numpy()


def kept(folder, name, make):
    """An array from a folder, where it is made if it is not there."""
    if folder is None:
        return make()
    path = folder / f"{name}.npy"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        np.save(path, make())
    return np.load(path, mmap_mode="r")


def bits_at_loss(model, windows, codec):
    """Bits a token at LOSS, straight in logarithms through two qualities."""
    points = evaluate(model, windows, [Setting("transform", codec, quality) for quality in QUALITIES])
    (loss, other_loss), (bits, other_bits) = np.log([[point.kl, point.bits_per_token] for point in points]).T
    return float(np.exp(bits + (other_bits - bits) * (np.log(LOSS) - loss) / (other_loss - loss)))


def curves(rows):
    """Rows of each model, by tokens."""
    names = dict.fromkeys(row["model"] for row in rows)
    return {name: sorted((row for row in rows if row["model"] == name), key=lambda row: row["tokens"]) for name in names}


def report(rows):
    lines = ["| model | layer | tokens | bits a token | against the most tokens | seconds to fit |", "|---|---|---|---|---|---|"]
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

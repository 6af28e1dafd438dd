"""Sparse autoencoders trained on states from a store against those trained on raw float16: variance explained and loss recovered.

    python benchmarks/bench_autoencoder.py --model smollm2-135m --codec pretrained/smollm2-135m/layer10/context --text TRAIN.txt
        --test-text TEST.txt [--qualities -3 6] [--features 4096] [--seeds 3] [--tokens 131072] [--epochs 3] [--json ROWS.json]

Raw states lie in a store too, as float16, so that both are read in the same order by the same program: of a seed, nothing differs but the
states. Every autoencoder is measured on raw states of text that neither it nor a codec was fitted to. Loss recovered is between
the model's own loss and its loss with zeros in place of the states. Prints Markdown.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from rdcodec import Codec, load_model
from rdcodec.codecs import RawCodec
from rdcodec.evaluation import cut_text
from rdcodec.splits import head_states
from rdcodec.store import Shuffled, Store

sys.path.append(str(Path(__file__).parents[1] / "examples"))
from sparse_autoencoder import SparseAutoencoder, loss_recovered, losses, train, variance_explained

WINDOW = 512
SCALED_ON = 8192  # tokens that mean and length are taken from


def main():
    options = parse_options()
    model, tokenizer = load_model(options.model)
    codec = Codec.from_pretrained(options.codec)
    test, _ = cut_text(tokenizer, options.test_text.read_text(encoding="utf-8-sig"), WINDOW, options.test_windows)
    test_states = torch.cat([head_states(model, codec.layer, ids[None])[0] for ids in test])
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        stores = made_stores(Path(folder), model, tokenizer, codec, options)
        ends, rows = losses(model, codec.layer, test, lambda h: h, torch.zeros_like), []
        for seed in range(options.seeds):
            for name, store in stores.items():
                trained = trained_on(store, seed, options)
                rows.append({"states": name, "seed": seed, "bits": bits(store), "explained": variance_explained(trained, test_states)})
                (loss,) = losses(model, codec.layer, test, trained)
                rows[-1].update(loss=loss, recovered=loss_recovered(loss, *ends))
                print(rows[-1], file=sys.stderr, flush=True)
                if options.json:
                    options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    print(report(rows, options))


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--qualities", type=int, nargs="+", default=[-3, 6])
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--test-text", type=Path, required=True)
    parser.add_argument("--features", type=int, default=4096)
    parser.add_argument("--kept", type=int, default=32, help="features of a token")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=131_072)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--test-windows", type=int, default=24)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def made_stores(folder, model, tokenizer, codec, options):
    """dict of name to Store: the same states raw, and at each quality."""
    windows, _ = cut_text(tokenizer, options.text.read_text(encoding="utf-8-sig"), WINDOW, options.tokens // WINDOW)
    writers = {"raw float16": Store.create(folder / "raw", RawCodec(codec.channels))}
    for quality in options.qualities:
        writers[f"quality {quality}"] = Store.create(folder / str(quality), codec, quality=quality)
    for ids in windows:
        h = head_states(model, codec.layer, ids[None])[0].to(torch.float16)
        for writer in writers.values():
            writer.add(h)
    for writer in writers.values():
        writer.close()
    return {name: Store.open(writer.path) for name, writer in writers.items()}


def bits(store):
    """An element."""
    return 8 * store.bytes / (len(store) * store.shape[1])


def trained_on(store, seed, options):
    states = torch.from_numpy(store.read(0, min(SCALED_ON, len(store)), dtype="float32"))
    data = Shuffled(store, options.batch, seed=seed, dtype=torch.float32)
    steps = options.epochs * -(-len(store) // options.batch)
    return train(SparseAutoencoder(states, options.features, options.kept, seed), epochs(data, options.epochs), steps=steps)


def epochs(data, count):
    for epoch in range(count):
        data.set_epoch(epoch)
        yield from data


def report(rows, options):
    names = list(dict.fromkeys(row["states"] for row in rows))
    of = {name: [row for row in rows if row["states"] == name] for name in names}
    raw = of[names[0]]
    trained = (
        f"{options.features:,} features, {options.kept} a token, {options.seeds} seeds, {options.tokens:,} tokens {options.epochs} times"
    )
    lines = [f"{trained}; measured on {options.test_windows} windows of {WINDOW} tokens.\n"]
    lines += ["| trained on | bits an element | variance explained | loss recovered | against raw float16, worst seed of each |"]
    lines += ["|---|---|---|---|---|"]
    for name in names:
        means = [f"{np.mean([row[key] for row in of[name]]):.2%}" for key in ("explained", "recovered")]
        worst = [max((abs(row[key] - own[key]) for row, own in zip(of[name], raw))) for key in ("explained", "recovered")]
        against = f"{worst[0]:.2%}, {worst[1]:.2%}" if name != names[0] else ""
        lines.append(f"| {name} | {of[name][0]['bits']:.2f} | {means[0]} | {means[1]} | {against} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

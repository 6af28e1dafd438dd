"""How long a codec takes beside its model, and what one token a frame costs.

    python benchmarks/bench_codec.py --model smollm2-135m --codec layer10 --text TEST.txt

Prints Markdown: medians of runs that alternate between the model's forward pass and the codec, in this one process.
"""

import argparse
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import torch
import transformers

import rdcodec
from rdcodec import Codec, load_model
from rdcodec.codecs import decode_rows, encode_rows
from rdcodec.splits import head_states

TOKENS = 512
RUNS = 9
ROWS = 64  # sequences that a token each is coded of
STEPS = 40


def timed(work):
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def cpu_name():
    for line in Path("/proc/cpuinfo").read_text().splitlines() if os.path.exists("/proc/cpuinfo") else ():
        if line.startswith("model name"):
            return line.split(":")[1].strip()
    return platform.processor()


def steps_of_rows(codec, h, rows):
    """Microseconds a token, encode and decode: medians of steps of one token, after half of h, in so many rows side by side."""
    encoders, decoders = [codec.encoder() for _ in range(rows)], [codec.decoder() for _ in range(rows)]
    states = np.stack([np.roll(h, -7 * row, axis=0) for row in range(rows)])
    decode_rows(decoders, encode_rows(encoders, states[:, : TOKENS // 2]))
    taken = []
    for at in range(TOKENS // 2, TOKENS // 2 + STEPS):
        token = np.ascontiguousarray(states[:, at : at + 1])
        encode, frames = timed(lambda token=token: encode_rows(encoders, token))
        taken.append((encode, timed(lambda frames=frames: decode_rows(decoders, frames))[0]))
    return np.median(taken, axis=0) * 1e6 / rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--codec", required=True)
    parser.add_argument("--text", required=True, type=Path)
    arguments = parser.parse_args()

    model, tokenizer = load_model(arguments.model)
    codec = Codec.from_pretrained(arguments.codec)
    ids = tokenizer(arguments.text.read_text(encoding="utf-8-sig"), return_tensors="pt", verbose=False)["input_ids"][:, :TOKENS]
    h = head_states(model, codec.layer, ids)[0]
    seconds = {"forward": [], "encode": [], "decode": []}
    with torch.no_grad():
        for _ in range(RUNS):
            seconds["forward"].append(timed(lambda: model(ids))[0])
            taken, frame = timed(lambda: codec.encoder().encode(h))
            seconds["encode"].append(taken)
            seconds["decode"].append(timed(lambda frame=frame: codec.decoder().decode(frame))[0])
    median = {name: statistics.median(values) for name, values in seconds.items()}
    encoder = codec.encoder()
    size = sum(len(encoder.encode(h[t : t + 1])) for t in range(TOKENS))

    print(f"rdcodec {rdcodec.__version__}, torch {torch.__version__}, transformers {transformers.__version__},", end=" ")
    print(f"{cpu_name()}, {torch.get_num_threads()} threads, layer {codec.layer}, quality {codec.default_quality}\n")
    print(f"| {TOKENS} tokens | seconds (median of {RUNS}) | of the forward pass |\n|---|---|---|")
    for name, value in [*median.items(), ("encode + decode", median["encode"] + median["decode"])]:
        print(f"| {name} | {value:.4f} | {value / median['forward']:.1%} |")
    print(f"\nOne token a frame: {8 * size / TOKENS:.1f} bits per token with frames, {8 * len(frame) / TOKENS:.1f} as one block", end=" ")
    print(f"(+{size / len(frame) - 1:.1%}).\n\n| a token at a time | encode, microseconds a token | decode |\n|---|---|---|")
    for rows in (1, ROWS):
        encode, decode = steps_of_rows(codec, h.numpy(), rows)
        print(f"| {rows} row{'s' * (rows > 1)} side by side | {encode:.1f} | {decode:.1f} |")


if __name__ == "__main__":
    main()

"""What it gains to run a codec's transforms where the model's states are.

    python benchmarks/bench_device.py --device cuda [--channels 576 --channels 4096]

Random states; medians of runs in which the codec and the codec moved to the device take turns, both fed with a tensor on the device
and asked for one there. Bytes are compared first.
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "codecs"))
from block_parts import calibrated_codec

TOKENS, RUNS = 512, 9


def seconds(work, device):
    began = time.perf_counter()
    result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began, result


def measured(codec, h, device):
    """Microseconds a token of `codec` and of the codec on the device: encode and decode."""
    taken = {"processor": [], "device": []}
    ends = {"processor": codec, "device": codec.to(device)}
    frames = {name: own.encoder().encode(h) for name, own in ends.items()}
    print(f"{codec.channels} channels: {'the same' if len(set(frames.values())) == 1 else 'other'} bytes")
    for _ in range(RUNS):
        for name, own in ends.items():
            encode, frame = seconds(lambda own=own: own.encoder().encode(h), device)
            decode, _ = seconds(lambda own=own, frame=frame: torch.as_tensor(own.decoder().decode(frame)).to(device), device)
            taken[name].append((encode, decode))
    return {name: [1e6 / len(h) * statistics.median(column) for column in zip(*rows)] for name, rows in taken.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--channels", type=int, action="append")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    rng, rows = np.random.default_rng(0), []
    for channels in arguments.channels or (576, 2048, 4096):
        codec = calibrated_codec(np.ones(channels), blocks=False)
        h = torch.from_numpy(rng.standard_normal((TOKENS, channels)).astype(np.float32)).to(device)
        rows += [(channels, name, *times) for name, times in measured(codec, h, device).items()]
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else arguments.device
    print(f"\ntorch {torch.__version__}, {torch.get_num_threads()} threads, {name}, blocks of {TOKENS} tokens\n")
    print("| channels | transforms on | encode, microseconds a token | decode |\n|---|---|---|---|")
    for channels, where, encode, decode in rows:
        print(f"| {channels} | the {where} | {encode:.1f} | {decode:.1f} |")


if __name__ == "__main__":
    main()

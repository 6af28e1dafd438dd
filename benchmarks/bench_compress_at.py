"""What `compress_at` itself costs beside a forward pass: sixteen-bit values through real frames, nothing to compute.

    python benchmarks/bench_compress_at.py [--model smollm2-135m] [--runs 15]

One generated token is measured on a tiny Llama of the width of SmolLM2-135M, whose forward pass is short enough to see microseconds
beside it; a window of 512 tokens on the real model. Plain and coded passes take turns, and figures are of the minima over the runs.
"""

import argparse
import statistics
import time
import warnings
from contextlib import nullcontext

import numpy
import torch
import transformers

import rdcodec
from rdcodec.codecs import RawCodec
from rdcodec.splits import compress_at

warnings.filterwarnings("ignore", category=FutureWarning)  # later transformers call past_key_values cache, earlier ones know no such name

PROMPT, GENERATED, WINDOW = 16, 64, 512


def seconds(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def tiny_llama():
    torch.manual_seed(0)
    sizes = {"hidden_size": 576, "num_hidden_layers": 2, "intermediate_size": 64, "vocab_size": 100}
    config = transformers.LlamaConfig(**sizes, num_attention_heads=9, num_key_value_heads=3)
    return transformers.LlamaForCausalLM(config).eval()


def token_by_token(model, ids):
    """Seconds of each generated token, [tokens]."""
    cache = transformers.DynamicCache()
    model(ids[:, :PROMPT], past_key_values=cache)
    return [seconds(lambda: model(ids[:, at : at + 1], past_key_values=cache)) for at in range(PROMPT, PROMPT + GENERATED)]


def whole_window(model, ids):
    """Seconds of a forward pass, [1]."""
    return [seconds(lambda: model(ids, use_cache=False))]


def least(model, layer, channels, measure, ids, runs):
    """Seconds of the plain pass and of the coded one: the medians of the minima over the runs, and of their differences."""
    plain, coded = [], []
    for _ in range(runs + 1):  # the first one is forgotten
        for context, times in ((nullcontext(), plain), (compress_at(model, RawCodec(channels), layer=layer), coded)):
            with context:
                times.append(measure(model, ids))
    plain, coded = (numpy.min(times[1:], axis=0) for times in (plain, coded))
    return statistics.median(plain), statistics.median(coded - plain)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--layer", type=int, default=10)
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    model, _ = rdcodec.load_model(arguments.model)
    ids = torch.randint(0, 100, (1, WINDOW), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        rows = [
            ("one generated token, tiny Llama", *least(tiny_llama(), 1, 576, token_by_token, ids, arguments.runs)),
            (
                f"{WINDOW} tokens, {arguments.model}",
                *least(model, arguments.layer, model.config.hidden_size, whole_window, ids, arguments.runs),
            ),
        ]
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads, least of {arguments.runs} runs\n"
    )
    print("| pass | plain, ms | `compress_at` adds, ms | |\n|---|---|---|---|")
    for name, plain, added in rows:
        print(f"| {name} | {1e3 * plain:.3f} | {1e3 * added:.3f} | {100 * added / plain:.1f}% |")


if __name__ == "__main__":
    main()

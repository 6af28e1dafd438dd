"""What the states that pass between two machines say of the text: tokens that a linear map recovers from them.

    python benchmarks/bench_token_recovery.py --fit-text FILE --text FILE [--model smollm2-135m] [--layers 3 10 20] [--codec DIR ...]

A ridge regression takes the state of a token at a layer to the embedding of that token, fitted to windows of one text; on windows of the
other, the token is guessed whose embedding is nearest by its angle. It is what anyone can do who has the model, with seconds of work: a
lower bound of what the tail learns. With codecs, states are those that arrive.
"""

import argparse
from pathlib import Path

import torch

import rdcodec
from rdcodec import Codec
from rdcodec.evaluation import cut_text
from rdcodec.splits import head_states

RIDGE = 1e-3  # of the states' mean square


def states_and_tokens(model, layer, windows):
    """float64 [tokens, channels + 1] with a last one of ones, and int64 [tokens]; the first token of a window, which stands out, left out."""
    states = torch.cat([head_states(model, layer, ids[None])[0, 1:] for ids in windows])
    return with_ones(states), windows[:, 1:].flatten()


def with_ones(states):
    states = torch.nn.functional.normalize(states.double(), dim=1)
    return torch.cat([states, torch.ones(len(states), 1, dtype=torch.float64)], 1)


def fitted(states, targets):
    """The map [channels + 1, channels] of least squares with a penalty."""
    moments = states.T @ states
    moments.diagonal().add_(RIDGE * moments.diagonal().mean())
    return torch.linalg.solve(moments, states.T @ targets)


def recovered(states, tokens, map_, embeddings):
    """Share of tokens that are guessed."""
    mapped, embeddings = (states @ map_).float(), embeddings.float()
    guesses = torch.cat([(part @ embeddings.T).argmax(1) for part in mapped.split(256)])
    return float((guesses == tokens).double().mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--fit-text", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--layers", type=int, nargs="*", default=[3, 10, 20])
    parser.add_argument("--codec", type=Path, nargs="*", default=[])
    parser.add_argument("--fit-windows", type=int, default=64)
    parser.add_argument("--windows", type=int, default=8)
    arguments = parser.parse_args()
    model, tokenizer = rdcodec.load_model(arguments.model)
    fit, _ = cut_text(tokenizer, arguments.fit_text.read_text(encoding="utf-8"), 256, arguments.fit_windows)
    windows, _ = cut_text(tokenizer, arguments.text.read_text(encoding="utf-8"), 256, arguments.windows)
    embeddings = torch.nn.functional.normalize(model.get_input_embeddings().weight.detach().double(), dim=1)
    codecs = {path: Codec.from_pretrained(path) for path in arguments.codec}
    print(
        f"{fit[:, 1:].numel()} tokens fitted to, {windows[:, 1:].numel()} guessed\n\n| layer | states | tokens recovered |\n|---|---|---|"
    )
    for layer in arguments.layers:
        states, tokens = states_and_tokens(model, layer, fit)
        map_ = fitted(states, embeddings[tokens])
        states, tokens = states_and_tokens(model, layer, windows)
        print(f"| {layer} | as they are | {recovered(states, tokens, map_, embeddings):.1%} |", flush=True)
        for path, codec in codecs.items():
            if codec.layer == layer:
                arrived = torch.stack(
                    [torch.from_numpy(codec.decode(codec.encode(head_states(model, layer, ids[None])[0]))) for ids in windows]
                )
                share = recovered(with_ones(arrived[:, 1:].flatten(0, 1)), tokens, map_, embeddings)
                print(f"| {layer} | through {codec.family} ({path}) | {share:.1%} |", flush=True)


if __name__ == "__main__":
    main()

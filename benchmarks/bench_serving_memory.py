"""What the processes of head and tail take for a model: their memory above that of the same two commands with a model of a few kilobytes.

    python benchmarks/bench_serving_memory.py --codec DIR [--model smollm2-135m] [--layer K] [--prompt 64] [--new 16]

`rdcodec serve` and `rdcodec generate --openai-port` are started twice, with the model and with one of its kind that has two narrow blocks and a
few words, so that what both import, and gRPC, counts for neither. Memory is what is resident (anonymous, and with files that are mapped, which are code)
when both have loaded and when a text has been said.
"""

import argparse
import copy
import json
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import transformers
from serving.processes import ServerProcess
from tokenizers import Tokenizer, models

from rdcodec import Codec
from rdcodec.codecs import RawCodec
from rdcodec.models import load_weights
from rdcodec.splits import find_site

NARROW = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
}
NONE = ("layer_types", "bos_token_id", "eos_token_id", "pad_token_id")


@dataclass(frozen=True)
class Ends:
    """A model, its split point and the folder of its codec, as the commands take them."""

    model: str
    layer: int
    codec: str

    def command(self, *words):
        return [sys.executable, "-m", "rdcodec.cli", *words, "--model", self.model, "--layer", self.layer, "--codec", self.codec]

    def memory(self, prompt, new):
        """Bytes of each end, of what `ServerProcess.memory` names, when loaded and after a text."""
        with ServerProcess(self.command("serve", "--listen", "127.0.0.1:0")) as tail:
            connect = ["--connect", f"127.0.0.1:{tail.ports[0]}", "--openai-port", 0]
            with ServerProcess(self.command("generate", *connect)) as head:
                loaded = {"head": head.memory, "tail": tail.memory}
                say(head.ports[0], prompt, new)
                return {"loaded": loaded, "after a text": {"head": head.memory, "tail": tail.memory}}


def say(port, prompt, new):
    """Have a text said."""
    body = json.dumps({"prompt": [1] * prompt, "max_tokens": new, "temperature": 0}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/completions", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as answer:
        answer.read()


def own_bytes(model, layer):
    """Of the blocks of each end, with its embeddings or what makes logits."""
    blocks = find_site(model, layer).blocks

    def of(modules):
        return sum(weight.nbytes for module in modules for weight in module.parameters())

    return {
        "head": of([*blocks[:layer], model.get_input_embeddings()]),
        "tail": of([*blocks[layer:], model.get_output_embeddings()]),
    }


def narrow_ends(model, folder):
    """A model of the same kind with next to no weights, its tokenizer of one word, and a codec."""
    config = copy.deepcopy(model.config)
    config.update({**NARROW, **dict.fromkeys(NONE), "vocab_size": 2})
    type(model)(config.from_dict(config.to_dict())).save_pretrained(folder)
    words = Tokenizer(models.WordLevel({"": 0, "word": 1}, unk_token=""))
    transformers.PreTrainedTokenizerFast(tokenizer_object=words).save_pretrained(folder)
    RawCodec(NARROW["hidden_size"]).save_pretrained(folder / "codec")
    return Ends(str(folder), 1, str(folder / "codec"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--layer", type=int, help="the codec's, where it is not given")
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--new", type=int, default=16)
    arguments = parser.parse_args()
    layer = Codec.from_pretrained(arguments.codec).layer if arguments.layer is None else arguments.layer
    model = load_weights(arguments.model)
    own = own_bytes(model, layer)
    with tempfile.TemporaryDirectory() as folder:
        without = narrow_ends(model, Path(folder)).memory(arguments.prompt, arguments.new)
    del model
    taken = Ends(arguments.model, layer, str(arguments.codec)).memory(arguments.prompt, arguments.new)
    print("| end | when | its own blocks and embeddings, MiB | anonymous | more | resident | more | at most so far |\n" + "|---" * 8 + "|")
    for end, needed in own.items():
        for when, ends in taken.items():
            grown = {kind: ends[end][kind] - without[when][end][kind] for kind in ends[end]}
            figures = " | ".join(f"{grown[kind] / 2**20:.0f} | {grown[kind] / needed - 1:+.1%}" for kind in ("anonymous", "resident"))
            print(f"| {end} | {when} | {needed / 2**20:.1f} | {figures} | {grown['most'] / 2**20:.0f} |")


if __name__ == "__main__":
    main()

"""What test_tuning_processes.py runs in each of two processes: a tiny model tuned with one window a process."""

import sys
from pydoc_data.topics import topics

import torch
import transformers
from tiny_language_models import made

from rdcodec.codecs import IntegerCodec
from rdcodec.training import TuneSettings, tune

SIZES = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4, "max_position_embeddings": 48}
SETTINGS = {"steps": 6, "part": "both", "rank": 4, "learning_rate": 1e-3, "checkpoint_every": 2, "validate_every": 4}


def tokenizer(text, verbose=False):
    """A token a byte."""
    return {"input_ids": list(text.encode())}


def tuned(windows, out):
    torch.set_num_threads(1)
    config = transformers.LlamaConfig(**SIZES, vocab_size=256, bos_token_id=None, eos_token_id=None)
    model, text = made(lambda: transformers.LlamaForCausalLM(config)), "\n".join(sorted(topics.values()))[:2000]
    settings = TuneSettings(**SETTINGS, windows=windows)
    return tune(model, tokenizer, [text], IntegerCodec(32, bits=3), settings, out, layer=1)


if __name__ == "__main__":
    print(tuned(1, sys.argv[1]).after)

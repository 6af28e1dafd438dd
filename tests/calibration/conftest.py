"""A small random Llama, a tokenizer of bytes, and a codec calibrated for them."""

from pydoc_data.topics import topics

import pytest
import torch
import transformers
from tiny_language_models import made
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rdcodec import calibrate

LAYER = 2


@pytest.fixture(scope="session", autouse=True)
def tiny_models(one_thread):
    """Run in one thread."""


@pytest.fixture(scope="session")
def text():
    return "\n\n".join(sorted(set("\n\n".join(topics.values()).split("\n\n"))))


@pytest.fixture(scope="session")
def tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_only.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=bytes_only)


@pytest.fixture(scope="session")
def model():
    config = transformers.LlamaConfig(
        vocab_size=256,
        hidden_size=40,
        intermediate_size=96,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=False,
    )
    return made(lambda: transformers.LlamaForCausalLM(config))


@pytest.fixture(params=[2**30, 0], ids=["at once", "by blocks"])
def most_kept(request, monkeypatch):
    """Gradients through the tail of a model as they are taken of small ones and of large ones."""
    monkeypatch.setattr("rdcodec.calibration.tail_gradients.MOST_KEPT", request.param)


@pytest.fixture(scope="session")
def codec(model, tokenizer, text):
    return calibrate(model, tokenizer, [text[:40_000]], LAYER, tokens=3000)


@pytest.fixture(scope="session")
def states(model, tokenizer, text):
    """float32 [tokens, channels] of text that nothing was fitted to, one token of them massive."""
    from rdcodec.splits import head_states

    ids = torch.tensor(tokenizer(text[60_000:60_120])["input_ids"])[None]
    h = head_states(model, LAYER, ids)[0].numpy().copy()
    h[0] *= 3000
    return h

"""Tiny random models, a tokenizer of bytes, and the states of a text."""

from pydoc_data.topics import topics

import pytest
import transformers
from noisy_quantiser import NoisyQuantiser
from tiny_language_models import made
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rdcodec.training import StateCache, TailDistortion

LAYER = 1
CHANNELS = 32
WINDOW = 48
SIZE = {"vocab_size": 256, "bos_token_id": None, "eos_token_id": None}


@pytest.fixture(scope="session", autouse=True)
def tiny_models(one_thread):
    """Run in one thread."""


@pytest.fixture(scope="session")
def text():
    return "\n\n".join(sorted(set("\n\n".join(topics.values()).split("\n\n"))))[:4000]


@pytest.fixture(scope="session")
def tokenizer():
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bytes_only = Tokenizer(models.BPE(vocab={letter: i for i, letter in enumerate(alphabet)}, merges=[]))
    bytes_only.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    bytes_only.decoder = decoders.ByteLevel()
    return transformers.PreTrainedTokenizerFast(tokenizer_object=bytes_only)


def llama():
    config = transformers.LlamaConfig(
        **SIZE,
        hidden_size=CHANNELS,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=WINDOW,
    )
    return transformers.LlamaForCausalLM(config)


def gpt2():
    config = transformers.GPT2Config(**SIZE, n_embd=CHANNELS, n_layer=3, n_head=4, n_positions=WINDOW)
    return transformers.GPT2LMHeadModel(config)


@pytest.fixture(scope="session", params=[llama, gpt2], ids=lambda architecture: architecture.__name__)
def any_model(request):
    return made(request.param)


@pytest.fixture(scope="session")
def model():
    return made(llama)


@pytest.fixture(scope="session")
def cache(model, tokenizer, text, tmp_path_factory):
    return StateCache.open(tmp_path_factory.mktemp("cache"), model, tokenizer, [text], LAYER)


@pytest.fixture(scope="session")
def distortion(model):
    return TailDistortion(model, LAYER)


@pytest.fixture
def module():
    return NoisyQuantiser(CHANNELS)

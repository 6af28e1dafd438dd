"""Tiny random models, a tokenizer of bytes, the states of a text, and a small codec that can be trained."""

from pydoc_data.topics import topics

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from rdcodec.training import Reconstruction, StateCache, TailDistortion

LAYER = 1
CHANNELS = 32
WINDOW = 48
SIZE = {"vocab_size": 256, "bos_token_id": None, "eos_token_id": None}


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tiny models only lose by more threads, and most of all on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


def made(architecture):
    torch.manual_seed(3)
    model = architecture().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(5)
    return model


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


class NoisyQuantiser(torch.nn.Module):
    """A learned step for each channel, uniform noise in place of rounding, a Gaussian of learned scale for the rate."""

    def __init__(self, noise=1.0):
        super().__init__()
        self.log_step = torch.nn.Parameter(torch.full((CHANNELS,), -3.0))
        self.log_scale = torch.nn.Parameter(torch.zeros(CHANNELS))
        self.register_buffer("noise", torch.tensor(float(noise)))
        self.fractions = []

    def parameter_groups(self, settings):
        return [{"params": [self.log_step]}, {"params": [self.log_scale], "lr": 2 * settings.learning_rate}]

    def step_hook(self, fraction):
        self.fractions.append(fraction)

    def forward(self, h, quality):
        step = torch.exp2(self.log_step - quality[:, None, None] / 8)
        if self.training:
            symbols = h / step + self.noise * (torch.rand_like(h) - 0.5)
        else:
            symbols = torch.round(h / step)
        normal = torch.distributions.Normal(0.0, torch.exp2(self.log_scale) / step)
        probability = normal.cdf(symbols + 0.5) - normal.cdf(symbols - 0.5)
        return Reconstruction(symbols * step, -torch.log2(probability.clamp(min=1e-9)).sum(dim=2))


@pytest.fixture
def module():
    return NoisyQuantiser()

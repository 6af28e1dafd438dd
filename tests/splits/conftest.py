"""Tiny random models of every registered architecture."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers

from rdcodec.codecs import Codec
from rdcodec.codecs.link import State
from rdcodec.errors import CorruptStreamError
from rdcodec.splits import register_split

CHANNELS = 64
LAYERS = 4
VOCABULARY = 97
TEXT = {
    "vocab_size": VOCABULARY,
    "hidden_size": CHANNELS,
    "intermediate_size": 96,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": None,
}
GROUPED = {**TEXT, "num_key_value_heads": 2}
SLIDING = {"sliding_window": 6, "layer_types": ["sliding_attention", "full_attention"] * 2}
GEMMA = {**GROUPED, **SLIDING, "head_dim": 16, "query_pre_attn_scalar": 16}


def gemma3_with_vision():
    vision = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Gemma3Config(
        text_config=GEMMA, vision_config={**vision, "image_size": 28, "patch_size": 14}, mm_tokens_per_image=4
    )
    return transformers.Gemma3ForConditionalGeneration(config)


def gpt2():
    config = transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=CHANNELS, n_layer=LAYERS, n_head=4, n_positions=64, bos_token_id=1, eos_token_id=None
    )
    return transformers.GPT2LMHeadModel(config)


def causal(name, **config):
    return lambda: getattr(transformers, f"{name}ForCausalLM")(getattr(transformers, f"{name}Config")(**config))


CAUSAL = {
    "llama": causal("Llama", **GROUPED),
    "mistral": causal("Mistral", **GROUPED, sliding_window=6),
    "gpt2": gpt2,
    "gpt_neox": causal("GPTNeoX", **TEXT),
    "gemma3_text": lambda: transformers.Gemma3ForCausalLM(transformers.Gemma3TextConfig(**GEMMA)),
    "gemma3": gemma3_with_vision,
    "qwen2": causal("Qwen2", **GROUPED, **SLIDING, use_sliding_window=True),
    "qwen3": causal("Qwen3", **GROUPED, head_dim=16),
}
OTHERS = {
    "bert": lambda: transformers.BertForMaskedLM(transformers.BertConfig(**TEXT)),
    "roberta": lambda: transformers.RobertaForMaskedLM(transformers.RobertaConfig(**{**TEXT, "max_position_embeddings": 66})),
    "vit": lambda: transformers.ViTForImageClassification(
        transformers.ViTConfig(
            hidden_size=CHANNELS,
            intermediate_size=96,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            image_size=16,
            patch_size=4,
            num_labels=5,
        )
    ),
    "resnet": lambda: transformers.ResNetForImageClassification(
        transformers.ResNetConfig(
            embedding_size=CHANNELS,
            hidden_sizes=[CHANNELS] * 3,
            depths=[1, 2, 1],
            layer_type="basic",
            downsample_in_first_stage=False,
            num_labels=5,
        )
    ),
}
ARCHITECTURES = {**CAUSAL, **OTHERS}


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Threads only get into each other's way in models as small as these."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny():
    """What the tests share: `tiny.build(model_type)`, `tiny.inputs(model)` and the sizes."""
    return SimpleNamespace(
        build=build,
        cut=cut,
        inputs=inputs,
        trace=trace,
        channels=CHANNELS,
        layers=LAYERS,
        vocabulary=VOCABULARY,
        text=TEXT,
        grouped=GROUPED,
    )


@pytest.fixture
def trail():
    return TrailCodec()


@pytest.fixture
def trail_of():
    """Makes a lossless codec of any width."""
    return TrailCodec


@pytest.fixture(params=ARCHITECTURES)
def model_type(request):
    return request.param


@pytest.fixture
def model(model_type):
    return build(model_type)


@pytest.fixture(params=CAUSAL)
def causal_model(request):
    return build(request.param)


def build(model_type, dtype=torch.float32):
    torch.manual_seed(7)
    return strong(ARCHITECTURES[model_type]()).to(dtype)


def cut(make, blocks):
    """A model that `make()` returns, cut at `blocks` whatever the registry says of its architecture."""
    torch.manual_seed(7)
    model = strong(make())
    model.config.model_type = f"{model.config.model_type} at {blocks}"
    register_split(model.config.model_type, blocks)
    return model


def strong(model):
    model.eval()
    with torch.no_grad():  # weights as small as the random ones would hide any error in the states
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(4)
    return model


def inputs(model, rows=2, tokens=11):
    generator = torch.Generator().manual_seed(3)
    if model.main_input_name == "pixel_values":
        return torch.randn(rows, 3, 16, 16, generator=generator)
    return torch.randint(2, VOCABULARY, (rows, tokens), generator=generator)


def trace(model):
    """Everything that hooks or replaced methods change in a model."""
    return [
        (name, sorted(vars(module)), list(module._forward_pre_hooks), list(module._forward_hooks)) for name, module in model.named_modules()
    ]


class TrailCodec(Codec):
    """Lossless float32 with a memory: each end keeps the trail of the tokens it saw, and they must agree.

    `log` has an entry a frame: tokens seen before it, tokens in it, first channel of all tokens of the row so far.
    """

    family = "trail"

    def __init__(self, channels=CHANNELS):
        super().__init__(channels)
        self.log = []

    def _config(self):
        return {}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls()

    def _new_state(self):
        state = State()
        state.trail = []
        return state

    def _encode_tokens(self, h, quality, state):
        before = np.float32(state.trail)
        state.trail += h[:, 0].tolist()
        self.log.append((len(before), len(h), list(state.trail)))
        return before.tobytes() + h.tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        before = np.float32(state.trail).tobytes()
        if payload[: len(before)] != before or len(payload) != len(before) + 4 * tokens * self.channels:
            raise CorruptStreamError("the decoder has lost the trail")
        h = np.frombuffer(payload, np.float32, offset=len(before)).reshape(tokens, self.channels)
        state.trail += h[:, 0].tolist()
        return h.copy()

"""A small random model, windows of its vocabulary, and codecs for its channels."""

import pytest
import torch
import transformers

CHANNELS, LAYERS, VOCABULARY = 32, 4, 101


@pytest.fixture(scope="session")
def model():
    torch.manual_seed(2)
    config = transformers.GPTNeoXConfig(
        vocab_size=VOCABULARY,
        hidden_size=CHANNELS,
        intermediate_size=64,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=40,
        bos_token_id=None,
        eos_token_id=None,
    )
    model = transformers.GPTNeoXForCausalLM(config).eval()
    with torch.no_grad():  # weights as small as the random ones would hide any error in the states
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(6)
    return model


@pytest.fixture(scope="session")
def windows():
    """int64 [5, 24]"""
    return torch.randint(VOCABULARY, (5, 24), generator=torch.Generator().manual_seed(3))

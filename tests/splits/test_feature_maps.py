"""Models whose hidden states are feature maps: the places of a map are tokens, channels differ by layer."""

import pytest
import torch
import transformers

from rdcodec import RdcodecError, compress_at
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.splits import find_site, head_states, run_tail

STAGES = {0: 0, 2: 1, 5: 2}  # index of a stage's first layer: which stage it is


@pytest.fixture(scope="module", params=["basic", "bottleneck"])
def model(request):
    torch.manual_seed(5)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[16, 24, 32], depths=[2, 3, 1], layer_type=request.param, num_labels=4
    )
    return transformers.ResNetForImageClassification(config).eval()


def images(height, width):
    return torch.randn(3, 3, height, width, generator=torch.Generator().manual_seed(1))


def logits(model, pixels):
    with torch.no_grad():
        return model(pixels).logits


@pytest.mark.parametrize(("layer", "channels"), [(0, 8), (1, 16), (2, 16), (3, 24), (5, 24)])
def test_channels_are_those_of_the_layer(model, layer, channels):
    assert find_site(model, layer).channels == channels
    assert head_states(model, layer, images(32, 32)).shape[2] == channels


@pytest.mark.parametrize("layer", STAGES)
def test_tokens_are_places_row_by_row(model, layer):
    pixels = images(32, 48)
    with torch.no_grad():
        maps = model(pixels, output_hidden_states=True).hidden_states[STAGES[layer]]
    h = head_states(model, layer, pixels)
    height, width = maps.shape[2:]
    assert h.shape[1] == height * width
    for token in range(height * width):
        assert torch.equal(h[:, token], maps[:, :, token // width, token % width])


@pytest.mark.parametrize("layer", range(6))
def test_head_and_tail_are_the_model(model, layer):
    pixels = images(64, 64)
    with torch.no_grad():
        assert torch.equal(run_tail(model, layer, head_states(model, layer, pixels)), model(pixels).logits)


def test_maps_of_any_size_are_coded(model):
    pixels = images(32, 64)
    with compress_at(model, RawCodec(24), layer=3) as meter:
        coded = logits(model, pixels)
    assert meter.tokens == 3 * head_states(model, 3, pixels).shape[1]
    torch.testing.assert_close(coded, logits(model, pixels), rtol=1e-2, atol=1e-2)
    with compress_at(model, IntegerCodec(24, 2), layer=3):
        assert not torch.allclose(logits(model, pixels), coded, rtol=1e-2, atol=1e-2)


def test_the_tail_wants_square_maps(model):
    with pytest.raises(RdcodecError, match="h: expected .* of a square feature map, got 8 tokens"):
        run_tail(model, 2, torch.zeros(1, 8, 16))


def test_codecs_of_another_layer_are_refused(model):
    with pytest.raises(RdcodecError, match="codec: expected 16 channels as the model has, got 24"):
        compress_at(model, RawCodec(24), layer=2).__enter__()

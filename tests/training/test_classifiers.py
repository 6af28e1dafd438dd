"""Learned codecs of classifiers of images: their states, their distortion and whole trainings."""

import numpy as np
import pytest
import torch
import transformers

from rdcodec import RdcodecError
from rdcodec.splits import head_states, run_tail
from rdcodec.training import FAMILIES, StateCache, TailDistortion, train_codec

pytestmark = pytest.mark.slow

LAYER = 1
CLASSES = 6
LAMBDAS = [2e-4, 2e-5]
MINUTES = 0.05


def vit():
    sizes = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = transformers.ViTConfig(**sizes, image_size=12, patch_size=4, num_channels=1, num_labels=CLASSES)
    return transformers.ViTForImageClassification(config)


def resnet():
    config = transformers.ResNetConfig(
        num_channels=1, embedding_size=16, hidden_sizes=[16, 24], depths=[1, 1], layer_type="basic", num_labels=CLASSES
    )
    return transformers.ResNetForImageClassification(config)


@pytest.fixture(scope="module", params=[vit, resnet], ids=lambda architecture: architecture.__name__)
def classifier(request):
    torch.manual_seed(11)
    model = request.param().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(1.5 if request.param is resnet else 4)
    return model


@pytest.fixture(scope="module")
def images():
    """float32 [300, 1, 12, 12]: smooth, with noise."""
    generator = torch.Generator().manual_seed(1)
    smooth = torch.nn.functional.interpolate(torch.randn(300, 1, 3, 3, generator=generator), (12, 12), mode="bilinear")
    return 2 * smooth + 0.3 * torch.randn(300, 1, 12, 12, generator=generator)


@pytest.fixture(scope="module")
def cache(classifier, images, tmp_path_factory):
    return StateCache.open_inputs(tmp_path_factory.mktemp("cache"), classifier, images, LAYER)


def test_the_cache_holds_states_and_what_enters_the_classifier(classifier, images, cache):
    index = np.array([7, 250])
    batch = cache.read(index)
    torch.testing.assert_close(batch.states, head_states(classifier, LAYER, images[index]))
    with torch.no_grad():
        torch.testing.assert_close(classifier.classifier(batch.finals), classifier(images[index]).logits)
    assert batch.ids.shape == (2, 0) and not cache.is_text
    again = StateCache.open_inputs(cache.folder.parent, classifier, images, LAYER)
    assert again.folder == cache.folder
    other = StateCache.open_inputs(cache.folder.parent, classifier, images + 1, LAYER)
    assert other.folder != cache.folder


def test_distortion_is_the_divergence_of_classes(classifier, cache):
    batch = cache.read(np.arange(5))
    noise = torch.randn(batch.states.shape, generator=torch.Generator().manual_seed(2))
    h = (batch.states + 0.1 * noise).requires_grad_(True)
    p, q = (torch.log_softmax(run_tail(classifier, LAYER, states), -1) for states in (batch.states, h))
    expected = (p.exp() * (p - q)).sum(-1)
    (expected_gradient,) = torch.autograd.grad(expected.sum(), h)
    values = TailDistortion(classifier, LAYER)(h, batch)
    values.sum().backward()
    torch.testing.assert_close(values, expected, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(h.grad, expected_gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_whole_training(family, classifier, cache, tmp_path):
    distortion = TailDistortion(classifier, LAYER)
    codec, validation, points = train_codec(family, classifier, LAYER, cache, distortion, LAMBDAS, MINUTES, tmp_path)
    assert [point.bits_per_token for point in points] == sorted(point.bits_per_token for point in points)
    assert validation[0].distortion > validation[-1].distortion
    assert all(abs(bits - estimate) < 0.05 * estimate + 8 for _, estimate, bits in points)  # heads of blocks of few tokens
    h = cache.read(cache.held_out[:1]).states[0].numpy()
    coarse, fine = (codec.decode(codec.encode(h, quality)) for quality in (-16, 32))
    assert np.square(fine - h).mean() < np.square(coarse - h).mean()


def test_what_a_classifier_has_not_is_refused(classifier, images, tmp_path):
    with pytest.raises(RdcodecError, match="kind: expected 'kl' for .*, a classifier, got 'cross-entropy'"):
        TailDistortion(classifier, LAYER, "cross-entropy")
    with pytest.raises(RdcodecError, match="inputs: expected at least 2, got 1"):
        StateCache.open_inputs(tmp_path, classifier, images[:1], LAYER)

"""Calibration of classifiers of images: few channels, few tokens, no vocabulary."""

import pytest
import torch
import transformers

from rdcodec import RdcodecError, calibrate_inputs, compress_at
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.codecs import IntegerCodec
from rdcodec.splits import find_site, head_states, run_tail

pytestmark = pytest.mark.slow

CLASSES = 6


def vit():
    config = transformers.ViTConfig(
        hidden_size=24,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        image_size=12,
        patch_size=4,
        num_channels=1,
        num_labels=CLASSES,
    )
    return transformers.ViTForImageClassification(config)


def resnet():
    config = transformers.ResNetConfig(
        num_channels=1, embedding_size=16, hidden_sizes=[16, 24, 24, 32], depths=[1] * 4, layer_type="basic", num_labels=CLASSES
    )
    return transformers.ResNetForImageClassification(config)


def images(count, seed):
    """float32 [count, 1, 12, 12]: a blob at one of six places, and noise."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.eye(CLASSES)[torch.randint(CLASSES, (count,), generator=generator)].view(count, 1, 2, 3)
    blobs = torch.nn.functional.interpolate(places, (12, 12), mode="bilinear")
    return 4 * blobs + 0.5 * torch.randn(count, 1, 12, 12, generator=generator)


@pytest.fixture(scope="module", params=[(vit, 1), (vit, 2), (resnet, 1), (resnet, 3)], ids=lambda p: f"{p[0].__name__} {p[1]}")
def split(request):
    """A random model, and the layer; the last is a map of one place."""
    architecture, layer = request.param
    torch.manual_seed(11)
    model = architecture().eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.mul_(1.5 if architecture is resnet else 4)
    return model, layer


@pytest.fixture(scope="module")
def codec(split):
    return calibrate_inputs(split[0], images(160, seed=1), split[1], target_kl=0.05)


def divergence(model, layer, codec, pixels, quality=None):
    """Bytes, and mean KL of the distribution over classes in nats an image, through the hooked model."""
    with torch.no_grad():
        p = model(pixels).logits.double().log_softmax(1)
        with compress_at(model, codec, quality, layer=layer) as meter:
            q = model(pixels).logits.double().log_softmax(1)
    return meter.bytes, float((p.exp() * (p - q)).sum(1).mean())


def test_the_default_quality_keeps_the_target_about(split, codec):
    assert codec.channels == find_site(*split).channels and codec.layer == split[1]
    _, loss = divergence(*split, codec, images(60, seed=2))
    assert 0.005 < loss < 0.2


def test_it_beats_integers(split, codec):
    pixels = images(60, seed=2)
    size, loss = divergence(*split, IntegerCodec(codec.channels, 3), pixels)
    at = {quality: divergence(*split, codec, pixels, quality) for quality in range(-64, 65, 4)}
    assert min(kl for own, kl in at.values() if own <= size) < loss


def test_calibrating_twice_gives_the_same_codec(split, codec):
    assert calibrate_inputs(split[0], images(160, seed=1), split[1], target_kl=0.05).codec_id == codec.codec_id


@pytest.mark.usefixtures("most_kept")
def test_losses_and_gradients_are_of_the_classes(split):
    model, layer = split
    h = head_states(model, layer, images(3, seed=3))
    noisy = h + 0.3 * torch.randn(h.shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        p, q = (torch.log_softmax(run_tail(model, layer, state), -1) for state in (h, noisy))
        measured = kl_divergence(model, head_inputs(model, layer, h), head_inputs(model, layer, noisy))
    assert measured == pytest.approx(float((p.exp() * (p - q)).sum(-1).mean()), rel=1e-3)
    leaf = h[:1].clone().requires_grad_(True)
    log_p = torch.log_softmax(run_tail(model, layer, leaf)[0], -1)
    possible = torch.stack([torch.autograd.grad(value, leaf, retain_graph=True)[0].flatten() for value in log_p])
    for gradient in sampled_gradients(model, layer, h[:1], 3, torch.Generator().manual_seed(0)).flatten(1):
        assert torch.cdist(gradient[None], possible).min() < 1e-3 * gradient.norm()


def test_bad_arguments_are_refused_by_name(split):
    model, layer = split
    with pytest.raises(RdcodecError, match="inputs: expected at least 4, got 3"):
        calibrate_inputs(model, images(3, seed=1), layer)
    with pytest.raises(RdcodecError, match="target_kl: expected more than 0"):
        calibrate_inputs(model, images(8, seed=1), layer, target_kl=-1)
    with pytest.raises(RdcodecError, match="no output head over a vocabulary or classes"):
        calibrate_inputs(model.base_model, images(8, seed=1), layer)

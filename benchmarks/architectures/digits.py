"""Small models of scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."""

import math
from functools import partial

import torch
from transformers import ResNetConfig, ResNetForImageClassification, ViTConfig, ViTForImageClassification

from .learning import trained
from .tasks import ImageTask, named

CLASSES = 10
LARGEST = 16  # grey level
IMAGE_BITS = 64 * math.log2(LARGEST + 1)
BATCH = 64
RESNET_SIZE = 32  # pixels a side, for its first layers halve the image twice
SEED = 2


def vit():
    config = ViTConfig(
        image_size=8,
        patch_size=2,
        num_channels=1,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_labels=CLASSES,
    )
    return ViTForImageClassification(config)


def resnet():
    config = ResNetConfig(
        num_channels=1, embedding_size=16, hidden_sizes=[16, 32, 64], depths=[2, 2, 2], layer_type="basic", num_labels=CLASSES
    )
    return ResNetForImageClassification(config)


IMAGE_MODELS = {"ViT": (vit, 8, 2), "ResNet": (resnet, RESNET_SIZE, 3)}  # and the size of their images, and the split point


def image_tasks(names, folder, minutes, measured, progress):
    """`ImageTask` s at the middle layer of models trained on all but the `measured` images."""
    pixels, labels = _digits()
    for name in names:
        make, size, layer = IMAGE_MODELS[name]
        images = torch.nn.functional.interpolate(pixels, (size, size))
        fit, right = images[measured:], labels[measured:]

        def batch(generator, fit=fit, right=right):
            chosen = torch.randint(len(fit), (BATCH,), generator=generator)
            return {"pixel_values": fit[chosen], "labels": right[chosen]}

        model = trained(make, folder / name, batch, minutes, partial(named, progress, name))
        yield ImageTask(name, model, layer, images[:measured], labels[:measured], fit, IMAGE_BITS)


def _digits():
    """float32 [images, 1, 8, 8] from -1 to 1 and int64 [images], in random order."""
    from sklearn.datasets import load_digits  # which texts do not need

    digits = load_digits()
    order = torch.randperm(len(digits.target), generator=torch.Generator().manual_seed(SEED))
    pixels = torch.from_numpy(digits.images).float()[:, None] * (2 / LARGEST) - 1
    return pixels[order], torch.from_numpy(digits.target).long()[order]

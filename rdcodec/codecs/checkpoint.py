"""Checkpoints of codecs: config.json and codec.safetensors in a folder."""

import json
from pathlib import Path

import numpy as np

from rdcodec.errors import RdcodecError, UnsupportedVersionError
from rdcodec.files import replace_file

__all__ = ["CONFIG_FILE", "FAMILIES", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_VERSION = 1
CONFIG_FILE = "config.json"
TENSORS_FILE = "codec.safetensors"

FAMILIES = {}
"""dict of str to class: every family of codecs, by its name in checkpoints."""


def save_checkpoint(codec, directory):
    """Write a codec; see `Codec.save_pretrained`."""
    from safetensors.numpy import save

    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "format_version": CHECKPOINT_VERSION,
        "family": codec.family,
        "codec_id": codec.codec_id.hex(),
        "default_quality": codec.default_quality,
        "config": codec._config(),
    }
    # The format has no strides, and its writer does not look at them.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in codec._tensors().items()}
    replace_file(directory / TENSORS_FILE, save(tensors))
    replace_file(directory / CONFIG_FILE, (json.dumps(config, indent=2) + "\n").encode())


def load_checkpoint(directory, cls):
    """Load a codec of a class or below it; see `Codec.from_pretrained`."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    directory = Path(directory)
    for name in (CONFIG_FILE, TENSORS_FILE):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{directory} holds no codec: {name} is missing")
    try:
        config = json.loads((directory / CONFIG_FILE).read_bytes())
        version, family, expected = config["format_version"], config["family"], config["codec_id"]
        if version > CHECKPOINT_VERSION:
            raise UnsupportedVersionError(
                f"{directory / CONFIG_FILE}: format_version {version}, this release reads up to {CHECKPOINT_VERSION}"
            )
        if not issubclass(FAMILIES.get(family, object), cls):
            known = ", ".join(sorted(name for name, known in FAMILIES.items() if issubclass(known, cls)))
            raise RdcodecError(f"{directory / CONFIG_FILE}: family {family!r}, expected one of {known}")
        codec = FAMILIES[family]._from_parts(config["config"], load((directory / TENSORS_FILE).read_bytes()))
        codec.default_quality = config.get("default_quality", codec.default_quality)
    except RdcodecError:
        raise
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise RdcodecError(f"{directory}: the checkpoint is damaged: {type(error).__name__}: {error}") from error
    if codec.codec_id.hex() != expected:
        raise RdcodecError(
            f"{directory}: the files do not belong together: {CONFIG_FILE} says codec {expected},"
            f" they make {codec.codec_id.hex()}"
        )
    return codec

"""Checkpoints of codecs: config.json and codec.safetensors in a folder. They may come from anywhere (docs/security.md)."""

import json
import re
from pathlib import Path

import numpy as np

from rdcodec.codecs.fields import Integer, check_field
from rdcodec.codecs.limits import MOST_CONFIG_BYTES, MOST_HEADER_BYTES
from rdcodec.codecs.origin import origin_from
from rdcodec.errors import LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.files import replace_file
from rdcodec.messages import printable, shown

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
        **({} if codec.origin is None else {"origin": codec.origin._asdict()}),
        "config": codec._config(),
    }
    # The format has no strides, and its writer does not look at them.
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in codec._tensors().items()}
    replace_file(directory / TENSORS_FILE, save(tensors))
    replace_file(directory / CONFIG_FILE, (json.dumps(config, indent=2) + "\n").encode())


def load_checkpoint(directory, cls):
    """Load a codec of a class or below it; see `Codec.from_pretrained`."""
    directory = Path(directory)
    for name in (CONFIG_FILE, TENSORS_FILE):
        if not (directory / name).is_file():
            raise FileNotFoundError(f"{directory} holds no codec: {name} is missing")
    config = _read_config(directory / CONFIG_FILE)
    family = _family_of(config, directory / CONFIG_FILE, cls)
    try:
        codec = _made(family, config, _read_tensors(directory / TENSORS_FILE), directory)
    except MemoryError as error:
        raise LimitError(f"{directory}: the codec takes more memory than there is") from error
    if codec.codec_id.hex() != config["codec_id"]:
        raise RdcodecError(
            f"{directory}: the files do not belong together: {CONFIG_FILE} says codec {config['codec_id']},"
            f" they make {codec.codec_id.hex()}"
        )
    return codec


def _made(family, config, tensors, directory):
    try:
        codec = family._from_parts(config["config"], tensors)
        if "default_quality" in config:
            check_field("default_quality", Integer(codec.min_quality, codec.max_quality), config["default_quality"])
            codec.default_quality = config["default_quality"]
        if "origin" in config:
            codec.origin = origin_from(config["origin"])
    except RdcodecError as error:
        raise type(error)(f"{directory}: the checkpoint is damaged: {error}") from error
    return codec


def _read_config(path):
    """The object of a JSON file."""
    if path.stat().st_size > MOST_CONFIG_BYTES:
        raise LimitError(f"{path}: expected at most {MOST_CONFIG_BYTES} bytes, got {path.stat().st_size}")
    try:
        config = json.loads(path.read_bytes().decode("utf-8"), object_pairs_hook=_object_of, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RdcodecError(f"{path}: the checkpoint is damaged: expected JSON, but {error}") from error
    if type(config) is not dict:
        raise RdcodecError(f"{path}: the checkpoint is damaged: expected an object, got {shown(config)}")
    return config


def _object_of(pairs):
    """A JSON object that names nothing twice: readers differ in which of two they take."""
    made = {}
    for name, value in pairs:
        if name in made:
            raise ValueError(f"{shown(name)} stands twice")
        made[name] = value
    return made


def _no_constant(name):
    raise ValueError(f"{name} is no JSON number")


def _family_of(config, path, cls):
    """The class that a config names, after its other fields but the family's own."""
    for name in ("format_version", "family", "codec_id", "config"):
        if name not in config:
            raise RdcodecError(f"{path}: the checkpoint is damaged: {name} is missing")
    version, family, codec_id = config["format_version"], config["family"], config["codec_id"]
    if type(version) is not int or version < 1:
        raise RdcodecError(f"{path}: the checkpoint is damaged: format_version: expected 1 or a later integer, got {shown(version)}")
    if version > CHECKPOINT_VERSION:
        raise UnsupportedVersionError(f"{path}: format_version {shown(version)}, this release reads up to {CHECKPOINT_VERSION}")
    if type(family) is not str or not issubclass(FAMILIES.get(family, object), cls):
        known = ", ".join(sorted(name for name, known in FAMILIES.items() if issubclass(known, cls)))
        raise RdcodecError(f"{path}: family {shown(family)}, expected one of {known}")
    if type(codec_id) is not str or not re.fullmatch("[0-9a-f]{16}", codec_id):
        raise RdcodecError(f"{path}: the checkpoint is damaged: codec_id: expected 16 hexadecimal digits, got {shown(codec_id)}")
    return FAMILIES[family]


def _read_tensors(path):
    """dict of name to ndarray, of a file whose header is small and, as its reader checks, true to its size."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        file.seek(0)
        if MOST_HEADER_BYTES < size <= path.stat().st_size:
            raise LimitError(f"{path}: expected a header of at most {MOST_HEADER_BYTES} bytes, got {size}")
        try:
            return load(file.read())
        except (SafetensorError, KeyError, ValueError) as error:  # KeyError: of an element type that NumPy lacks
            raise RdcodecError(f"{path}: the checkpoint is damaged: {type(error).__name__}: {printable(error)}") from error

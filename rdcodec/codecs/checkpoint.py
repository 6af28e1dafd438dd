"""Checkpoints of codecs: config.json and codec.safetensors in a folder, or both in one file, the config in the tensors' metadata. They may
come from anywhere (docs/security.md).
"""

import json
import re
from pathlib import Path

import numpy as np

from rdcodec.codecs.families import FAMILIES, find_family
from rdcodec.codecs.fields import Integer, check_field
from rdcodec.codecs.limits import MOST_CONFIG_BYTES, MOST_HEADER_BYTES
from rdcodec.codecs.origin import origin_from
from rdcodec.errors import LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.extras import need
from rdcodec.files import replace_file
from rdcodec.memory import give_back
from rdcodec.messages import printable, shown

__all__ = ["CONFIG_FILE", "export_checkpoint", "is_checkpoint", "load_checkpoint", "save_checkpoint"]

CHECKPOINT_VERSION = 1
CONFIG_FILE = "config.json"
TENSORS_FILE = "codec.safetensors"
CONFIG_ENTRY = "rdcodec"  # of the metadata of the one file
TENSOR_NAME = r"[ -!#-\[\]-~]+"  # so that ids take names as they are


def save_checkpoint(codec, directory):
    """Write a codec; see `Codec.save_pretrained`."""
    directory, tensors = Path(directory), _bytes_of_tensors(codec)
    directory.mkdir(parents=True, exist_ok=True)
    replace_file(directory / TENSORS_FILE, tensors)
    replace_file(directory / CONFIG_FILE, (json.dumps(_config_of(codec), indent=2) + "\n").encode())


def export_checkpoint(codec, path):
    """Write a codec to one file; see `Codec.export`."""
    replace_file(path, _bytes_of_tensors(codec, {CONFIG_ENTRY: json.dumps(_config_of(codec))}))


def is_checkpoint(path):
    """Whether a path is a folder, or a file that begins as one of `export_checkpoint`: with the size of a header, which no stream has there."""
    if path.is_dir():
        return True
    with open(path, "rb") as file:
        size, brace = int.from_bytes(file.read(8), "little"), file.read(1)
    return size <= MOST_HEADER_BYTES and brace == b"{"


def _config_of(codec):
    return {
        "format_version": CHECKPOINT_VERSION,
        "family": codec.family,
        "codec_id": codec.codec_id.hex(),
        "default_quality": codec.default_quality,
        **({} if codec.origin is None else {"origin": codec.origin._asdict()}),
        "config": codec._config(),
    }


def _bytes_of_tensors(codec, metadata=None):
    need("hf", "safetensors")
    from safetensors.numpy import save

    # The format has no strides, and its writer does not look at them.
    return save({name: np.asarray(tensor, order="C") for name, tensor in codec._tensors().items()}, metadata)


def load_checkpoint(path, cls):
    """Load a codec of a class or below it; see `Codec.from_pretrained`."""
    path = Path(path)
    config_path, tensors_path = (path, path) if path.is_file() else (path / CONFIG_FILE, path / TENSORS_FILE)
    for part in (config_path, tensors_path):
        if not part.is_file():
            raise FileNotFoundError(f"{path} holds no codec: {part.name} is missing")
    config = _read_metadata(path) if path.is_file() else _read_config(config_path)
    family = _family_of(config, config_path, cls)
    try:
        codec = _made(family, config, _read_tensors(tensors_path), path)
        give_back()
    except MemoryError as error:
        raise LimitError(f"{path}: the codec takes more memory than there is") from error
    if codec.codec_id.hex() != config["codec_id"]:
        raise RdcodecError(
            f"{path}: the files do not belong together: {config_path.name} says codec {config['codec_id']},"
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
    return _parsed(path.read_bytes(), path)


def _read_metadata(path):
    """The object of JSON in the metadata of a file of tensors."""
    header = _parsed(_read_header(path), path)
    metadata = header.get("__metadata__")
    if type(metadata) is not dict or type(metadata.get(CONFIG_ENTRY)) is not str:
        raise RdcodecError(f"{path}: expected a file of `rdcodec export`, with a config in its metadata")
    return _parsed(metadata[CONFIG_ENTRY].encode("utf-8", "replace"), path)


def _parsed(data, path):
    """The object of JSON."""
    try:
        config = json.loads(data.decode("utf-8"), object_pairs_hook=_object_of, parse_constant=_no_constant)
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
    found = find_family(family) if type(family) is str else None
    if found is None or not issubclass(found, cls):
        known = ", ".join(sorted(name for name, known in FAMILIES.items() if issubclass(known, cls)))
        raise RdcodecError(f"{path}: family {shown(family)}, expected one of {known}, or that of a module which is imported before")
    if type(codec_id) is not str or not re.fullmatch("[0-9a-f]{16}", codec_id):
        raise RdcodecError(f"{path}: the checkpoint is damaged: codec_id: expected 16 hexadecimal digits, got {shown(codec_id)}")
    return found


def _read_header(path):
    """The bytes of the header of a file of tensors, which is small; as many as there are, where they end too early."""
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if MOST_HEADER_BYTES < size <= path.stat().st_size:
            raise LimitError(f"{path}: expected a header of at most {MOST_HEADER_BYTES} bytes, got {size}")
        return file.read(min(size, MOST_HEADER_BYTES))


def _read_tensors(path):
    """dict of name to ndarray, of a file whose header is small and, as its reader checks, true to its size."""
    need("hf", "safetensors")
    from safetensors import SafetensorError
    from safetensors.numpy import load

    _read_header(path)
    try:
        tensors = load(path.read_bytes())
    except (SafetensorError, KeyError, ValueError) as error:  # KeyError: of an element type that NumPy lacks
        raise RdcodecError(f"{path}: the checkpoint is damaged: {type(error).__name__}: {printable(error)}") from error
    for name in tensors:
        if not re.fullmatch(TENSOR_NAME, name):
            raise RdcodecError(f"{path}: the checkpoint is damaged: expected names of printable ASCII, got {shown(name)}")
    return tensors

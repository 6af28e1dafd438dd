"""GGUF files as folders of Hugging Face's format, which are kept: to read such a file takes as long as half a minute, the folder a second.

They lie among the assets of Hugging Face's cache (`HF_HOME`), by what they were made of, and may be deleted at any time.
"""

import hashlib
import os
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

__all__ = ["kept_folder", "without_quantisation"]

MAX_FILE_BYTES = 2**29  # as float32, of 4 bits a weight, this becomes 4 GiB
CHUNK_BYTES = 2**20


def kept_folder(path, kind, write):
    """The folder of a GGUF file that `write(folder)` fills, now or earlier.

    Parameters
    ----------
    path : Path
    kind : str
        What of the file is in the folder.
    write : callable

    Returns
    -------
    Path or None
        None of a large file, and where the cache cannot be written to.
    """
    if path.stat().st_size > MAX_FILE_BYTES:
        return None
    from safetensors import SafetensorError

    try:
        folder = _place(path, kind)
        if not folder.is_dir():
            _fill(folder, write)
    except (OSError, ValueError, SafetensorError):  # no space left, or not ours to write to: the file itself is there
        return None
    return folder


def without_quantisation(model):
    """A model that was read from a GGUF file, which has unpacked it, as one that can be saved."""
    if getattr(model, "quantization_method", None) == "gguf":
        for name in ("hf_quantizer", "quantization_method", "is_quantized"):
            model.__dict__.pop(name, None)
        del model.config.quantization_config
    return model


def _place(path, kind):
    """Of the bytes of a file, as this release of transformers reads it."""
    from huggingface_hub import cached_assets_path
    from transformers import __version__

    status = path.stat()
    digest = _digest(path, status.st_size, status.st_mtime_ns)
    return cached_assets_path("rdcodec", "gguf", kind) / f"{path.stem}-{digest}-{__version__}"


@lru_cache(maxsize=8)
def _digest(path, size, modified):
    digest = hashlib.blake2b(digest_size=8)
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _fill(folder, write):
    """Another process may do so at the same time: the first one that is done has made it."""
    temporary = Path(tempfile.mkdtemp(prefix=".", dir=folder.parent))
    try:
        write(temporary)
        for file in temporary.iterdir():
            _settle(file)
        try:
            os.rename(temporary, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _settle(path):
    """On the disk, for a folder that is there counts as whole."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())

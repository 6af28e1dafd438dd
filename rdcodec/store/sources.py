"""What can be packed into a store: arrays in .npy and safetensors files, folders of them, another store. Elements are read when they are wanted."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rdcodec.arrays import ArrayFile
from rdcodec.errors import RdcodecError
from rdcodec.messages import printable
from rdcodec.stream import DTYPES

__all__ = ["Source", "array_sources", "pack", "store_range", "store_sources"]

SUFFIXES = (".npy", ".safetensors")
CHUNK_TOKENS = 4096


class Source(NamedTuple):
    """A document that can be packed.

    Attributes
    ----------
    id : str or None
        None of tokens that are no document.
    tokens : int
    dtype : str
    pieces : callable
        ``pieces(start)`` yields (states, token ids or None) from a token on, a few thousand tokens at a time, to the end.
    metadata : dict
    """

    id: str | None
    tokens: int
    dtype: str
    pieces: Callable
    metadata: dict


def pack(writer, sources, total, progress=None):
    """Add sources to a store, but for those, and for the tokens of one, that are in it: what was interrupted goes on.

    Parameters
    ----------
    writer : Writer
    sources : iterable of Source
    total : int
        Tokens of all of them.
    progress : callable, optional
        Called as ``progress(stage, fraction)``.

    Returns
    -------
    int
        Tokens that were added.

    Raises
    ------
    RdcodecError
        The store holds more than the sources, or a source's states are not what it holds.
    """
    had, first = len(writer), 0
    if had > total:
        raise RdcodecError(f"{writer.path}: the store holds {had} tokens, the sources have {total}")
    for source in sources:
        left = first + source.tokens - max(first, len(writer))
        for states, ids in source.pieces(source.tokens - left) if left > 0 else ():
            left -= _tokens(states)
            ends = source.id is not None and not left
            writer.add(states, ids, **({"document": source.id, "metadata": source.metadata, "first": first} if ends else {}))
            if progress is not None:
                progress("packing", len(writer) / total)
        first += source.tokens
    return total - had


def _tokens(states):
    return len(next(iter(states.values()))) if isinstance(states, dict) else len(states)


def store_sources(store):
    """The documents of a store, and the tokens between them, one after the other.

    Parameters
    ----------
    store : Store
        What its states are returned as is what is packed.

    Yields
    ------
    Source
    """
    at = 0
    for document in store.documents:
        if document.start > at:
            yield store_range(store, None, at, document.start)
        yield store_range(store, document.id, document.start, document.stop, document.metadata)
        at = document.stop
    if at < len(store):
        yield store_range(store, None, at, len(store))


def store_range(store, name, first, stop, metadata=None):
    """The `Source` of tokens of a store from a first one on, up to one behind the last."""

    def pieces(start):
        for at in range(first + start, stop, CHUNK_TOKENS):
            behind = min(at + CHUNK_TOKENS, stop)
            states = {place: states.read(at, behind) for place, states in store.places.items()}
            yield states, store.token_ids(at, behind) if store.description.token_ids else None

    return Source(name, stop - first, store.description.dtype, pieces, metadata or {})


def array_sources(paths, channels):
    """The arrays of files and folders, sorted by their paths within a folder.

    A tensor [tokens, channels] is a document, one of [batch, tokens, channels] several. Ids are paths, with the tensor's name behind
    that of a safetensors file and the row behind that of a batch; metadata is empty.

    Parameters
    ----------
    paths : list of path
    channels : int

    Returns
    -------
    list of Source

    Raises
    ------
    OSError
        A file cannot be read.
    RdcodecError
        One holds no such array, or is damaged; there are none with tokens, or two of the same id; they have other channels, or several
        element types.
    """
    sources = []
    for path in (Path(path).absolute() for path in paths):  # whoever reads them may be elsewhere
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES) if path.is_dir() else [path]
        for file in files:
            name = file.relative_to(path).as_posix() if path.is_dir() else file.name
            arrays = _tensors(file, name) if file.suffix == ".safetensors" else {name: ArrayFile(file)}
            for own, array in arrays.items():
                sources += _documents(own, array, file, channels)
    sources = [source for source in sources if source.tokens]
    if not sources:
        raise RdcodecError(f"{', '.join(map(str, paths))}: expected arrays in {' or '.join(SUFFIXES)} files, there are none with tokens")
    name, count = Counter(source.id for source in sources).most_common(1)[0]
    if count > 1:
        raise RdcodecError(f"{name}: expected an id for each array, {count} have this one: give a folder that they are in")
    dtypes = sorted({source.dtype for source in sources})
    if len(dtypes) > 1:
        raise RdcodecError(f"{', '.join(map(str, paths))}: expected one element type, got {', '.join(dtypes)}")
    return sources


def _tensors(file, name):
    """The tensors of a safetensors file by their ids."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="np") as tensors:
            names = sorted(tensors.keys(), key=_natural)
            kinds = {tensor: (tensors.get_slice(tensor).get_shape(), tensors.get_slice(tensor).get_dtype()) for tensor in names}
    except (SafetensorError, ValueError) as error:
        raise RdcodecError(f"{file}: expected a safetensors file: {printable(error)}") from error
    return {f"{name}/{tensor}": _Tensor(file, tensor, *kinds[tensor]) for tensor in names}


class _Tensor:
    """A tensor of a safetensors file, read a slice at a time; through PyTorch where it is bfloat16, which NumPy lacks."""

    def __init__(self, file, name, shape, kind):
        self.file, self.name, self.shape, self.ndim = file, name, tuple(shape), len(shape)
        self.dtype = {"F32": "float32", "F16": "float16", "BF16": "bfloat16"}.get(kind, kind)

    def __getitem__(self, key):
        from safetensors import safe_open

        with safe_open(self.file, framework="pt" if self.dtype == "bfloat16" else "np") as tensors:
            return tensors.get_slice(self.name)[key]


def _documents(name, array, file, channels):
    dtype = str(array.dtype)
    if dtype not in DTYPES or array.ndim not in (2, 3):
        raise RdcodecError(
            f"{file}: expected {', '.join(DTYPES)} of [tokens, channels] or [batch, tokens, channels], got {dtype} {list(array.shape)}"
        )
    if array.shape[-1] != channels:
        raise RdcodecError(f"{file}: expected {channels} channels as the codec has, got shape {list(array.shape)}")
    rows = {name: ()} if array.ndim == 2 else {f"{name}/{row}": (row,) for row in range(array.shape[0])}
    return [Source(own, array.shape[-2], dtype, _Rows(array, row), {}) for own, row in rows.items()]


class _Rows(NamedTuple):
    """The tokens of an array, or of a row of one, as `Source.pieces`."""

    array: object
    row: tuple

    def __call__(self, start):
        tokens = self.array.shape[-2]
        for at in range(start, tokens, CHUNK_TOKENS):
            yield self.array[(*self.row, slice(at, min(at + CHUNK_TOKENS, tokens)))], None


def _natural(name):
    """By the numbers in a name: layer2 before layer10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]

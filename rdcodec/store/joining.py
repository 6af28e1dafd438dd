"""Stores that were written apart, by many machines for example, made one: groups stay as they are, shards get new headers."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rdcodec.errors import RdcodecError
from rdcodec.store.container import HEADER_BYTES, ShardHeader, write_shard_header
from rdcodec.store.description import read_description, write_description
from rdcodec.store.documents import Documents
from rdcodec.store.names import finished_name
from rdcodec.store.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.types import PathLike, Progress

__all__ = ["join"]


def join(path: PathLike, sources: Sequence[PathLike], progress: Progress | None = None) -> None:
    """A new store of the tokens of others, one store after the other.

    Nothing is decoded: it takes as long as copying files. The new store is there when all of it is.

    Parameters
    ----------
    path : str or path
        That does not exist.
    sources : list of str or path
        Stores that were created with the same codecs and options.
    progress : callable, optional
        Called as ``progress(stage, fraction)``.

    Raises
    ------
    FileExistsError, FileNotFoundError
        There is something at the path, or a store is missing.
    RdcodecError
        The stores are not described alike, a shard of one is not finished, two have a document of the same id, or there are none.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists: expected the path of a new store")
    shards = [shard for source in _alike(sources) for shard in _finished(source)]
    _check_ids(shards)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    beside.mkdir()
    try:
        description, first = read_description(sources[0]), 0
        write_description(description, beside)
        for number, shard in enumerate(shards):
            _copy(shard, beside / finished_name(number), ShardHeader(description.parts, description.store_id, number, first))
            first += shard.tokens
            if progress is not None:
                progress("joining", (number + 1) / len(shards))
        os.rename(beside, path)
    except BaseException:
        shutil.rmtree(beside)
        raise


def _alike(sources):
    if not sources:
        raise RdcodecError("sources: expected at least one store")
    stores = [Store.open(source) for source in sources]
    for store in stores[1:]:
        if store.description.store_id != stores[0].description.store_id:
            raise RdcodecError(f"{store.path}: expected a store described as {stores[0].path} is")
    return stores


def _finished(store):
    """The shards of a store, all of which must be whole and follow each other."""
    token = 0
    for shard in store.shards:
        if not shard.indexed or shard.first != token:
            raise RdcodecError(f"{shard.path}: the shard is not finished, or is damaged; `Store.append` finishes what its writer left")
        token += shard.tokens
    return store.shards


def _check_ids(shards):
    keys = np.concatenate([np.zeros(0, np.uint64), *(shard.documents["key"] for shard in shards)])
    found, first, counts = np.unique(keys, return_index=True, return_counts=True)
    if len(found) < len(keys):
        twice = Documents(shards)[int(first[counts > 1][0])].id
        raise RdcodecError(f"documents: {twice!r}: expected an id of one document, several of the stores have it")


def _copy(shard, path, header):
    with open(shard.path, "rb") as old, open(path, "xb") as new:
        old.seek(HEADER_BYTES)
        new.write(write_shard_header(header))
        shutil.copyfileobj(old, new, 2**20)
        new.flush()
        os.fsync(new.fileno())

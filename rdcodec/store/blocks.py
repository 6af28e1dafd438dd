"""Packing by many: documents are gathered into blocks, each of which is made a shard by whoever and wherever, and the shards become a store.

The store's bytes are those of its blocks: they do not depend on who made them, in which order, or how often one was begun.
"""

import json
import os
import secrets
import shutil

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.store.description import describe
from rdcodec.store.joining import join
from rdcodec.store.paths import local_path
from rdcodec.store.sources import pack
from rdcodec.store.writer import Writer

__all__ = ["BLOCK_TOKENS", "Blocks"]

BLOCK_TOKENS = 2**20
ONE_SHARD = 2**62  # bytes of a shard: a block is never two
PLAN_FILE = "plan.json"


class Blocks:
    """The blocks of a store to be. Pickles carry codecs and sources along; all who write have the folder of the store in common.

    Until they are joined, blocks lie beside the store, in ``STORE.blocks``: those that are there are not made again.

    Parameters
    ----------
    path : str or path
        Of the store.
    codecs : Codec or dict of str to Codec
    sources : list of Source
    block_tokens : int
        Documents go to a block until it has as many; none is divided.
    **options
        Of `Writer.create`: dtype, quality, group_tokens, token_ids, workers.

    Raises
    ------
    FileExistsError
        There is something at the path.
    RdcodecError
        An argument is none, or out of range; blocks of other sources or options lie beside the path.
    """

    def __init__(self, path, codecs, sources, block_tokens=BLOCK_TOKENS, **options):
        self.path = local_path(path).absolute()
        if self.path.exists():
            raise FileExistsError(f"{self.path} exists: expected the path of a new store")
        self._folder = self.path.with_name(f"{self.path.name}.blocks")
        self._codecs, self._options = codecs, options
        self._blocks = _gathered(sources, integer("block_tokens", block_tokens, 1, 2**62))
        self._begin({name: value for name, value in options.items() if name != "workers"})

    def __len__(self):
        return len(self._blocks)

    @property
    def workers(self):
        """int : threads that code a block."""
        return self._options.get("workers", 1)

    def write(self, number):
        """Make a block: whole, or not at all.

        Raises
        ------
        RdcodecError, TypeError, OSError
            As of `Writer.add`.
        """
        block, sources = self._block(number), self._blocks[number]
        if block.exists():
            return
        beside = block.with_name(f".{block.name}.{secrets.token_hex(4)}")
        try:
            with Writer.create(beside, self._codecs, shard_bytes=ONE_SHARD, **self._options) as writer:
                pack(writer, sources, sum(source.tokens for source in sources))
            _name(beside, block)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def join(self, progress=None):
        """Make the store of blocks that are all there, and remove them; `progress` and errors as of `join`."""
        join(self.path, [self._block(number) for number in range(len(self))], progress)
        shutil.rmtree(self._folder)

    def _block(self, number):
        return self._folder / f"{number:08d}"

    def _begin(self, options):
        """The folder of the blocks, with a note of what they are made of: others may begin it at the same time, or have begun it before."""
        store_id = describe(self._codecs, **options).store_id
        plan = json.dumps({"store_id": store_id.hex(), "blocks": [[[s.id, s.tokens] for s in block] for block in self._blocks]})
        self._folder.mkdir(exist_ok=True)
        file = self._folder / PLAN_FILE
        beside = file.with_name(f".{PLAN_FILE}.{secrets.token_hex(4)}")
        if not file.exists():
            beside.write_text(plan, encoding="utf-8")
            os.replace(beside, file)
        if file.read_text(encoding="utf-8") != plan:
            raise RdcodecError(f"{self._folder}: blocks of other sources or options lie there; remove the folder to begin anew")


def _gathered(sources, tokens):
    """Lists of sources, one after the other, each of at least so many tokens but for the last."""
    blocks, held = [], tokens
    for source in sources:
        if held >= tokens:
            blocks.append([])
            held = 0
        blocks[-1].append(source)
        held += source.tokens
    if not blocks:
        raise RdcodecError("sources: expected at least one")
    return blocks


def _name(beside, block):
    try:
        os.rename(beside, block)
    except OSError:
        if not block.exists():  # by another who was thought to be lost: the same bytes
            raise

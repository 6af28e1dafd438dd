"""rdcodec repack: a store to another one, of another quality, codec or size of groups."""

from typing import Annotated, Optional

import typer

from rdcodec.cli.options import Exemplars, Json, Quality, StoreDir, StoreOut, Workers
from rdcodec.cli.output import check_writable, progress_bar, write_json
from rdcodec.cli.stopping import resumable
from rdcodec.cli.stores import check_new, chosen_exemplars, read_codecs, say_packed
from rdcodec.errors import RdcodecError
from rdcodec.store import Store
from rdcodec.store.sources import pack, store_range, store_sources
from rdcodec.store.writer import Writer

__all__ = ["repack"]


def repack(
    store: StoreDir,
    out: StoreOut,
    codec: Annotated[
        Optional[list[str]],
        typer.Option(
            "--codec", help="Folder of another codec, NAME=DIR where the place has another name; may be repeated.", show_default=False
        ),
    ] = None,
    quality: Quality = None,
    group_tokens: Annotated[
        Optional[int], typer.Option("--group-tokens", help="Tokens that are coded together, 1 to 4096.", show_default="as before")
    ] = None,
    exemplars: Exemplars = 0,
    workers: Workers = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the new store, if it is there.")] = False,
    json: Json = None,
):
    """Decode a store and code it again; documents and token ids come along, and many small shards become few. What it lost is lost."""
    check_writable(json)
    check_new(out, resume)
    opened = Store.open(store, workers=workers)
    before = opened.description
    codecs = {place.name: place.codec for place in before.places}
    others = read_codecs(codec or [])
    if not others.keys() <= codecs.keys():
        raise RdcodecError(f"--codec: expected NAME=DIR for {', '.join(codecs)}, got {', '.join(others)}")
    codecs |= others
    kept = {place.name: place.quality for place in before.places if place.codec is codecs[place.name]}
    writer = Writer.open(
        out,
        codecs,
        dtype=before.dtype,
        quality=kept if quality is None else quality,
        group_tokens=group_tokens or before.group_tokens,
        token_ids=before.token_ids,
        exemplars=chosen_exemplars(out, [store_range(opened, None, 0, len(opened))], exemplars),
        workers=workers,
    )
    with resumable(out), writer, progress_bar() as progress:
        pack(writer, store_sources(opened), len(opened), progress)
    write_json(json, {"store": str(out), **say_packed(out)})

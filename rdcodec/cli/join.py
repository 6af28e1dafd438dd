"""rdcodec join: stores that were packed apart to one."""

from pathlib import Path
from typing import Annotated

import typer

from rdcodec.cli.options import Json, StoreOut
from rdcodec.cli.output import check_writable, progress_bar, write_json
from rdcodec.cli.stores import check_new, say_packed
from rdcodec.store.joining import join as join_stores

__all__ = ["join"]


def join(
    stores: Annotated[list[Path], typer.Argument(help="Folders of stores, in the order of their tokens.", show_default=False)],
    out: StoreOut,
    json: Json = None,
):
    """Put stores that were packed apart, with the same codecs and options, into one; nothing is decoded."""
    check_writable(json)
    check_new(out, resume=False)
    with progress_bar() as progress:
        join_stores(out, stores, progress)
    write_json(json, {"store": str(out), **say_packed(out)})

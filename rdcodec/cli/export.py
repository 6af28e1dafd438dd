"""rdcodec export: a codec in one file."""

from pathlib import Path
from typing import Annotated

import typer

from rdcodec.cli.output import check_writable, say
from rdcodec.codecs import Codec

__all__ = ["export"]


def export(
    codec: Annotated[Path, typer.Argument(help="Folder of a codec.", show_default=False)],
    out: Annotated[Path, typer.Argument(help="File to write it to.", show_default=False)],
):
    """Write a codec to one file, for the C library and for everything that takes a codec's folder."""
    check_writable(out)
    found = Codec.from_pretrained(codec)
    found.export(out)
    say(f"{out}: {found.family} codec {found.codec_id.hex()}, {out.stat().st_size} bytes")

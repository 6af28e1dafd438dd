"""rdcodec verify: is a stream whole?"""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.options import Json, Stream
from rdcodec.cli.output import check_writable, say, write_json
from rdcodec.codecs import Codec
from rdcodec.files import mapped_file
from rdcodec.stream import read_frames, read_header

__all__ = ["verify"]


def verify(
    stream: Stream,
    codec: Annotated[
        Optional[Path], typer.Option("--codec", help="Folder of the codec: decode everything, too.", show_default=False)
    ] = None,
    json: Json = None,
):
    """Check every length and checksum of a stream, and with its codec every symbol; exit status 1 if it is damaged."""
    check_writable(json)
    data = mapped_file(stream)
    frames = tokens = 0
    for _, frame in read_frames(data, *read_header(data)):
        frames, tokens = frames + 1, tokens + frame.tokens
    if codec is not None:
        for _ in Codec.from_pretrained(codec).decode_frames(data):
            pass
    result = {"stream": str(stream), "bytes": len(data), "frames": frames, "tokens": tokens, "decoded": codec is not None}
    write_json(json, result)
    checked = "checksums and symbols" if codec is not None else "checksums"
    say(f"{stream}: {checked} of {frames} frames, {tokens} tokens, {len(data)} bytes are right")

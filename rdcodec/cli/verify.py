"""rdcodec verify: is a stream whole?"""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.options import Json, Stream
from rdcodec.cli.output import check_writable, say, write_json
from rdcodec.cli.streams import read_stream
from rdcodec.codecs import Codec

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
    data = stream.read_bytes()
    _, _, frames = read_stream(data)
    if codec is not None:
        Codec.from_pretrained(codec).decode(data)
    tokens = sum(frame.tokens for frame in frames)
    result = {
        "stream": str(stream),
        "bytes": len(data),
        "frames": len(frames),
        "tokens": tokens,
        "decoded": codec is not None,
    }
    write_json(json, result)
    checked = "checksums and symbols" if codec is not None else "checksums"
    say(f"{stream}: {checked} of {len(frames)} frames, {tokens} tokens, {len(data)} bytes are right")

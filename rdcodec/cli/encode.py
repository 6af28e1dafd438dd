"""rdcodec encode: an array in a .npy file to a stream."""

from pathlib import Path
from typing import Annotated

import typer

from rdcodec.arrays import read_array
from rdcodec.cli.options import CodecDir, Json, Quality
from rdcodec.cli.output import check_writable, say, write_file, write_json
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["encode"]


def encode(
    array: Annotated[Path, typer.Argument(help="A .npy file of float32 or float16.", show_default=False)],
    codec: CodecDir,
    out: Annotated[Path, typer.Option("--out", help="File to write the stream to.", show_default=False)],
    quality: Quality = None,
    json: Json = None,
):
    """Code hidden states to a stream; the array's axes are (tokens, channels) or (batch, tokens, channels)."""
    check_writable(out, json)
    h = read_array(array)
    try:
        data = Codec.from_pretrained(codec).encode(h, quality)
    except TypeError as error:  # of the array's element type
        raise RdcodecError(f"{array}: {error}") from error
    write_file(out, data)
    tokens = h.size // h.shape[-1]
    bits_per_token = 8 * len(data) / tokens if tokens else None
    write_json(json, {"stream": str(out), "tokens": tokens, "bytes": len(data), "bits_per_token": bits_per_token})
    rate = f", {bits_per_token:.1f} bits a token" if tokens else ""
    say(f"{out}: {tokens} tokens, {len(data)} bytes{rate}")

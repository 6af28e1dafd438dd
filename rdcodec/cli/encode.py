"""rdcodec encode: an array in a .npy file to a stream."""

from math import prod
from pathlib import Path
from typing import Annotated

import typer

from rdcodec.arrays import ArrayFile
from rdcodec.cli.options import CodecDir, Json, Quality
from rdcodec.cli.output import check_writable, output_file, progress_bar, say, write_json
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
    h, loaded = ArrayFile(array), Codec.from_pretrained(codec)
    frames = prod(h.shape[:-2]) * -(-h.shape[-2] // loaded.frame_tokens) if h.ndim > 1 else 0
    size = 0
    try:
        with output_file(out) as file, progress_bar() as progress:
            for number, part in enumerate(loaded.encode_parts(h, quality)):
                size += file.write(part)
                progress("encoding", number / max(1, frames))
            tokens = prod(h.shape[:-1])
            bits_per_token = 8 * size / tokens if tokens else None
            write_json(json, {"stream": str(out), "tokens": tokens, "bytes": size, "bits_per_token": bits_per_token})  # both or none
    except TypeError as error:  # of the array's element type
        raise RdcodecError(f"{array}: {error}") from error
    rate = f", {bits_per_token:.1f} bits a token" if tokens else ""
    say(f"{out}: {tokens} tokens, {size} bytes{rate}")

"""rdcodec decode: a stream to an array in a .npy file."""

from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import typer

from rdcodec.cli.options import CodecDir, Json, Stream
from rdcodec.cli.output import check_writable, output_file, say, write_json
from rdcodec.codecs import Codec
from rdcodec.files import mapped_file

__all__ = ["decode"]


def decode(
    stream: Stream,
    codec: CodecDir,
    out: Annotated[Path, typer.Option("--out", help="The .npy file to write.", show_default=False)],
    max_bytes: Annotated[
        Optional[int],
        typer.Option(
            help="Bytes of float32 to decode to at most; 64 MiB and 1024 times the stream's bytes if not given.", show_default=False
        ),
    ] = None,
    json: Json = None,
):
    """Decode a stream to the element type that was coded; bfloat16, which .npy lacks, to float32."""
    check_writable(out, json)
    h = Codec.from_pretrained(codec).decode(mapped_file(stream), max_bytes=max_bytes)
    if not isinstance(h, np.ndarray):
        h = h.float().numpy()
    with output_file(out) as file:
        np.save(file, h)
    write_json(json, {"array": str(out), "shape": h.shape, "dtype": h.dtype.name})
    say(f"{out}: {h.dtype.name} {list(h.shape)}")

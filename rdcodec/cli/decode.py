"""rdcodec decode: a stream to an array in a .npy file."""

from io import BytesIO
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from rdcodec.cli.options import CodecDir, Json, Stream
from rdcodec.cli.output import check_writable, say, write_file, write_json
from rdcodec.codecs import Codec

__all__ = ["decode"]


def decode(
    stream: Stream,
    codec: CodecDir,
    out: Annotated[Path, typer.Option("--out", help="The .npy file to write.", show_default=False)],
    json: Json = None,
):
    """Decode a stream to the element type that was coded; bfloat16, which .npy lacks, to float32."""
    check_writable(out, json)
    h = Codec.from_pretrained(codec).decode(stream.read_bytes())
    if not isinstance(h, np.ndarray):
        h = h.float().numpy()
    file = BytesIO()
    np.save(file, h)
    write_file(out, file.getvalue())
    write_json(json, {"array": str(out), "shape": h.shape, "dtype": h.dtype.name})
    say(f"{out}: {h.dtype.name} {list(h.shape)}")

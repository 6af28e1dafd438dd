"""rdcodec decode: a stream to an array in a .npy file."""

from pathlib import Path
from typing import Annotated, Optional

import numpy as np
import typer

from rdcodec import _core
from rdcodec.cli.options import CodecDir, Json, Stream
from rdcodec.cli.output import array_file, check_writable, progress_bar, say, write_json
from rdcodec.codecs import Codec
from rdcodec.codecs.values import as_dtype
from rdcodec.files import mapped_file
from rdcodec.stream import read_header

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
    data, loaded = mapped_file(stream), Codec.from_pretrained(codec)
    header, _ = read_header(data)
    tokens = header.rows * header.tokens
    _core.check_decoded_size(tokens, header.channels, len(data), None, max_bytes)
    shape = (header.rows, header.tokens, header.channels) if header.batched else (header.tokens, header.channels)
    dtype, done = "float16" if header.dtype == "float16" else "float32", 0
    with array_file(out, shape, np.dtype(dtype)) as write, progress_bar() as progress:
        for _, values in loaded.decode_frames(data):
            decoded = as_dtype(values, header.dtype)
            write(decoded if isinstance(decoded, np.ndarray) else decoded.float().numpy())
            done += len(values)
            progress("decoding", done / tokens)
        write_json(json, {"array": str(out), "shape": shape, "dtype": dtype})
    say(f"{out}: {dtype} {list(shape)}")

"""rdcodec inspect: what a stream, or a codec, says of itself."""

from pathlib import Path
from typing import Annotated

import typer

from rich.table import Table

from rdcodec.cli.options import Json
from rdcodec.cli.output import check_writable, console, json_rows, say, write_json
from rdcodec.codecs import Codec
from rdcodec.codecs.checkpoint import is_checkpoint
from rdcodec.files import mapped_file
from rdcodec.stream import read_frames, read_header

__all__ = ["inspect"]

FRAMES_SHOWN = 20


def inspect(
    file: Annotated[Path, typer.Argument(help="A coded stream, or the folder or the file of a codec.", show_default=False)], json: Json = None
):
    """Show a stream's header and frames, for which no codec is needed; or a codec, and the model it was fitted to."""
    check_writable(json)
    (_inspect_codec if is_checkpoint(file) else _inspect_stream)(file, json)


def _inspect_codec(path, json):
    codec = Codec.from_pretrained(path)
    origin = codec.origin._asdict() if codec.origin else {"model_type": None, "fingerprint": None}
    summary = {
        "family": codec.family,
        "codec_id": codec.codec_id.hex(),
        "channels": codec.channels,
        "layer": getattr(codec, "layer", None),
        "default_quality": codec.default_quality,
        **origin,
    }
    write_json(json, summary)
    for name, value in summary.items():
        say(f"{name:15} {'unknown' if value is None else value}")


def _inspect_stream(stream, json):
    data = mapped_file(stream)
    header, end = read_header(data)
    tokens = header.rows * header.tokens
    summary = {
        "dtype": header.dtype,
        "codec_id": header.codec_id.hex(),
        "channels": header.channels,
        "rows": header.rows,
        "tokens": header.tokens,
        "batched": header.batched,
        "header_bytes": end,
        "bytes": len(data),
        "bits_per_token": 8 * len(data) / tokens if tokens else None,
    }
    table = Table("frame", "offset", "bytes", "payload", "tokens", "quality", "new start")
    with json_rows(json, summary, "frames") as append:
        count = 0
        for count, frame in enumerate(_described(data, header, end), 1):
            append(frame)
            if count <= FRAMES_SHOWN:
                table.add_row(str(count - 1), *("" if value is None else str(value) for value in frame.values()))
    for name, value in summary.items():
        say(f"{name:15} {f'{value:.2f}' if isinstance(value, float) else value}")
    if count:
        console().print(table)
    if count > FRAMES_SHOWN:
        say(f"and {count - FRAMES_SHOWN} more frames; --json lists them all")


def _described(data, header, offset):
    """Of each frame what the table and the JSON say."""
    for _, frame in read_frames(data, header, offset):
        yield {
            "offset": offset,
            "bytes": frame.end - offset,
            "payload_bytes": len(frame.payload),
            "tokens": frame.tokens,
            "quality": frame.quality,
            "new_start": frame.restart or None,
        }
        offset = frame.end

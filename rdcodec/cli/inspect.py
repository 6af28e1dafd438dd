"""rdcodec inspect: what a stream says of itself."""

from rich.table import Table

from rdcodec.cli.options import Json, Stream
from rdcodec.cli.output import check_writable, console, say, write_json
from rdcodec.cli.streams import read_stream

__all__ = ["inspect"]

FRAMES_SHOWN = 20


def inspect(stream: Stream, json: Json = None):
    """Show a stream's header and frames; no codec is needed."""
    check_writable(json)
    data = stream.read_bytes()
    header, end, frames = read_stream(data)
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
    starts = [end, *(frame.end for frame in frames)]
    listed = [
        {
            "offset": start,
            "bytes": frame.end - start,
            "payload_bytes": len(frame.payload),
            "tokens": frame.tokens,
            "quality": frame.quality,
        }
        for start, frame in zip(starts, frames)
    ]
    write_json(json, {**summary, "frames": listed})
    for name, value in summary.items():
        say(f"{name:15} {f'{value:.2f}' if isinstance(value, float) else value}")
    table = Table("frame", "offset", "bytes", "payload", "tokens", "quality")
    for i, frame in enumerate(listed[:FRAMES_SHOWN]):
        table.add_row(str(i), *("" if value is None else str(value) for value in frame.values()))
    if listed:
        console().print(table)
    if len(listed) > FRAMES_SHOWN:
        say(f"and {len(listed) - FRAMES_SHOWN} more frames; --json lists them all")

"""rdcodec inspect: what a stream, a store or a codec says of itself."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rdcodec.cli.options import Json
from rdcodec.cli.output import check_writable, console, json_rows, say, write_json
from rdcodec.codecs import Codec
from rdcodec.codecs.checkpoint import is_checkpoint
from rdcodec.files import mapped_file
from rdcodec.store import Store
from rdcodec.store.names import DESCRIPTION_FILE
from rdcodec.stream import read_frames, read_header

__all__ = ["inspect"]

ROWS_SHOWN = 20


def inspect(
    file: Annotated[
        Path, typer.Argument(help="A coded stream, the folder of a store, or the folder or the file of a codec.", show_default=False)
    ],
    json: Json = None,
):
    """Show a stream's header and frames, for which no codec is needed; a store's places and shards; or a codec, and the model it was fitted to."""
    check_writable(json)
    if (file / DESCRIPTION_FILE).exists():
        _inspect_store(file, json)
    else:
        (_inspect_codec if is_checkpoint(file) else _inspect_stream)(file, json)


def _inspect_codec(path, json):
    codec = Codec.from_pretrained(path)
    qualities = {name: getattr(codec, name) for name in ("min_quality", "max_quality", "default_quality")}
    summary = {**_facts(codec), **qualities, **_origin(codec)}
    write_json(json, summary)
    for name, value in summary.items():
        say(f"{name:15} {'unknown' if value is None else value}")


def _facts(codec):
    return {
        "family": codec.family,
        "codec_id": codec.codec_id.hex(),
        "channels": codec.channels,
        "layer": codec.layer,
    }


def _origin(codec):
    return codec.origin._asdict() if codec.origin else {"model_type": None, "fingerprint": None}


def _inspect_store(folder, json):
    store = Store.open(folder)
    elements = len(store) * sum(place.codec.channels for place in store.description.places)
    summary = {
        "store_id": store.description.store_id.hex(),
        "dtype": store.description.dtype,
        "tokens": len(store),
        "token_ids": store.description.token_ids,
        "documents": len(store.documents),
        "groups": len(store.group_tokens),
        "group_tokens": store.description.group_tokens,
        "bytes": store.bytes,
        "bits_per_element": 8 * store.bytes / elements if elements else None,
    }
    places = [
        {"place": place.name, "quality": place.quality, **_facts(place.codec), **_origin(place.codec)} for place in store.description.places
    ]
    shards = [
        {"shard": shard.path.name, "first": shard.first, "tokens": shard.tokens, "groups": len(shard.groups), "index": shard.indexed}
        for shard in store.shards
    ]
    write_json(json, {**summary, "places": places, "shards": shards})
    for name, value in summary.items():
        say(f"{name:16} {f'{value:.3f}' if isinstance(value, float) else value}")
    _print(places)
    _print(shards[:ROWS_SHOWN])
    if len(shards) > ROWS_SHOWN:
        say(f"and {len(shards) - ROWS_SHOWN} more shards; --json lists them all")


def _print(rows):
    if rows:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*("" if value is None else str(value) for value in row.values()))
        console().print(table)


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
            if count <= ROWS_SHOWN:
                table.add_row(str(count - 1), *("" if value is None else str(value) for value in frame.values()))
    for name, value in summary.items():
        say(f"{name:15} {f'{value:.2f}' if isinstance(value, float) else value}")
    if count:
        console().print(table)
    if count > ROWS_SHOWN:
        say(f"and {count - ROWS_SHOWN} more frames; --json lists them all")


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

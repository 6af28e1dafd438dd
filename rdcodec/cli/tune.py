"""rdcodec tune: train a model with a codec in it."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Optional

import typer

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Cache, CodecDir, Json, MixedPrecision, Model, Resume, Texts
from rdcodec.cli.output import check_folder, check_writable, progress_bar, say, tidy_cache, write_json
from rdcodec.cli.stopping import resumable
from rdcodec.cli.texts import read_texts
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["tune"]


def tune(
    model: Model,
    codec: CodecDir,
    text: Texts,
    out: Annotated[Path, typer.Option("--out", help="Folder to write adapters and codec, checkpoint and log to.", show_default=False)],
    part: Annotated[str, typer.Option("--part", help="Blocks to train: tail, behind the split, head, before it, or both.")] = "tail",
    full: Annotated[bool, typer.Option("--full", help="Train all weights of the blocks in place of adapters of low rank.")] = False,
    rank: Annotated[int, typer.Option("--rank", help="Rank of the adapters.")] = 16,
    lambda_rate: Annotated[
        float, typer.Option("--lambda", help="Nats that a bit is worth; only the head changes bits, so with the tail it is 0.")
    ] = 0.0,
    loss: Annotated[str, typer.Option("--loss", help="kl, to the untuned model, or cross-entropy.")] = "kl",
    quality: Annotated[
        Optional[str],
        typer.Option("--quality", help="Quality to train at, or LOWEST,HIGHEST.", show_default="the codec's default"),
    ] = None,
    steps: Annotated[
        Optional[int], typer.Option("--steps", help="Updates of the weights.", show_default="as many as --minutes makes")
    ] = None,
    minutes: Annotated[float, typer.Option("--minutes", help="Time to train, apart from the hidden states.")] = 60,
    windows: Annotated[int, typer.Option("--windows", help="Windows a step, on each device.")] = 2,
    learning_rate: Annotated[
        Optional[float],
        typer.Option("--learning-rate", help="At the end of the warm-up.", show_default="5e-4, 5e-5 with --full"),
    ] = None,
    layer: Annotated[Optional[int], typer.Option("--layer", help="Split point.", show_default="the codec's")] = None,
    mixed_precision: MixedPrecision = False,
    merge: Annotated[
        Optional[Path],
        typer.Option("--merge", help="Also write a plain model of merged weights here, its codec below it.", show_default=False),
    ] = None,
    cache: Cache = None,
    resume: Resume = False,
    json: Json = None,
):
    """Tune a model with a codec in it, towards what it says without one."""
    check_writable(json)
    for folder in {out, merge} - {None}:
        check_folder(folder)
    found = Codec.from_pretrained(codec)
    from rdcodec import training

    method = "full" if full else "lora"
    settings = training.TuneSettings(
        steps=steps,
        minutes=minutes if steps is None else None,
        qualities=_parse_qualities(quality, found.default_quality),
        windows=windows,
        learning_rate=RATES[method] if learning_rate is None else learning_rate,
        part=part,
        method=method,
        rank=rank,
        kind=loss,
        lambda_rate=lambda_rate,
    )
    texts = read_texts(text)
    from accelerate import Accelerator

    loaded, tokenizer = load_quietly(model)
    accelerator = Accelerator()
    began = perf_counter()
    with resumable(out), progress_bar() as progress:
        loaded.to(accelerator.device)
        tuned = training.tune(
            *(loaded, tokenizer, texts, found, settings, out, layer, cache, mixed_precision),
            progress=progress,
            resume=resume,
        )
    if not accelerator.is_main_process:
        return
    tidy_cache(cache, out)
    if merge is not None:
        training.save_merged(tuned, tokenizer, merge)
    write_json(
        json,
        {
            "tuned": str(out),
            "codec_id": tuned.codec.codec_id.hex(),
            "model": model,
            "layer": tuned.layer,
            "part": part,
            "method": method,
            "lambda": lambda_rate,
            "before": [point._asdict() for point in tuned.before],
            "after": [point._asdict() for point in tuned.after],
            "seconds": perf_counter() - began,
        },
    )
    for before, after in zip(tuned.before, tuned.after):
        say(
            f"quality {after.quality}: {before.distortion:.4f} nats at {before.bits_per_token:.1f} bits a token before,"
            f" {after.distortion:.4f} at {after.bits_per_token:.1f} after, on held-out windows"
        )
    say(f"{out}: {part} of {model} from layer {tuned.layer}, tuned to codec {tuned.codec.codec_id.hex()}")


RATES = {"lora": 5e-4, "full": 5e-5}


def _parse_qualities(text, default):
    """The lowest and the highest."""
    if text is None:
        return default, default
    try:
        qualities = [int(part) for part in text.split(",")]
    except ValueError:
        qualities = []
    if len(qualities) not in (1, 2):
        raise RdcodecError(f"--quality: expected one quality, or the lowest and the highest with a comma between, got {text!r}")
    return qualities[0], qualities[-1]

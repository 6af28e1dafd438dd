"""rdcodec train: train a learned codec for a model's layer."""

from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Cache, Json, Layer, MixedPrecision, Model, Resume, Texts
from rdcodec.cli.output import check_folder, check_writable, progress_bar, say, tidy_cache, write_json
from rdcodec.cli.stopping import resumable
from rdcodec.cli.texts import read_texts
from rdcodec.errors import RdcodecError

__all__ = ["train"]


def train(
    model: Model,
    layer: Layer,
    family: Annotated[
        str,
        typer.Option(
            "--family",
            help="hyperprior-factorised, hyperprior-fourier, direct-access or context.",
            show_default=False,
        ),
    ],
    text: Texts,
    out: Annotated[Path, typer.Option("--out", help="Folder to write the codec, checkpoint and log to.", show_default=False)],
    lambdas: Annotated[
        str,
        typer.Option("--lambda", "--lambdas", help="Nats that a bit is worth, L[,L...]; one codec for their whole range."),
    ] = "4e-4,1e-5",
    minutes: Annotated[
        float, typer.Option("--minutes", help="Time to train, apart from the hidden states and what has a closed form.")
    ] = 60,
    distortion: Annotated[
        str, typer.Option("--distortion", help="What the rate is traded for: kl, to the uncompressed model, or cross-entropy.")
    ] = "kl",
    mixed_precision: MixedPrecision = False,
    cache: Cache = None,
    resume: Resume = False,
    json: Json = None,
):
    """Train a learned codec for a layer of a model."""
    check_writable(json)
    check_folder(out)
    values = _parse_lambdas(lambdas)
    texts = read_texts(text)
    from accelerate import Accelerator

    from rdcodec import training

    loaded, tokenizer = load_quietly(model)
    accelerator = Accelerator()
    began = perf_counter()
    with resumable(out), progress_bar() as progress:
        loaded.to(accelerator.device)
        with accelerator.main_process_first():
            states = training.StateCache.open(cache or out / "cache", loaded, tokenizer, texts, layer, mixed_precision, progress)
        loss = training.TailDistortion(loaded, layer, distortion, autocast=mixed_precision)
        trained = training.train_codec(family, loaded, layer, states, loss, values, minutes, out, mixed_precision, progress, resume)
    if not accelerator.is_main_process:
        return
    codec = trained.codec
    codec.save_pretrained(out)
    tidy_cache(cache, out)
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
            "lambdas": values,
            "validation": [point._asdict() for point in trained.validation],
            "points": [point._asdict() for point in trained.points],
            "seconds": perf_counter() - began,
        },
    )
    for loss, (quality, estimate, bits) in zip(trained.validation, trained.points):
        say(
            f"quality {quality}: {loss.distortion:.4f} nats and {bits:.1f} bits a token on held-out windows;"
            f" float networks would take {estimate:.1f}, integers cost {100 * (bits / estimate - 1):+.2f}%"
        )
    say(
        f"{out}: codec {codec.codec_id.hex()} for layer {layer} of {model}, {codec.channels} channels,"
        f" default quality {codec.default_quality}"
    )


def _parse_lambdas(text):
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise RdcodecError(f"--lambda: expected numbers with commas between them, got {text!r}") from None

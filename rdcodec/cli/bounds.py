"""rdcodec bounds: how far the rate of a codec is from what entropy allows."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Optional

import typer
from rich.table import Table

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Json, Model, check_quality
from rdcodec.cli.output import check_writable, console, progress_bar, say, write_json
from rdcodec.cli.texts import read_texts
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.estimators.samples import DELTA

__all__ = ["bounds"]


def bounds(
    model: Model,
    codec: Annotated[
        list[Path], typer.Option("--codec", help="Folder of a codec; {layer} stands for each of --layers.", show_default=False)
    ],
    text: Annotated[Path, typer.Option("--text", help="Text file, UTF-8, that nothing was fitted to.", show_default=False)],
    layers: Annotated[
        Optional[str], typer.Option("--layers", help="Split points, K[,K...], for {layer} in --codec.", show_default=False)
    ] = None,
    quality: Annotated[Optional[int], typer.Option("--quality", help="Each codec's default if not given.", show_default=False)] = None,
    window: Annotated[int, typer.Option("--window", help="Tokens a window.")] = 512,
    windows: Annotated[int, typer.Option("--windows", help="Windows, drawn at random from the text.")] = 24,
    likelihoods: Annotated[
        int, typer.Option("--likelihoods", help="Of these, windows on which the whole model runs, for its likelihood.")
    ] = 24,
    seed: Annotated[int, typer.Option("--seed", help="Of the draw of windows.")] = 0,
    delta: Annotated[float, typer.Option("--delta", help="Probability that one of the certificates fails.")] = DELTA,
    json: Json = None,
):
    """Bound rate and entropy of codecs at their layers: the gap, certificates, complexities and norms."""
    check_writable(json)
    codecs = {folder: Codec.from_pretrained(folder) for folder in _folders(codec, layers)}
    for folder, found in codecs.items():
        check_quality(folder, found, quality)
    (content,) = read_texts([text])
    each = delta / len(codecs)  # so that all certificates hold at once
    loaded, tokenizer = load_quietly(model)
    from rdcodec.evaluation import cut_text
    from rdcodec.theory import layer_bounds, token_entropy_bound

    measured, rest = cut_text(tokenizer, content, window, windows, seed)
    population = len(measured) + len(rest)
    with progress_bar() as progress:
        progress("the model's likelihood", 0.0)
        entropy = token_entropy_bound(loaded, measured[:likelihoods], population)
        rows = [
            layer_bounds(loaded, measured, found.family, found, quality, entropy, each, progress, population) for found in codecs.values()
        ]
    _print(rows, delta, population)
    run = {"model": model, "text": str(text), "window": window, "likelihoods": likelihoods, "seed": seed}
    run |= {"population": population, "delta": delta}
    folders = [{"codec": str(folder)} for folder in codecs]
    write_json(json, {**run, "rows": [folder | asdict(row) for folder, row in zip(folders, rows, strict=True)]})


def _folders(codec, layers):
    if layers is None:
        return codec
    try:
        numbers = [int(part) for part in layers.split(",")]
    except ValueError:
        raise RdcodecError(f"--layers: expected integers with commas between them, got {layers!r}") from None
    without = [str(folder) for folder in codec if "{layer}" not in str(folder)]
    if without:
        raise RdcodecError(f"--codec: expected {{layer}} in it, which --layers are for, got {without[0]}")
    return [Path(str(folder).replace("{layer}", str(number))) for folder in codec for number in numbers]


LINES = {
    "rate, bits a token": lambda row: _with_error(row.rate),
    "certified rate": lambda row: f"{row.certificate.value:,.1f}",
    "entropy at most, by models of other windows": lambda row: _with_error(row.symbol_entropy),
    "entropy at most, by the model's likelihood": lambda row: _with_error(row.token_entropy),
    "gap, rate over entropy": lambda row: "{:,.1f} to {:,.1f}".format(*row.gap.interval),
    "  of it: frames' headers and checksums": lambda row: f"{row.gap.terms['container']:,.2f}",
    "  models of other windows would save": lambda row: f"{row.gap.terms['models']:,.1f}",
    "  symbols follow from the text": lambda row: f"{row.gap.terms['text']:,.1f}",
    "PAC, |measured - true| for linear models": lambda row: _or_vacuous(row.pac),
    "PAC, the same for networks like the codec's": lambda row: _or_vacuous(row.family),
    "Occam, rate of any codec as long as this": lambda row: _or_vacuous(row.occam),
    "  its bits; windows that it would need": lambda row: "{description:,.0f}; {needed:,.0f}".format(**row.occam.terms),
    "log-determinant of levels' covariance": lambda row: f"{row.log_det.value:,.0f}",
    "log-determinant of states' covariance": lambda row: f"{row.state_log_det.value:,.0f}",
    "Rademacher complexity, l1-ball": lambda row: f"{row.complexity.value:.3g}",
    "Rademacher complexity, l2-ball": lambda row: f"{row.complexity_l2.value:.3g}",
    "spectral norm, state to levels": lambda row: f"{row.analysis_norm.value:.3g}",
    "spectral norm, head": lambda row: f"{row.head_norm.value:.3g}",
    "spectral norm, entropy model": lambda row: f"{row.entropy_norm.value:.3g}",
    "slope of the code length, bits a level": lambda row: f"{row.level_slope:.1f}",
}


def _print(rows, delta, population):
    table = Table("", title_justify="left")
    for row in rows:
        table.add_column(f"{row.method}, layer {row.layer}\nquality {row.quality}", justify="right")
    for name, cell in LINES.items():
        table.add_row(name, *map(cell, rows))
    console().print(table)
    say(
        f"{rows[0].tokens:,} tokens in {rows[0].windows} windows, drawn at random from the {population:,} of the text, without"
        f" replacement; ± one standard error of what all of them would give, design effect {rows[0].rate.terms['design_effect']:.2f};"
        f" the rate over all of them is below the certified one with probability {1 - delta:g},"
        f" for all columns at once; windows that take more than 4-bit integers count as those: {sum(row.clipped for row in rows)} did"
    )
    say("what rounding to integers and training cost cannot be told from a checkpoint: it is in what models would save, or beyond it")


def _with_error(estimate):
    return f"{estimate.value:,.2f} ± {estimate.error:.2f}"


def _or_vacuous(bound):
    if bound is None:
        return ""
    return f"{bound.value:,.0f}" + (", vacuous" if bound.terms["vacuous"] else "")

"""rdcodec eval: rate and loss of codecs and baselines on text."""

import copy
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Json, Model, check_quality
from rdcodec.cli.output import check_writable, output_file, progress_bar, say, write_json
from rdcodec.cli.table import print_comparisons, print_gains, print_position_bits, print_rows, print_token_rates
from rdcodec.cli.texts import read_texts
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.extras import need

__all__ = ["evaluate"]

FITTED = "the global step, zfp, token-wise bits, Hadamard + Lloyd-Max and KVTC"


def evaluate(
    model: Model,
    text: Annotated[Path, typer.Option("--text", help="Text file, UTF-8, that nothing was fitted to.", show_default=False)],
    codec: Annotated[Optional[list[Path]], typer.Option("--codec", help="Folder of a codec; may be repeated.", show_default=False)] = None,
    tuned: Annotated[
        Optional[list[Path]],
        typer.Option(
            "--tuned",
            help="Folder of rdcodec tune: its codec in the model as it was, and in the tuned one; may be repeated.",
            show_default=False,
        ),
    ] = None,
    quality: Annotated[
        Optional[str],
        typer.Option("--quality", help="Qualities, Q[,Q...]; each codec's default if not given.", show_default=False),
    ] = None,
    layer: Annotated[Optional[int], typer.Option("--layer", help="Split point of baselines without a codec.", show_default=False)] = None,
    window: Annotated[int, typer.Option("--window", help="Tokens a window.")] = 512,
    windows: Annotated[int, typer.Option("--windows", help="Windows to measure on, the first ones of the text.")] = 24,
    last_words: Annotated[
        Optional[int],
        typer.Option(
            "--last-words",
            metavar="N",
            help="In place of windows: predict the last words of N passages of 60 to 100 tokens, drawn from all of the text.",
            show_default=False,
        ),
    ] = None,
    frame_tokens: Annotated[
        Optional[int],
        typer.Option("--frame-tokens", help="Tokens a frame; 1 is what generation costs.", show_default="a window"),
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Measure usual and published methods as well.")] = False,
    fit_text: Annotated[
        Optional[list[str]],
        typer.Option("--fit-text", help="What baselines are fitted to, as --text of calibrate.", show_default="rest of --text"),
    ] = None,
    plot: Annotated[Optional[Path], typer.Option("--plot", help="Draw loss against rate to this PNG file.", show_default=False)] = None,
    html: Annotated[
        Optional[Path],
        typer.Option("--html", help="Write a page to this file: charts, a text coloured by bits, the table.", show_default=False),
    ] = None,
    json: Json = None,
):
    """Measure rate (real bits) and loss (KL, NLL, perplexity) on a text."""
    check_writable(json, plot, html)
    if plot is not None:
        need("plot", "matplotlib")
    if html is not None:
        need("plot", "bokeh")
    qualities = _parse_qualities(quality)
    codecs = _codecs([*(codec or []), *(tuned or [])], qualities)
    layers = sorted({found.layer for path, found in codecs.items() if _has_layer(path, found)} | ({layer} if layer is not None else set()))
    if not codecs and not (baselines and layers):
        raise RdcodecError("there is nothing to measure: give --codec DIR, --tuned DIR, or --baselines with --layer K")
    for path, found in codecs.items():
        check_quality(path, found, *qualities)
    (content,) = read_texts([text])
    fit_contents = read_texts(fit_text or [])
    loaded, tokenizer = load_quietly(model)
    from rdcodec import evaluation

    if last_words is None:
        measured, fitted = evaluation.cut_text(tokenizer, content, window, windows)
        run, first, first_ids = {"window": window, "windows": windows}, "window", measured[0]
    else:
        measured, fitted = evaluation.cut_passages(tokenizer, content, last_words), evaluation.whole_windows(tokenizer, "", window)
        run, first, first_ids = {"passages": last_words}, "passage", measured.ids[0]
    if fit_text:
        fitted = evaluation.whole_windows(tokenizer, fit_contents, window)
    settings = [evaluation.Setting(_method(path, codecs), found, wanted) for path, found in codecs.items() for wanted in qualities]
    for path in tuned or []:
        settings += _tuned_settings(path, codecs, loaded, qualities)
    firsts = settings[:: len(qualities)]  # of each codec
    lacking: list[str] = []
    with progress_bar() as progress:
        if baselines:
            for at in layers:
                settings += evaluation.baseline_settings(loaded, at, fitted)
                settings += evaluation.published_settings(loaded, at, fitted, lacking.append)
        rows = evaluation.evaluate(loaded, measured, settings, frame_tokens, progress)
    print_rows(rows)
    print_gains(rows)
    print_position_bits(rows)
    where = [evaluation.token_rates(loaded, tokenizer, first_ids, setting) for setting in firsts]
    print_token_rates(where, first)
    if baselines:
        if not len(fitted):
            lacking.append(f"the text has no windows left to fit baselines to, give --fit-text: {FITTED} are left out")
        for line in dict.fromkeys(lacking):
            say(line, stderr=True)
        print_comparisons(rows, settings[0].method if codecs else None)
    run = {"model": model, "text": str(text), **run, "frame_tokens": frame_tokens}
    title = f"{model} on {text.name}"
    with ExitStack() as files:  # all are written or none
        if plot is not None:
            evaluation.plot_rows(rows, title).savefig(files.enter_context(output_file(plot)), format="png")
        if html is not None:
            files.enter_context(output_file(html)).write(evaluation.report_html(rows, title, *where[:1]).encode())
        write_json(json, {**run, "rows": rows.to_dicts()})


def _codecs(folders, qualities):
    """dict of folder to codec; one that two folders hold is measured once at a quality."""
    found = {path: Codec.from_pretrained(path) for path in folders}
    distinct: dict = {}
    for path, codec in found.items():
        distinct.setdefault((codec.codec_id, codec.layer, codec.default_quality if qualities == [None] else None), path)
    return {path: found[path] for path in distinct.values()}


def _tuned_settings(folder, codecs, model, qualities):
    from rdcodec.evaluation import Setting
    from rdcodec.training import load_tuned

    tuned = load_tuned(folder, copy.deepcopy(model), merge=True)
    same = folder if folder in codecs else next(path for path, found in codecs.items() if found.codec_id == tuned.codec.codec_id)
    names = {"variant": str(folder), "untuned": _method(same, codecs)}  # tunings of one codec make a curve
    method = f"{names['untuned']}, {tuned.part} tuned"
    return [Setting(method, tuned.codec, quality, tuned.layer, model=tuned.model, **names) for quality in qualities]


def _parse_qualities(text):
    if text is None:
        return [None]
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RdcodecError(f"--quality: expected integers with commas between them, got {text!r}") from None


def _has_layer(path, codec):
    if codec.layer is None:
        raise RdcodecError(f"{path}: a codec of family {codec.family!r} belongs to no layer of a model")
    return True


def _method(path, codecs):
    """The family, and the folder where two codecs of one family have the same layer."""
    codec = codecs[path]
    alike = [other for other in codecs.values() if (other.family, other.layer) == (codec.family, codec.layer)]
    return codec.family if len(alike) == 1 else f"{codec.family} {path}"

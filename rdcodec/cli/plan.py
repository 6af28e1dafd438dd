"""rdcodec plan: which layer and quality make text come soonest over a link, and whether compression pays there."""

import math
from contextlib import nullcontext
from dataclasses import asdict
from json import loads
from pathlib import Path
from pydoc_data.topics import topics
from typing import Annotated, Optional

import typer
from rich.table import Table
from rich.text import Text

from rdcodec.cli.links import need_serving
from rdcodec.cli.loading import load_quietly
from rdcodec.cli.options import Json
from rdcodec.cli.output import check_writable, console, output_file, progress_bar, say, write_json
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["plan"]


def plan(
    rows: Annotated[
        list[Path], typer.Option("--rows", help="What rdcodec eval --json wrote; may be repeated, for several layers.", show_default=False)
    ],
    bandwidth: Annotated[str, typer.Option("--bandwidth", help="Of the link each way, as 20Mbit.", show_default=False)],
    rtt: Annotated[str, typer.Option("--rtt", help="Its round trip, as 30ms.", show_default=False)],
    model: Annotated[Optional[str], typer.Option("--model", help="To time, as of eval.", show_default=False)] = None,
    codec: Annotated[
        Optional[list[Path]],
        typer.Option("--codec", help="Folder of a codec of the rows, to time; may be repeated.", show_default="times of the rows"),
    ] = None,
    costs: Annotated[
        Optional[Path],
        typer.Option("--costs", help="Times that an earlier plan wrote (--json), in place of --model and --codec.", show_default=False),
    ] = None,
    loss: Annotated[float, typer.Option("--loss", help="KL that the output may lose, nats a token.")] = 0.02,
    prompt: Annotated[int, typer.Option("--prompt", help="Tokens of the prompt.", min=1)] = 512,
    head_speed: Annotated[float, typer.Option("--head-speed", help="How many times as fast as this machine the head's is.")] = 1.0,
    tail_speed: Annotated[float, typer.Option("--tail-speed", help="How many times as fast as this machine the tail's is.")] = 1.0,
    plot: Annotated[
        Optional[Path], typer.Option("--plot", help="Draw times against bandwidth to this PNG file.", show_default=False)
    ] = None,
    json: Json = None,
):
    """Say which layer and quality make text come soonest over a link, and below which bandwidth compression pays."""
    check_writable(json, plot)
    need_serving()
    from rdcodec import planning

    link = planning.Link(planning.parse_bandwidth(bandwidth), planning.parse_seconds(rtt))
    points = [point for path in rows for point in planning.read_rows(path)]
    planning.check_loss(points, loss)  # before the model is timed
    if (model is None) == (costs is None):
        raise RdcodecError("expected --model M to time, or --costs FILE with the times of an earlier plan, and not both")
    parts, codecs = _read_costs(costs, prompt) if model is None else _measure(model, codec or [], points, prompt)
    options = planning.plan(points, parts, codecs, prompt, head_speed, tail_speed)
    first, following = planning.best_options(options, link, loss)
    _print("time to the first token", first, link, "first_token", "prompt")
    _print("time a token", following, link, "next_token", "step")
    run: dict[str, object] = {"model": model, "bandwidth": link.bits_per_second, "rtt": link.round_trip, "loss": loss, "prompt": prompt}
    run |= {"head_speed": head_speed, "tail_speed": tail_speed, "parts": list(map(asdict, parts)), "codecs": list(map(asdict, codecs))}
    with nullcontext() if plot is None else output_file(plot) as file:  # both are written or none
        if file is not None:
            planning.plot_plan(first, following, link).savefig(file, format="png")
        write_json(json, run | {"first_token": _rows(first, link), "next_token": _rows(following, link)})


def _measure(name, folders, points, prompt):
    """Times of the model at the points' layers, and of the codecs at their qualities."""
    import torch

    from rdcodec.planning import costs

    opened = {path: Codec.from_pretrained(path) for path in folders}
    model, tokenizer = load_quietly(name)
    ids = torch.tensor(tokenizer("\n".join(topics.values()))["input_ids"][: prompt + costs.STEPS])[None]
    layers = sorted({point.layer for point in points})
    with progress_bar() as progress:
        parts, states = costs.measure_parts(model, layers, ids, progress)
        timed = [(path, codec, point) for path, codec in opened.items() for point in points if _is_of(point, path, codec)]
        codecs = []
        for _, codec, point in timed:
            codecs.append(costs.measure_codec(codec, states[point.layer], point.layer, point.method, point.quality))
            progress("timing codecs", len(codecs) / len(timed))
    return parts, codecs


def _is_of(point, path, codec):
    return codec.layer == point.layer and point.method in (codec.family, f"{codec.family} {path}")


def _read_costs(path, prompt):
    from rdcodec.planning import CodecCosts, PartCosts

    try:
        found = loads(path.read_text(encoding="utf-8"))
        parts, codecs = [PartCosts(**part) for part in found["parts"]], [CodecCosts(**codec) for codec in found["codecs"]]
        measured = found["prompt"]
    except (ValueError, KeyError, TypeError) as error:
        raise RdcodecError(f"{path}: expected what rdcodec plan --json writes, got something else ({error})") from error
    if measured != prompt:
        raise RdcodecError(f"--prompt: expected {measured}, of which the times in {path} are, got {prompt}")
    return parts, codecs


def _rows(options, link):
    more = {"first_token_seconds": "first_token", "next_token_seconds": "next_token"}
    return [
        asdict(option)
        | {name: getattr(option, method)(link) for name, method in more.items()}
        | {f"raw_{name}": getattr(option.raw, method)(link) for name, method in more.items()}
        | {name: getattr(option, name)(link.round_trip) for name in ("prompt_pays_below", "step_pays_below")}
        for option in options
    ]


def _print(title, options, link, method, part):
    def seconds(option):
        return getattr(option, method)(link)

    table = Table(title, title_justify="left")
    for name in ("KL", "bits/token", "ms", "raw float16, ms", "pays below"):
        table.add_column(name, justify="right")
    for option in options:
        bits, pays_below = getattr(option, f"{part}_bits"), getattr(option, f"{part}_pays_below")(link.round_trip)
        figures = f"{option.kl:.4f}", f"{bits:,.0f}", f"{1e3 * seconds(option):,.1f}", f"{1e3 * seconds(option.raw):,.1f}"
        table.add_row(Text(_name(option)), *figures, _bandwidth(pays_below))
    console().print(table)
    best, raw = options[0], min(seconds(option.raw) for option in options)
    than = (
        f"{raw / seconds(best):.2f} times as soon as raw float16"
        if seconds(best) < raw
        else "later than raw float16: compression does not pay here"
    )
    say(f"{title} is least with {_name(best)}: {1e3 * seconds(best):,.1f} ms, {than}")


def _name(option):
    quality = "" if option.quality is None else f", quality {option.quality}"
    return f"{option.method}{quality}, layer {option.layer}"


def _bandwidth(bits_per_second):
    if math.isinf(bits_per_second):
        return "any"
    return f"{bits_per_second / 1e6:,.3g} Mbit/s" if bits_per_second else "never"

"""What codecs save on a thin link: head and tail over gRPC, raw float16, int8 and given codecs in turn on the same texts.

    python benchmarks/bench_serving.py --text FILE --codec DIR [--codec DIR ...] [--model smollm2-135m] [--json FILE]

The link is the proxy of links/shaped_link.py between two ends on this machine, with a bandwidth each way and a round trip. Both ends run
in this process, where they take turns. Every setting is run several times, methods in turn; times are medians, of the link without
coding and without the blocks, and of whole steps. Bytes on the wire are those that TCP carries, up, with all of gRPC's own.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
import transformers
from links.shaped_link import ShapedLink

import rdcodec
from rdcodec import Codec
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.evaluation import cut_text
from rdcodec.serving import Connector, Head, LinkMeter, Sampling, Tail, generate, part_of, running_server

LOOPBACK = (None, 0.0)


@dataclass(frozen=True)
class Row:
    """A method on a link; times in seconds, bytes and steps without those of the prompt but where they say so."""

    method: str
    megabits: float | None
    round_trip: float
    rows: int
    prompt_tokens: int
    prompt_link_seconds: float
    prompt_seconds: float
    step_seconds: float
    step_link_seconds: float
    step_codec_seconds: float
    tokens_per_second: float
    prompt_frame_bytes: int
    step_frame_bytes: float
    step_wire_bytes: float


class Method:
    """A codec, and a server of the tail with it."""

    def __init__(self, name, part, codec):
        self.name, self.codec = name, codec
        self.head = Head(part, codec)
        self.serving = running_server(Tail(part, codec))

    def __enter__(self):
        self.server = self.serving.__enter__()
        return self

    def __exit__(self, *error):
        self.serving.__exit__(*error)

    def run(self, link, ids, new):
        """One text of ids [rows, tokens] over a link: a `Row` of it alone."""
        megabits, round_trip = link
        with ShapedLink(self.server.port, megabits and 1e6 * megabits, round_trip / 2) as shaped:
            connector, meter, marks = Connector(f"127.0.0.1:{shaped.port}", self.head), LinkMeter(), []
            began = perf_counter()
            for _ in generate(self.head, connector, ids, max_new_tokens=new + 1, ends=set(), meter=meter, sampling=Sampling()):
                marks.append((perf_counter(), meter.figures(), shaped.up))
        first, steps = marks[0][1], list(zip(marks, marks[1:]))
        return Row(
            method=self.name,
            megabits=megabits,
            round_trip=round_trip,
            rows=len(ids),
            prompt_tokens=ids.shape[1],
            prompt_link_seconds=first["link_seconds"],
            prompt_seconds=marks[0][0] - began,
            step_seconds=median(after[0] - before[0] for before, after in steps),
            step_link_seconds=median(after[1]["link_seconds"] - before[1]["link_seconds"] for before, after in steps),
            step_codec_seconds=median(after[1]["codec_seconds"] - before[1]["codec_seconds"] for before, after in steps),
            tokens_per_second=len(ids) / median(after[0] - before[0] for before, after in steps),
            prompt_frame_bytes=first["frame_bytes"],
            step_frame_bytes=(marks[-1][1]["frame_bytes"] - first["frame_bytes"]) / len(steps) / len(ids),
            step_wire_bytes=(marks[-1][2] - marks[0][2]) / len(steps) / len(ids),
        )


def middle(rows):
    """The median of several runs, figure by figure."""
    values = [asdict(row) for row in rows]
    return Row(
        **{
            name: value if type(value) in (str, int, type(None)) else median(each[name] for each in values)
            for name, value in values[0].items()
        }
    )


def measure(methods, links, ids, new, repeats):
    """Rows, a method and a link each; methods take turns within each repeat."""
    found = []
    for link in links:
        runs = {method.name: [] for method in methods}
        for _ in range(repeats):
            for method in methods:
                runs[method.name].append(method.run(link, ids, new))
        found += [middle(each) for each in runs.values()]
        for row in found[-len(methods) :]:
            print(json.dumps(asdict(row)), file=sys.stderr)
    return found


def name_of(row):
    return "loopback" if row.megabits is None else f"{row.megabits:g} Mbit/s, {1000 * row.round_trip:g} ms"


def block_against_steps(methods, part, windows):
    """For each method: bytes a token of windows coded whole, and token by token with the windows' own tokens, frames alone."""
    site = part.site
    for method in methods:
        whole = steps = 0
        for ids in windows:
            here = method.head.session()
            (states,) = here.states(ids[None])
            whole += sum(len(frame) for frame in here.frames([states])[0])
            encoder = method.codec.encoder()
            steps += sum(len(encoder.encode(token[None])) for token in states)
        tokens = windows.numel()
        yield method.name, site.layer, whole / tokens, steps / tokens


def print_rows(rows):
    print(
        "| link (round trip) | rows | method | bytes of the prompt's frames | prompt on the link, ms | ratio | a step: ms | on the link | codec | tokens/s | ratio | bytes a token: frame | wire |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|---|---|")
    raw = {(row.megabits, row.round_trip, row.rows): row for row in rows if row.method == "raw float16"}
    for row in rows:
        against = raw[row.megabits, row.round_trip, row.rows]
        print(
            f"| {name_of(row)} | {row.rows} | {row.method} | {row.prompt_frame_bytes} | {1e3 * row.prompt_link_seconds:.0f} |"
            f" {against.prompt_link_seconds / row.prompt_link_seconds:.1f} | {1e3 * row.step_seconds:.1f} | {1e3 * row.step_link_seconds:.1f} |"
            f" {1e3 * row.step_codec_seconds:.1f} | {row.tokens_per_second:.1f} | {row.tokens_per_second / against.tokens_per_second:.2f} |"
            f" {row.step_frame_bytes:.0f} | {row.step_wire_bytes:.0f} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, action="append", required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--new", type=int, default=24)
    parser.add_argument("--rows", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--megabits", type=float, nargs="*", default=[1, 10, 100])
    parser.add_argument("--milliseconds", type=float, nargs="*", default=[20, 100], help="round trips")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    model, tokenizer = rdcodec.load_model(arguments.model)
    codecs = {f"{codec.family} ({path})": codec for path, codec in ((path, Codec.from_pretrained(path)) for path in arguments.codec)}
    (layer,) = {codec.layer for codec in codecs.values()}
    part, channels = part_of(model, layer, tokenizer), model.config.hidden_size
    windows, _ = cut_text(tokenizer, arguments.text.read_text(encoding="utf-8"), arguments.prompt, 4)
    codecs = {"raw float16": RawCodec(channels), "int8, a scale a token": IntegerCodec(channels, 8), **codecs}
    links = [(megabits, milliseconds / 1e3) for megabits in arguments.megabits for milliseconds in arguments.milliseconds]
    methods = [Method(name, part, codec).__enter__() for name, codec in codecs.items()]
    try:
        short = windows[:1, :16].repeat(arguments.rows, 1)
        rows = measure(methods, [LOOPBACK, *links], windows[:1], arguments.new, arguments.repeats)
        rows += measure(methods, [LOOPBACK, *links], short, arguments.new // 2, 1)
        blocks = list(block_against_steps(methods, part, windows))
    finally:
        for method in methods:
            method.__exit__(None, None, None)
    print(
        f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads, layer {layer} of {arguments.model}\n"
    )
    print_rows(rows)
    print("\n| method | bytes a token, windows coded whole | token by token | ratio |\n|---|---|---|---|")
    for name, _, whole, steps in blocks:
        print(f"| {name} | {whole:.1f} | {steps:.1f} | {steps / whole:.3f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()

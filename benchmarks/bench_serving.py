"""What codecs save on a thin link: head and tail over gRPC, raw float16, 8-bit integers and given codecs in turn on the same texts.

    python benchmarks/bench_serving.py --text FILE --codec DIR [--codec DIR ...] [--model smollm2-135m] [--link networks] [--json FILE]

The tail is a process of its own. Between it and the head is, by default, a proxy that holds bytes back, or with `--link networks` a link of packets
between two networks (links/packet_link.py, as root), with `--link tbf` one whose bandwidth `tc tbf` holds back. Every setting is run several
times, methods in turn; times are medians, of the link without coding and without the blocks, and of whole steps. Bytes on the wire are those that
TCP carries up with all of gRPC's own, and in networks those of its packets. `--load SESSIONS ROWS` adds texts of so many rows in so many sessions
at once.
"""

import argparse
import json
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
import transformers
from serving.methods import BASELINES, RAW, codec_of
from serving.places import LOOPBACK, OneMachine, TwoNetworks
from serving.planned import options_of, print_errors
from serving.processes import ServerProcess

import rdcodec
from rdcodec import Codec
from rdcodec.evaluation import cut_text
from rdcodec.planning.costs import STEPS
from rdcodec.serving import ClientSecurity, Connector, Head, LinkMeter, generate, part_of

TAILS = Path(__file__).parent / "serve_methods.py"
PLACES = {"proxy": OneMachine, "networks": lambda: TwoNetworks(tbf=False), "tbf": lambda: TwoNetworks(tbf=True)}


@dataclass(frozen=True)
class Row:
    """A method on a link; times in seconds, bytes and steps without those of the prompt but where they say so."""

    method: str
    megabits: float | None
    round_trip: float
    sessions: int
    rows: int
    prompt_tokens: int
    prompt_link_seconds: float
    prompt_seconds: float
    step_seconds: float
    step_link_seconds: float
    step_codec_seconds: float
    step_head_seconds: float
    step_tail_seconds: float
    tokens_per_second: float
    prompt_frame_bytes: int
    step_frame_bytes: float
    step_wire_bytes: float

    @property
    def link(self):
        return "loopback" if self.megabits is None else f"{self.megabits:g} Mbit/s, {1000 * self.round_trip:g} ms"


class Method:
    """A codec at the head, and the port of a tail with it."""

    def __init__(self, name, part, port):
        self.name, self.port = name, port
        self.codec = codec_of(name, part.site.channels)
        self.head = Head(part, self.codec)

    def run(self, place, link, ids, new, sessions=1):
        """A text of ids [rows, tokens], or several at once, over a link: a `Row` of it alone."""
        megabits, round_trip = link
        with place.link(self.port, megabits and 1e6 * megabits, round_trip) as (address, sent):
            connector = Connector(address, self.head, ClientSecurity(insecure=True), step_seconds=600)
            texts = [_Text(self.head, connector, ids, new, sent) for _ in range(sessions)]
            for text in texts:
                text.start()
            for text in texts:
                text.join()
        first, marks = texts[0].marks[0], texts[0].marks
        steps = sessions * len(ids) * (len(marks) - 1)
        return Row(
            method=self.name,
            megabits=megabits,
            round_trip=round_trip,
            sessions=sessions,
            rows=len(ids),
            prompt_tokens=ids.shape[1],
            prompt_link_seconds=first.figures["link_seconds"],
            prompt_seconds=first.seconds - texts[0].began,
            step_seconds=median(after.seconds - before.seconds for before, after in zip(marks, marks[1:])),
            **{f"step_{name}_seconds": _median_step(marks, f"{name}_seconds") for name in ("link", "codec", "head", "tail")},
            tokens_per_second=sum(len(ids) * (len(text.marks) - 1) / (text.marks[-1].seconds - text.marks[0].seconds) for text in texts),
            prompt_frame_bytes=first.figures["frame_bytes"],
            step_frame_bytes=(marks[-1].figures["frame_bytes"] - first.figures["frame_bytes"]) / (len(marks) - 1) / len(ids),
            step_wire_bytes=(texts[-1].marks[-1].sent - texts[-1].marks[0].sent) / steps,
        )


@dataclass(frozen=True)
class Mark:
    """The moment of a token."""

    seconds: float
    figures: dict
    sent: int


class _Text(threading.Thread):
    """One session."""

    def __init__(self, head, connector, ids, new, sent):
        super().__init__()
        self._said = head, connector, ids, None, new + 1
        self._sent, self.marks, self.began = sent, [], None

    def run(self):
        meter = LinkMeter()
        self.began = perf_counter()
        for _ in generate(*self._said, ends=set(), meter=meter):
            self.marks.append(Mark(perf_counter(), meter.figures(), self._sent()))


def _median_step(marks, name):
    return median(after.figures[name] - before.figures[name] for before, after in zip(marks, marks[1:]))


def middle(rows):
    """The median of several runs, figure by figure."""
    values = [asdict(row) for row in rows]
    return Row(
        **{
            name: value if type(value) in (str, int, type(None)) else median(each[name] for each in values)
            for name, value in values[0].items()
        }
    )


def measure(methods, place, links, ids, new, repeats, sessions=1):
    """Rows, a method and a link each; methods take turns within each repeat."""
    found = []
    for link in links:
        runs = {method.name: [] for method in methods}
        for _ in range(repeats):
            for method in methods:
                runs[method.name].append(method.run(place, link, ids, new, sessions))
        found += [middle(each) for each in runs.values()]
        for row in found[-len(methods) :]:
            print(json.dumps(asdict(row)), file=sys.stderr, flush=True)
    return found


def block_against_steps(methods, windows):
    """For each method: bytes a token of windows coded whole, and token by token with the windows' own tokens, frames alone."""
    for method in methods:
        whole = steps = 0
        for ids in windows:
            here = method.head.session()
            (states,) = here.states(ids[None])
            whole += sum(len(frame) for frame in here.frames([states])[0])
            encoder = method.codec.encoder()
            steps += sum(len(encoder.encode(token[None])) for token in states)
        tokens = windows.numel()
        yield method.name, whole / tokens, steps / tokens


def print_rows(rows):
    print(
        "| link (round trip) | sessions x rows | method | bytes of the prompt's frames | prompt on the link, ms | ratio | first token, ms"
        " | a step: ms | on the link | codec | tokens/s | ratio | bytes a token: frame | wire |"
    )
    print("|---" * 14 + "|")
    raw = {(row.megabits, row.round_trip, row.sessions, row.rows): row for row in rows if row.method == RAW}
    for row in rows:
        against = raw[row.megabits, row.round_trip, row.sessions, row.rows]
        print(
            f"| {row.link} | {row.sessions} x {row.rows} | {row.method} | {row.prompt_frame_bytes} | {1e3 * row.prompt_link_seconds:.0f} |"
            f" {against.prompt_link_seconds / row.prompt_link_seconds:.1f} | {1e3 * row.prompt_seconds:.0f} | {1e3 * row.step_seconds:.1f} |"
            f" {1e3 * row.step_link_seconds:.1f} | {1e3 * row.step_codec_seconds:.1f} | {row.tokens_per_second:.1f} |"
            f" {row.tokens_per_second / against.tokens_per_second:.2f} | {row.step_frame_bytes:.0f} | {row.step_wire_bytes:.0f} |"
        )


def parsed():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--codec", action="append", required=True, help="folder")
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--new", type=int, default=24)
    parser.add_argument("--load", type=int, nargs=2, action="append", default=[], metavar=("SESSIONS", "ROWS"))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--link", choices=PLACES, default="proxy")
    parser.add_argument("--megabits", type=float, nargs="*", default=[1, 10, 100])
    parser.add_argument("--milliseconds", type=float, nargs="*", default=[20, 100], help="round trips")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def run(arguments, place):
    """Rows of all links, what a plan says of each method, and what `block_against_steps` finds."""
    layer = Codec.from_pretrained(arguments.codec[0]).layer
    names = [*BASELINES, *arguments.codec]
    command = [*place.command, sys.executable, TAILS, "--model", arguments.model, "--layer", layer, "--dtype", arguments.dtype]
    with ServerProcess([*command, "--host", place.host, *names], len(names)) as server:
        model, tokenizer = rdcodec.load_model(arguments.model, arguments.dtype)
        part = part_of(model, layer, tokenizer)
        methods = [Method(name, part, port) for name, port in zip(names, server.ports)]
        windows, _ = cut_text(tokenizer, arguments.text.read_text(encoding="utf-8"), arguments.prompt + STEPS, 4)
        options = options_of(methods, part, windows[:1], arguments.prompt)
        windows = windows[:, : arguments.prompt]
        links = [(megabits, milliseconds / 1e3) for megabits in arguments.megabits for milliseconds in arguments.milliseconds]
        if arguments.link == "proxy":
            links.insert(0, LOOPBACK)
        rows = measure(methods, place, links, windows[:1], arguments.new, arguments.repeats) if arguments.new else []
        for sessions, count in arguments.load:
            rows += measure(methods, place, links, windows[:1, :16].repeat(count, 1), max(arguments.new, 8), 1, sessions)
        return rows, options, list(block_against_steps(methods, windows))


def main():
    arguments = parsed()
    with PLACES[arguments.link]() as place:
        rows, options, blocks = run(arguments, place)
    versions = f"torch {torch.__version__}, transformers {transformers.__version__}, {torch.get_num_threads()} threads"
    print(f"{versions}, {arguments.model}, {arguments.dtype}, link: {arguments.link}\n")
    print_rows(rows)
    print()
    print_errors([row for row in rows if row.prompt_tokens == arguments.prompt], options)
    print("\n| method | bytes a token, windows coded whole | token by token | ratio |\n|---|---|---|---|")
    for name, whole, steps in blocks:
        print(f"| {name} | {whole:.1f} | {steps:.1f} | {steps / whole:.3f} |")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(row) for row in rows], indent=2))


if __name__ == "__main__":
    main()

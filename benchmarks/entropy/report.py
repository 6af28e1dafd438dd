"""A run as JSON and as Markdown: what was asked and what was got first, then every setting and every sweep."""

import os
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .coders import CODERS
from .results import Results

DIRECTIONS = ("encode", "decode")


def collect(sweep, command):
    """All of a run, as JSON holds it."""
    return {
        "command": command,
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "platform": platform.platform(),
        "versions": {"python": platform.python_version(), "numpy": np.__version__, **sweep.versions},
        "preset": asdict(sweep.preset),
        "rows": sweep.rows,
        "figures": sweep.figures,
        "left_out": sweep.left_out,
    }


def cpu_name():
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()


def markdown(result):
    results = Results(result)
    parts = [_heading(result), _asked(results)]
    parts += [_settings(results, bits) for bits in results.asked]
    parts += [_swept(results, varied) for varied in ("bits", "count", "tables")]
    return "\n\n".join([*parts, _notes(result)])


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def _heading(result):
    preset = result["preset"]
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return (
        "## Entropy coding: speed and rate\n\n"
        f"CPU: {result['cpu']}, {result['cores']} cores. {versions}.\n"
        f"Command: `{result['command']}`\n\n"
        f"Symbols of 64 Gaussians (scales 0.11 to 64, exponential index) where nothing else is said. Each way was called for\n"
        f"{preset['rounds']} × {preset['seconds']:g} s a direction, coders in turn; the best time counts, and the fastest setting where none is named. Speeds are millions of symbols a second."
    )


# ---- what was asked ----


def _asked(results):
    rows = [row for figure in (_peers, _kernels, _scaling, _rate, _token, _floats) for row in figure(results)]
    return "### Asked and got\n\n" + _table(["asked", "got"], rows)


def _peers(results):
    for name, threads in (("torch_ans", 1), ("torch_ans", 2), ("constriction", 1)):
        for bits in results.asked:
            got = [_ratio(results, direction, ("rdcodec", threads), (name, threads), bits=bits) for direction in DIRECTIONS]
            yield f"against {name}'s best, {threads} {_threads(threads)}, {_bits(bits)}", _joined(got)


def _kernels(results):
    for name, threads, kernels in results.lines():
        if (name, threads) == ("rdcodec", 1) and kernels != results.kernels:
            for bits in results.asked:
                got = [_ratio(results, direction, ("rdcodec", 1), ("rdcodec", 1, kernels), bits=bits) for direction in DIRECTIONS]
                yield f"{results.kernels} against {kernels} kernels, 1 thread, {_bits(bits)}", _joined(got)


def _scaling(results):
    for count in sorted({results.size, max(row["asked_count"] for row in results.rows)}):
        got = [_ratio(results, direction, ("rdcodec", 2), ("rdcodec", 1), count=count) for direction in DIRECTIONS]
        yield f"2 threads against 1, {count:,} symbols, 1 bit", _joined(got)


def _ratio(results, direction, line, other, **case):
    ours, theirs = results.speed(direction, *line, **case), results.speed(direction, *other, **case)
    return f"{direction} {ours / theirs:.2f} times ({ours:.0f} / {theirs:.0f})" if ours and theirs else None


def _joined(parts):
    return ", ".join(filter(None, parts)) or "not measured"


def _threads(count):
    return "thread" if count == 1 else "threads"


def _bits(bits):
    return f"{bits:g} bit" + "s" * (bits != 1)


def _rate(results):
    for bits in results.asked:
        got = [
            f"{row['precision']} bits: {_over(row, 'table_bits')} / {_over(row, 'ideal_bits')}" for row in results.figure("rate", bits=bits)
        ]
        yield f"rate over the tables' ideal / over the true Gaussians' by precision, {_bits(bits)} a symbol", _joined(got)


def _over(row, ideal):
    return f"{100 * (8 * row['bytes'] / row[ideal] - 1):+.3f}%"


def _token(results):
    for bits in results.asked:
        for row in results.figure("token", bits=bits):
            got = [f"{name} median {row[f'{name}_median_s'] * 1e6:.1f} µs, best {row[f'{name}_s'] * 1e6:.1f} µs" for name in DIRECTIONS]
            tokens = row["count"] // row["channels"]
            extra = (8 * row["bytes"] - row["table_bits"]) / tokens / 8
            asked = f"one token of {row['channels']} symbols, 1 thread, {_bits(bits)} a symbol ({tokens:,} tokens)"
            yield (
                asked,
                f"{_joined(got)}; {row['bytes'] / tokens:.1f} bytes, {extra:.2f} ({_over(row, 'table_bits')}) over the tables' ideal",
            )


def _floats(results):
    for threads in CODERS["rdcodec"].threads:
        for bits in results.asked:
            for row in results.figure("floats", threads=threads, bits=bits):
                whole, copy, quantise = (row["float_bytes"] / row[f"{name}_s"] / 1e9 for name in ("encode", "memcpy", "quantise"))
                asked = f"float32 to bytes (quantise, choose tables, encode) against memcpy, {threads} {_threads(threads)}, {_bits(bits)}"
                yield asked, f"{whole:.2f} GB/s against {copy:.1f}: 1/{copy / whole:.1f} (quantising alone {quantise:.2f} GB/s)"


# ---- details ----


def _settings(results, bits):
    head = ["coder", "settings", "threads", "encode", "decode", "bits/symbol", "over ideal"]
    rows = []
    for line in results.lines():
        for row in results.at(*line, bits=bits):
            speeds = [f"{row['count'] / row[f'{direction}_s'] / 1e6:.1f}" for direction in DIRECTIONS]
            fewer = f", {row['count']:,} symbols" if row["count"] < results.size else ""
            rate = [f"{8 * row['bytes'] / row['count']:.4f}", f"{100 * (8 * row['bytes'] / row['ideal_bits'] - 1):+.2f}%"]
            rows.append([_name(line[0], None, line[2]), row["settings"] + fewer, row["threads"], *speeds, *rate])
    return f"### {results.size:,} symbols of {_bits(bits)}, all settings\n\n" + _table(head, rows)


def _swept(results, varied):
    values = sorted({value for line in results.lines() for value, _ in results.points("encode", line, varied)})
    rows = []
    for line in results.lines():
        speeds = [dict(results.points(direction, line, varied)) for direction in DIRECTIONS]
        cells = [" / ".join(f"{speed[value]:.1f}" for speed in speeds) if value in speeds[0] else "" for value in values]
        rows.append([_name(*line), *cells])
    title = {"bits": "Bits a symbol", "count": "Number of symbols", "tables": "Number of tables"}[varied]
    others = {"bits": f"{results.size:,} symbols", "count": "1 bit", "tables": f"1 bit, {results.size:,} symbols"}[varied]
    return f"### {title} ({others}; encode / decode of the best setting)\n\n" + _table(["coder", *(f"{v:,}" for v in values)], rows)


def _name(coder, threads, kernels):
    return ", ".join([" ".join(filter(None, (coder, kernels))), *([f"{threads} {_threads(threads)}"] if threads else [])])


def _notes(result):
    most = [f"{name} {coder.most:,}" for name, coder in CODERS.items() if coder.most]
    alone = [name for name, coder in CODERS.items() if len(coder.threads) == 1]
    lines = [
        f"Slow coders get at most so many symbols of a case: {', '.join(most)}.",
        f"One thread only, for their calls have no other: {', '.join(alone)}.",
        *(f"Left out: {name} ({reason})." for name, reason in result["left_out"].items()),
    ]
    return "\n".join(f"- {line}" for line in lines)

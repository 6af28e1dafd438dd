"""A run as Markdown."""

import os
import platform
from pathlib import Path

import torch
import transformers

import rdcodec

HEAD = ("architecture", "codec", "quality", "bits/token", "bits/element", "KL, nats", "before", "after")


def machine(command):
    """What a run was made with."""
    return {
        "command": command,
        "cpu": _cpu_name(),
        "threads": torch.get_num_threads(),
        "versions": {"rdcodec": rdcodec.__version__, "torch": torch.__version__, "transformers": transformers.__version__},
    }


def _cpu_name():
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].split(":", 1)[1].strip() if names else platform.processor() or platform.machine()


def markdown(run, measured):
    versions = ", ".join(f"{name} {number}" for name, number in run["versions"].items())
    lines = [
        "## Architectures\n",
        f"{run['cpu']}, {os.cpu_count()} cores, {run['threads']} threads. {versions}.",
        f"Command: `{run['command']}`\n",
        *(_task(task, rows) for task, rows in measured),
        "\nBits are real bytes, headers included, every window or image coded on its own; KL is that of the next token or of an",
        "image's class, ± one standard error over windows or images.\n",
        _row(HEAD),
        _row(["---"] * len(HEAD)),
        *(_row(_cells(task, row)) for task, rows in measured for row in rows),
    ]
    return "\n".join(lines)


def _task(task, rows):
    unit = "windows" if task.labels is None else "images"
    tokens = rows[0].tokens // len(task.measured)
    channels = round(rows[0].bits_per_token / rows[0].bits_per_element)
    return f"- {task.architecture}: layer {task.layer}, {len(task.measured)} {unit} of {tokens} tokens of {channels} channels"


def _cells(task, row):
    quality = "" if row.quality is None else row.quality
    kl = f"{row.kl:.4f} ± {row.kl_stderr:.4f}"
    rates = f"{row.bits_per_token:.1f}", f"{row.bits_per_element:.3f}"
    return task.architecture, row.method, quality, *rates, kl, *task.before_and_after(row)


def _row(cells):
    return "| " + " | ".join(map(str, cells)) + " |"

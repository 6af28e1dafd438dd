"""The table of an evaluation."""

import math

from rich.table import Table
from rich.text import Text

from rdcodec.cli.output import console, say

__all__ = ["print_rows"]

COLUMNS = ("bits/token", "bits/element", "ratio", "KL", "change of NLL", "perplexity")


def print_rows(rows):
    """Print rows, a section a layer, and what they have in common below."""
    table = Table("method", title_justify="left")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    layers = sorted({row.layer for row in rows})
    for layer in layers:
        for row in rows:
            if row.layer == layer:
                table.add_row(Text(_name(row, len(layers) > 1)), *_values(row))
        table.add_section()
    console().print(table)
    say(
        f"{rows[0].tokens:,} tokens; losses in nats a token, ± one standard error over windows; ratio to float16;"
        f" perplexity of the uncompressed model {rows[0].base_perplexity:.2f}"
    )
    for row in rows:
        if row.quality is not None:
            share = (row.encode_seconds + row.decode_seconds) / row.forward_seconds
            say(
                f"{_name(row, True)}: encoding {1e3 * row.encode_seconds:.1f} ms and decoding {1e3 * row.decode_seconds:.1f} ms"
                f" a window, {100 * share:.1f}% of the model's {1e3 * row.forward_seconds:.0f} ms"
            )


def _name(row, with_layer):
    parts = [row.method]
    if row.quality is not None:
        parts.append(f"quality {row.quality}")
    if with_layer:
        parts.append(f"layer {row.layer}")
    return ", ".join(parts)


def _values(row):
    return (
        f"{row.bits_per_token:,.1f}",
        f"{row.bits_per_element:.3f}",
        f"{row.ratio:.2f}",
        _with_error(row.kl, row.kl_stderr, ""),
        _with_error(row.delta_nll, row.delta_nll_stderr, "+"),
        f"{row.perplexity:.2f}",
    )


def _with_error(value, error, sign):
    """0.0207 ± 0.0009, 0.000147 ± 0.000005: three digits of the value at least; 6.0e-08 where there would be zeros alone."""
    size = math.floor(math.log10(abs(value))) if value else 0
    style = f".{max(4, 2 - size)}f" if size >= -4 else ".1e"
    text = f"{value:{sign}{style}}"
    return text if error is None else f"{text} ± {error:{style}}"

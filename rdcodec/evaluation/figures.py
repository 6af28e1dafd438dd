"""The figures of a row as text."""

import math

__all__ = ["COLUMNS", "figures_of", "name_of", "with_error"]

COLUMNS = ("bits/token", "bits/element", "ratio", "KL", "change of NLL", "perplexity")


def name_of(row, with_layer):
    """Method, variant, quality and layer of a row."""
    parts = [row.method, *([row.variant] if row.variant else [])]
    if row.quality is not None:
        parts.append(f"quality {row.quality}")
    if with_layer:
        parts.append(f"layer {row.layer}")
    return ", ".join(parts)


def figures_of(row):
    """Of a row what `COLUMNS` name, as text."""
    return (
        f"{row.bits_per_token:,.1f}",
        f"{row.bits_per_element:.3f}",
        f"{row.ratio:.2f}",
        with_error(row.kl, row.kl_stderr, ""),
        with_error(row.delta_nll, row.delta_nll_stderr, "+"),
        "" if math.isnan(row.perplexity) else f"{row.perplexity:.2f}",
    )


def with_error(value, error, sign):
    """0.0207 ± 0.0009, 0.000147 ± 0.000005: three digits of the value at least; 6.0e-08 where there would be zeros alone."""
    if math.isnan(value):
        return ""
    size = math.floor(math.log10(abs(value))) if value else 0
    style = f".{max(4, 2 - size)}f" if size >= -4 else ".1e"
    text = f"{value:{sign}{style}}"
    return text if error is None else f"{text} ± {error:{style}}"

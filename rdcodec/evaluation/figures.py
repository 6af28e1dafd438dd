"""The figures of a row as text."""

import math

__all__ = ["accuracy_of", "columns_of", "figures_of", "name_of", "octaves", "saved_of", "with_error"]

COLUMNS = ("bits/token", "bits/element", "ratio", "KL", "change of NLL", "perplexity")
COLUMNS_OF_WORDS = ("bits/token", "bits/element", "KL", "change of NLL", "last words right")


def columns_of(rows):
    """Names of what `figures_of` says of rows."""
    return COLUMNS_OF_WORDS if _is_of_words(rows[0]) else COLUMNS


def name_of(row, with_layer):
    """Method, variant, quality and layer of a row."""
    parts = [row.method, *([row.variant] if row.variant else [])]
    if row.quality is not None:
        parts.append(f"quality {row.quality}")
    if with_layer:
        parts.append(f"layer {row.layer}")
    return ", ".join(parts)


def figures_of(row):
    """Of a row what `columns_of` names, as text."""
    rate = f"{row.bits_per_token:,.1f}", f"{row.bits_per_element:.3f}"
    losses = with_error(row.kl, row.kl_stderr, ""), with_error(row.delta_nll, row.delta_nll_stderr, "+")
    if _is_of_words(row):
        return *rate, *losses, accuracy_of(row)
    return *rate, f"{row.ratio:.2f}", *losses, "" if math.isnan(row.perplexity) else f"{row.perplexity:.2f}"


def accuracy_of(row):
    """29.1% (-1.4 ± 2.1%): how often a row is right, and the relative change against the uncompressed model; nothing where nobody knows."""
    if not row.base_accuracy > 0:
        return "" if math.isnan(row.accuracy) else f"{row.accuracy:.1%}"
    change = 100 * (row.accuracy / row.base_accuracy - 1)
    error = row.delta_accuracy_stderr
    return f"{row.accuracy:.1%} ({change:+.1f}{'' if error is None else f' ± {100 * error / row.base_accuracy:.1f}'}%)"


def saved_of(found):
    """-9.1% (-12.0 to -6.5): what is saved, with its interval, of a `Comparison` or a `Gain`; nothing where it is not known."""
    if found.saved is None:
        return ""
    interval = "" if found.interval is None else " ({:+.1f} to {:+.1f})".format(*found.interval)
    return f"{found.saved:+.1f}%{interval}"


def octaves(count):
    """Names of so many octaves of positions: 0, 1-3, 4-7, 8-15 ..."""
    return ["0", "1-3", *(f"{2**i}-{2 ** (i + 1) - 1}" for i in range(2, count))][:count]


def _is_of_words(row):
    return row.predicted == "last words"


def with_error(value, error, sign):
    """0.0207 ± 0.0009, 0.000147 ± 0.000005: three digits of the value at least; 6.0e-08 where there would be zeros alone."""
    if math.isnan(value):
        return ""
    size = math.floor(math.log10(abs(value))) if value else 0
    style = f".{max(4, 2 - size)}f" if size >= -4 else ".1e"
    text = f"{value:{sign}{style}}"
    return text if error is None else f"{text} ± {error:{style}}"

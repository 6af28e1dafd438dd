"""The tables of an evaluation."""

import importlib.util

from rich.table import Table
from rich.text import Text

from rdcodec.cli.output import console, say

__all__ = ["print_comparisons", "print_gains", "print_position_bits", "print_rows", "print_token_rates"]


def print_rows(rows):
    """Print rows, a section a layer, and what they have in common below."""
    from rdcodec.evaluation.figures import columns_of, figures_of, name_of

    table = Table("method", title_justify="left")
    for name in columns_of(rows):
        table.add_column(name, justify="right")
    layers = sorted({row.layer for row in rows})
    for layer in layers:
        for row in rows:
            if row.layer == layer:
                table.add_row(Text(name_of(row, len(layers) > 1)), *figures_of(row))
        table.add_section()
    console().print(table)
    words = rows[0].predicted == "last words"
    say(_common(rows[0], words))
    effects = [effect for row in rows for effect in (row.bits_design_effect, row.kl_design_effect) if effect is not None]
    if effects and not words:
        say(f"errors count neighbouring windows as alike: their squares are 1 to {max(effects):.1f} times those of independent ones")
    for row in rows:
        if row.quality is not None:
            share = (row.encode_seconds + row.decode_seconds) / row.forward_seconds
            say(
                f"{name_of(row, True)}: encoding {1e3 * row.encode_seconds:.1f} ms and decoding {1e3 * row.decode_seconds:.1f} ms"
                f" {'a passage' if words else 'a window'}, {100 * share:.1f}% of the model's {1e3 * row.forward_seconds:.0f} ms"
            )


def _common(row, words):
    if words:
        return (
            f"{row.tokens:,} tokens; losses in nats a word, KL a token, ± one standard error over passages; in brackets the relative change"
            f" against the uncompressed model, which has {row.base_accuracy:.1%} of the words right"
        )
    return (
        f"{row.tokens:,} tokens; losses in nats a token, ± one standard error over windows; ratio to float16;"
        f" perplexity of the uncompressed model {row.base_perplexity:.2f}"
    )


def print_gains(rows):
    """Print what tuning changes at each setting, against the same codec and quality in the untuned model."""
    from rdcodec.evaluation.figures import name_of, saved_of, with_error
    from rdcodec.evaluation.results.tuned import gains

    for gain in gains(rows):
        changes = [
            f"KL {with_error(gain.kl, gain.kl_stderr, '+')}",
            f"accuracy {with_error(gain.accuracy, gain.accuracy_stderr, '+')}",
            f"bits {gain.row.bits_per_token - gain.frozen.bits_per_token:+,.1f} a token",
        ]
        saved = f"; bits {saved_of(gain)} against what the untuned one needs for the same KL" if gain.saved is not None else ""
        say(f"{name_of(gain.row, True)} against untuned, by paired differences: {', '.join(changes)}{saved}")


def print_position_bits(rows):
    """Print bits of tokens by octaves of their position, of rows that know them."""
    from rdcodec.evaluation.figures import name_of, octaves

    known = [row for row in rows if row.position_bits]
    if not known:
        return
    table = Table("bits by position", title_justify="left")
    for name in octaves(max(len(row.position_bits) for row in known)):
        table.add_column(name, justify="right")
    for row in known:
        table.add_row(Text(name_of(row, True)), *(f"{bits:,.0f}" for bits in row.position_bits))
    console().print(table)


def print_token_rates(rates, first):
    """Print what generation takes beside what windows take, of the first window or passage."""
    for found in rates:
        quality = "" if found.setting.quality is None else f", quality {found.setting.quality}"
        say(
            f"{found.setting.method}{quality}, layer {found.setting.layer}: the first {first} takes {found.window_bits:,.0f} bits a token, and"
            f" {sum(found.bits) / len(found.bits):,.0f} in frames of one token, as in generation"
        )


def print_comparisons(rows, reference):
    """Print the rate of each method at its best setting at some losses, and what the reference saves where its package is there."""
    from rdcodec.evaluation.comparison import LOSSES, TARGETS, compare
    from rdcodec.evaluation.figures import saved_of

    if reference is not None and importlib.util.find_spec("bjontegaard") is None:
        say("BD-rates need the package bjontegaard: pip install 'rdcodec[baselines]'", stderr=True)
        reference = None
    table = Table("bits/token at best settings", title_justify="left")
    for target in TARGETS:
        table.add_column(f"KL {target}", justify="right")
    if reference is not None:
        table.add_column(f"bits of {reference} at equal KL", justify="right")
    comparisons = compare(rows, reference)
    several = len({found.layer for found in comparisons}) > 1
    for found in comparisons:
        name = f"{found.method}, layer {found.layer}" if several else found.method
        saved = [] if reference is None else [saved_of(found)]
        table.add_row(Text(name), *("" if rate is None else f"{rate:,.0f}" for rate in found.rates), *saved)
    console().print(table)
    if reference is not None:
        low, high = LOSSES
        say(f"bits at equal KL: BD-rate over {low} to {high} nats a token, 95% interval by resampling blocks of windows")

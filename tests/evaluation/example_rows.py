"""Rows as an evaluation makes them, of values that are easy to find again."""

from rdcodec.evaluation import Row

__all__ = ["ROWS", "row"]


def row(method, layer, quality, rate, kl):
    return Row(method, layer, quality, rate, rate / 576, 9216 / rate, kl, kl / 9, 0.0, None, 20.0, 20.0, 0.5, 0.5, 512, 0.1, 0.1, 1.0)


ROWS = [
    row("transform", 10, 0, 1200, 0.02),
    row("transform", 10, 8, 1700, 0.005),
    row("transform", 20, 0, 1300, 0.03),
    row("int4", 10, None, 2592, 0.04),
    row("MXFP4", 10, None, 2448, 0.045),
    row("fp16", 10, None, 9216, 1e-8),
    row("fp16 + zlib", 10, None, 9200, 1e-8),
    row("step", 20, None, 1500, 0.03),
    row("step", 20, None, 1400, 0.04),
]

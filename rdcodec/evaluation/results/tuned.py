"""Tuned models beside the same codecs in untuned ones, window by window."""

from typing import NamedTuple

import numpy as np

from rdcodec.evaluation.bootstrap import block_interval, block_length, error_of
from rdcodec.evaluation.comparison import rate_at
from rdcodec.evaluation.rows import Row

__all__ = ["Gain", "gains"]


class Gain(NamedTuple):
    """What tuning changes at a setting.

    Attributes
    ----------
    row, frozen : Row
        The tuned one, and that of the same codec and quality in the untuned model.
    kl, kl_stderr : float
        Difference of the KL, and its standard error, from differences of each window.
    accuracy, accuracy_stderr : float
        The same of the accuracy.
    saved, interval : float and tuple of float, or None
        By how many percent the bits are fewer than what the untuned model needs for the KL of the tuned one, and a 95% interval by
        blocks of windows; None where the settings of the untuned model do not reach around it.
    """

    row: Row
    frozen: Row
    kl: float
    kl_stderr: float | None
    accuracy: float
    accuracy_stderr: float | None
    saved: float | None
    interval: tuple | None


def gains(rows):
    """List of `Gain`, one a row of a tuned model whose untuned row is there."""
    found = []
    for row in rows:
        curve = [other for other in rows if (other.method, other.layer) == (row.untuned, row.layer)]
        frozen = next((other for other in curve if other.quality == row.quality), None)
        if frozen is not None:
            found.append(_gain(row, frozen, curve))
    return found


def _gain(row, frozen, curve):
    kl, accuracy = (_differences(getattr(row, name), getattr(frozen, name)) for name in ("window_kl", "window_accuracy"))
    kl_error, accuracy_error = (error_of(values, row.predicted).error for values in (kl, accuracy))
    bits, losses = (np.array([getattr(other, name) for other in curve]) for name in ("window_bits", "window_kl"))
    own_bits, own_kl = np.array(row.window_bits), np.array(row.window_kl)

    def saved(numbers):
        rates, reached, target = bits[:, numbers].mean(axis=1), losses[:, numbers].mean(axis=1), own_kl[numbers].mean()
        rate = rate_at(rates, reached, target) if reached.min() <= target <= reached.max() else None
        return np.nan if rate is None else 100 * (own_bits[numbers].mean() / rate - 1)

    windows = len(own_bits)
    value = saved(np.arange(windows))
    known = np.isfinite(value)
    interval = block_interval(saved, windows, block_length(windows)) if known else None
    return Gain(
        *(row, frozen, float(kl.mean()), kl_error, float(accuracy.mean()), accuracy_error),
        *(float(value) if known else None, interval),
    )


def _differences(values, others):
    """[windows]; nan alone where one was not kept."""
    return np.subtract(values, others) if values and len(values) == len(others) else np.array([np.nan])

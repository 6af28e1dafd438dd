"""What of any codec can be fitted again to states of another text without its model's gradients: components' scales, and all tables."""

import numpy as np

from rdcodec.calibration.references import reference_scale
from rdcodec.calibration.symbols import fit_tables
from rdcodec.calibration.tables import scale_ends
from rdcodec.codecs.costs import COST_LEVELS

__all__ = ["refitted"]

SHIFTS = np.arange(-16, 17)  # grid steps that a component's scale may move by
MOST_WINDOWS = 24
SPAN = (-14, 14)  # qualities around the default that tables are fitted to
PASSES = 2  # the search for scales goes by the tables, which go by the scales


def refitted(codec, windows, report=lambda fraction: None):
    """A codec with components' scales and tables fitted to states; transforms, codewords and networks are those of another one.

    Parameters
    ----------
    codec : TransformCoding
    windows : ndarray
        float32 [windows, tokens, channels]
    report : callable, optional
        Called with a fraction, 0 to 1.

    Returns
    -------
    TransformCoding
        Of the same family, with the same default quality, around which tables are fitted.
    """
    windows = windows[:MOST_WINDOWS]
    qualities = codec.default_quality + np.linspace(*SPAN, len(windows)).round().astype(int)
    qualities = np.clip(qualities, codec.min_quality, codec.max_quality)
    fitted = _moved(codec, _best_shifts(codec, windows, qualities))
    for number in range(PASSES):
        fitted = fit_tables(fitted, windows, qualities, lambda f: report((number + f) / PASSES))
    fitted.default_quality = codec.default_quality
    return fitted


def _best_shifts(codec, windows, qualities):
    """Grid steps [components] by which levels would be coded shortest, all tokens at the tables they begin with."""
    still = type(codec)({**codec.config, "adaptation": 0}, codec.tensors)
    costs, first = still.level_costs(), still.first_level_table
    total = np.zeros((len(SHIFTS), codec.channels), np.int64)
    for window, quality in zip(windows, qualities):
        coded = still.coded_symbols(window, int(quality))
        magnitudes = np.minimum(np.abs(coded.levels), COST_LEVELS - 1)
        table = coded.level_tables.astype(np.int64) - first
        ends = scale_ends(table)
        for row, shift in zip(total, SHIFTS):
            row += costs[np.clip(table + 2 * shift, *ends), magnitudes].sum(axis=0, dtype=np.int64)
    return SHIFTS[total.argmin(axis=0)]


def _moved(codec, shifts):
    tensors = codec.tensors
    tensors["component_scale"] = tensors["component_scale"] + shifts.astype(np.int32)
    if codec.config["references"]:
        tensors["reference_scale"] = reference_scale(tensors["component_scale"], tensors["unit"])
    return type(codec)(codec.config, tensors)

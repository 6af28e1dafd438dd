"""Rows as an evaluation keeps them, of known curves: a codec, one that needs a tenth more, and the first in a tuned model."""

import json

import numpy as np

from rdcodec.evaluation import Row, Rows

__all__ = ["kept", "write_run"]

WINDOWS = 12
RATES = {-16: 200.0, -8: 400.0, 0: 800.0}
CHANNELS = 576


def kept(method, quality, rate=1.0, loss=1.0, layer=10, untuned="", predicted="tokens"):
    """A row at `rate` times the bits and `loss` times the KL of the first codec, whose KL is 8 / bits."""
    noise = 1 + 0.1 * np.random.default_rng(5).standard_normal(WINDOWS)
    bits = RATES[quality] * rate * noise / noise.mean()
    kl = loss * 8 / RATES[quality] * noise / noise.mean()
    right = np.where(np.arange(WINDOWS) < 6, 1.0, 0.0) if loss < 1 else np.where(np.arange(WINDOWS) < 5, 1.0, 0.0)
    return Row(
        *(method, layer, quality, float(bits.mean()), float(bits.mean()) / CHANNELS, 9216 / float(bits.mean())),
        *(float(kl.mean()), float(kl.std()) / 3, float(kl.mean()), float(kl.std()) / 3, 20.0, 19.0, float(right.mean()), 0.5, 512),
        *(0.1, 0.1, 1.0),
        window_bits=bits.tolist(),
        window_kl=kl.tolist(),
        predicted=predicted,
        delta_accuracy_stderr=0.02,
        agreement=1 - float(kl.mean()),
        window_nll=kl.tolist(),
        window_accuracy=right.tolist(),
        position_bits=[900.0, 500.0, 450.0, 400.0] if predicted == "last words" else [],
        untuned=untuned,
    )


def write_run(path, rows, **more):
    """A file as `rdcodec eval --json` writes it."""
    run = {"model": "smollm2-135m", "text": "data/test.txt", "window": 512, "windows": WINDOWS, "frame_tokens": None, **more}
    path.write_text(json.dumps({**run, "rows": Rows(rows).to_dicts()}), encoding="utf-8")
    return path

"""States of which much is known: correlated channels of falling variance, one of them far larger, one token far larger."""

import numpy as np

CHANNELS = 48


def states(tokens, seed=0, channels=CHANNELS):
    """float32 [tokens, channels]"""
    mixing = np.linalg.qr(np.random.default_rng(50).normal(size=(channels, channels)))[0]
    y = np.random.default_rng(seed).normal(size=(tokens, channels)) * np.exp(-np.arange(channels) / 10)
    h = y @ mixing + 0.5
    h[:, 3] *= 20
    return h.astype(np.float32)


def transmitted(codec, h, frame=16):
    """What arrives of h by way of frames, and their bytes."""
    encoder, decoder = codec.encoder(), codec.decoder()
    frames = [encoder.encode(h[i : i + frame]) for i in range(0, len(h), frame)]
    return np.concatenate([decoder.decode(data) for data in frames]), sum(map(len, frames))


def error(codec, h, frame=16):
    """Mean squared error over the mean square of h."""
    return float(np.square(transmitted(codec, h, frame)[0] - h).mean() / np.square(h).mean())

"""Frequency tables of learned codecs, from the symbols that they really code."""

from rdcodec.calibration.symbols import fit_tables, prior_tables
from rdcodec.entropy import FrequencyTables

__all__ = ["LATENT_REACH", "start_tables", "trained_tables"]

LATENT_REACH = 255
PRECISION = 15
PASSES = 2  # the search for scales goes by the tables, which go by the scales


def start_tables(config, tensors, latent_pmf):
    """Tensors with tables before anything was counted.

    Parameters
    ----------
    config, tensors : dict
        Of a `LearnedCodec`.
    latent_pmf : ndarray
        float64 [latents, values], probabilities of hyper-latents from -LATENT_REACH on.
    """
    latents = FrequencyTables.from_pmf(latent_pmf, -LATENT_REACH, precision=PRECISION) if len(latent_pmf) else None
    return prior_tables(config, tensors, latents)


def trained_tables(codec, windows, qualities, report):
    """A codec with tables fitted to windows of hidden states.

    Parameters
    ----------
    codec : LearnedCodec
    windows : ndarray
        float32 [windows, tokens, channels]
    qualities : ndarray
        int [windows]
    report : callable
        Called with a fraction, 0 to 1.
    """
    for number in range(PASSES):
        codec = fit_tables(codec, windows, qualities, lambda f: report((number + f) / PASSES))
    return codec

"""Learned codecs without a training: random networks, codewords and transforms, which code what they code exactly all the same."""

import numpy as np

from rdcodec.net import IntegerNet, Layer
from rdcodec.training.codebook import pack_codebook
from rdcodec.training.export import integer_matrix
from rdcodec.training.tables import LATENT_REACH, start_tables

CODEWORDS, SELECTED, LATENTS, HIDDEN = 12, 32, 4, 24


def layer(rng, outputs, inputs, shift, clip=(-3000, 3000), taps=1, dilation=1):
    return Layer(
        rng.integers(-20, 21, (outputs, taps, inputs)).astype(np.int8),
        rng.integers(-500, 501, outputs).astype(np.int32),
        np.full(outputs, shift, np.uint8),
        np.array(clip, np.int16),
        dilation,
    )


def net(rng, inputs, outputs, shift, taps=1, dilation=1):
    inner = layer(rng, HIDDEN, inputs, 7, (0, 2000), taps, dilation)
    return IntegerNet([inner, layer(rng, outputs, HIDDEN, shift)], 2000)


def parts(family, channels, deviation, seed=5):
    """Config and tensors for states [tokens, channels] of about this deviation, float64 [channels]."""
    rng = np.random.default_rng(seed)
    latents = LATENTS if family.latent_density else 0
    rotation, _ = np.linalg.qr(rng.standard_normal((channels, channels)))
    analysis, analysis_bits = integer_matrix(rotation / deviation[:, None])
    synthesis, synthesis_bits = integer_matrix(rotation.T * deviation)
    prior = np.arange(CODEWORDS, 0, -1) / np.arange(CODEWORDS + 1).sum()
    codewords = rng.normal(0, 1.5, (CODEWORDS, channels))
    seen = channels if family.uses_context else 0
    config = {
        "layer": 1,
        "channels": channels,
        "gain_limit_bits": 9,
        "state_bits": 12,
        "component_bits": 12,
        "analysis_bits": analysis_bits,
        "synthesis_bits": synthesis_bits,
        "inward": [1, 0],
        "zero_scale": 32,
        "scales": 89,
        "latents": latents,
        "emphasis_bits": 14,
        "referred": 20,
        "references": 3,
        "adaptation": 20,
    }
    tensors = {
        "mean": rng.normal(0, 0.1, channels).astype(np.float32),
        "analysis": analysis,
        "synthesis": synthesis,
        "word_prior": np.rint(128 * np.log(prior)).astype(np.int32),
        "word_components": np.arange(0, channels, 2, dtype=np.int32)[:SELECTED],
        "word_code_scale": np.full(min(SELECTED, -(-channels // 2)), 8, np.float32),
        "scale_offsets": np.arange(-8, 13, 4, dtype=np.int32),
        "component_scale": rng.integers(-4, 5, channels).astype(np.int32),
        "component_shape": rng.integers(0, 2, channels).astype(np.uint8),
        "unit": rng.integers(-1, 2, channels).astype(np.int8),
        "reference_scale": rng.integers(500, 3000, channels).astype(np.int32),
        "step_thresholds": np.array([-40, 0, 40], np.int32),
        "step_offsets": np.array([-4, -1, 1, 4], np.int32),
        **net(rng, channels, 1, 9).to_tensors("steps"),
    }
    tensors["emphasis_in"] = rng.integers(-20, 21, (channels, 3)).astype(np.int8)
    tensors["emphasis_out"] = rng.integers(-20, 21, (3, channels)).astype(np.int8)
    side = len(tensors["word_components"]) + 1 + latents
    tensors.update(net(rng, seen + side, 2 * channels, 11, 2 if seen else 1, 2 if seen else 1).to_tensors("predictor"))
    if latents:
        tensors.update(net(rng, channels, latents, 12).to_tensors("latents"))
    tensors["precision"] = np.array(15, np.int64)
    tensors.update(pack_codebook(codewords, np.ones(channels), np.exp2(tensors["unit"].astype(float)), prior))
    pmf = np.exp(-np.abs(np.arange(-LATENT_REACH, LATENT_REACH + 1)) / 9.0)
    return config, start_tables(config, tensors, np.tile(pmf / pmf.sum(), (latents, 1)))


def learned_codec(family, channels, deviation):
    codec = family(*parts(family, channels, deviation))
    codec.default_quality = 16
    return codec

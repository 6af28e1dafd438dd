"""One codec of each family and setting, on data with a few channels far larger than the others."""

from functools import cache

import numpy as np
import pytest
from block_parts import calibrated_codec
from documented import documented_family
from learned_parts import learned_codec

from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.training import FAMILIES

CHANNELS = 70  # no multiple of 32


def deviations(channels):
    scale = np.exp(np.random.default_rng(99).normal(0, 0.5, channels))
    scale[3] = 50
    return scale


def hidden_states(tokens=40, seed=0, channels=CHANNELS):
    return (np.random.default_rng(seed).standard_t(4, (tokens, channels)) * deviations(channels)).astype(np.float32)


def learned(name):
    """Made once: codecs do not change."""
    return cache(lambda: learned_codec(FAMILIES[name], CHANNELS, deviations(CHANNELS)))


CODECS = {
    "fp16": lambda: RawCodec(CHANNELS),
    "bf16": lambda: RawCodec(CHANNELS, "bfloat16"),
    "fp16-zlib": lambda: RawCodec(CHANNELS, "float16", "zlib"),
    "bf16-zstd": lambda: RawCodec(CHANNELS, "bfloat16", "zstd"),
    "int8": lambda: IntegerCodec(CHANNELS, 8),
    "int6": lambda: IntegerCodec(CHANNELS, 6, group=32),
    "int4": lambda: IntegerCodec(CHANNELS, 4, group=32),
    "int3": lambda: IntegerCodec(CHANNELS, 3, group=7),
    "mxfp4": lambda: MXFP4Codec(CHANNELS),
    "documented": lambda: documented_family().fit(hidden_states(2000, seed=1)),
    "global-step": lambda: GlobalStepCodec.fit(hidden_states(2000, seed=1), 0.5),
    "block-transform": cache(lambda: calibrated_codec(deviations(CHANNELS), blocks=True)),
    **{name: learned(name) for name in FAMILIES},
}


@pytest.fixture(params=CODECS)
def codec(request):
    return CODECS[request.param]()


@pytest.fixture(params=[name for name in CODECS if name not in (*FAMILIES, "documented", "block-transform")])
def plain_codec(request):
    """Without a choice of quality, and without a memory of earlier tokens."""
    return CODECS[request.param]()


@pytest.fixture(params=["block-transform", *FAMILIES])
def transform_codec(request):
    """Those that take states to components first."""
    return CODECS[request.param]()


@pytest.fixture
def h():
    return hidden_states()


@pytest.fixture
def states():
    """hidden_states(tokens, seed, channels)"""
    return hidden_states

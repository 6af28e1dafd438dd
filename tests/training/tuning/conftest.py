"""A tiny model, which tuning changes and every test has for itself, and a codec that is coarse enough to mind."""

import copy

import pytest

from rdcodec import calibrate
from rdcodec.training import TuneSettings, tune

LAYER = 1
QUALITY = -28


@pytest.fixture(scope="session")
def codec_of(tokenizer, text):
    """Fits a codec to a model."""

    def fit(model):
        codec = calibrate(model, tokenizer, [text], LAYER, tokens=1000)
        codec.default_quality = QUALITY
        return codec

    return fit


@pytest.fixture(scope="session")
def codec(model, codec_of):
    return codec_of(model)


@pytest.fixture
def fresh(model):
    return copy.deepcopy(model)


@pytest.fixture
def settings():
    """Makes settings of a short training."""

    def make(**changed):
        given = {"steps": 6, "qualities": (QUALITY, QUALITY), "rank": 4, "learning_rate": 1e-3, "validate_every": 4, "checkpoint_every": 2}
        return TuneSettings(**{**given, **changed})

    return make


@pytest.fixture
def run(tokenizer, text, codec, cache, settings):
    """Tunes a model to the codec, with settings that are named, and states that all tests share."""

    def run(model, out, progress=None, resume=False, codec=codec, texts=(text,), layer=None, autocast=False, **changed):
        shared = cache.folder.parent
        return tune(
            *(model, tokenizer, list(texts), codec, settings(**changed), out, layer, shared, autocast),
            progress=progress,
            resume=resume,
        )

    return run

"""One small model on disk and its codec, for all tests; others are made where they are asked for."""

import pytest
import tiny_ends

from rdcodec import load_model


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """Threads only get into each other's way in models as small as these."""


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """Makes a model's folder, once."""
    made = {}

    def folder(name):
        if name not in made:
            made[name] = str(tiny_ends.save(name, tmp_path_factory.mktemp(name)))
        return made[name]

    return folder


@pytest.fixture(scope="session")
def codec_of(folder_of):
    """Calibrates a codec of a model and a layer, once."""
    made = {}

    def codec(name, layer=tiny_ends.LAYER):
        if (name, layer) not in made:
            made[name, layer] = tiny_ends.calibrated(folder_of(name), layer)
        return made[name, layer]

    return codec


@pytest.fixture(scope="session")
def whole_of(folder_of):
    """(model, tokenizer), whole, loaded once."""
    made = {}

    def whole(name):
        if name not in made:
            made[name] = load_model(folder_of(name))
        return made[name]

    return whole

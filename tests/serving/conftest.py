"""One small model on disk and its codec, for all tests; others are made where they are asked for."""

from types import SimpleNamespace

import pytest
import tiny_ends

from rdcodec import load_model
from rdcodec.serving import Connector, Head, Tail, part_of, running_server


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


@pytest.fixture(scope="session")
def ends(whole_of, codec_of):
    """`head`, `tail` and `tokenizer` of one model, which is whole and shared."""
    model, tokenizer = whole_of("llama")
    part = part_of(model, tiny_ends.LAYER, tokenizer)
    return SimpleNamespace(head=Head(part, codec_of("llama")), tail=Tail(part, codec_of("llama")), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def server(ends):
    with running_server(ends.tail) as found:
        yield found


@pytest.fixture
def connector(ends, server):
    return Connector(f"127.0.0.1:{server.port}", ends.head, step_seconds=20, patience_seconds=20)

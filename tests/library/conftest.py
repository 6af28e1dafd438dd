"""The library and its example, once for all tests, and codecs of every family that it loads."""

import ctypes

import pytest
from library_builds import MAKERS, build, install
from linked import Library


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    return install(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def pipe(prefix):
    return build(prefix, prefix / "pipe")


@pytest.fixture(scope="session", params=MAKERS)
def codec(request):
    return MAKERS[request.param]()


@pytest.fixture
def saved(codec, tmp_path):
    """The folder of a codec."""
    codec.save_pretrained(tmp_path / "codec")
    return tmp_path / "codec"


@pytest.fixture(scope="session")
def library(prefix):
    return Library(ctypes.CDLL(str(prefix / "lib" / "librdcodec.so")))

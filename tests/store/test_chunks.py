"""Chunks of arrays that others keep."""

import json

import numpy as np
import pytest

from rdcodec import CodecMismatchError, RdcodecError
from rdcodec.codecs import IntegerCodec, RawCodec


@pytest.fixture
def folder(tmp_path):
    RawCodec(24).save_pretrained(tmp_path / "codec")
    return tmp_path / "codec"


def test_a_codec_of_zarr(folder, states, path):
    zarr = pytest.importorskip("zarr")
    from rdcodec.store.zarr_codec import ZarrCodec

    h = states(700)
    array = zarr.create_array(str(path), shape=h.shape, chunks=(64, 24), dtype="float16", serializer=ZarrCodec(folder), compressors=None)
    array[:] = h
    array[100:130] = h[100:130]
    again = zarr.open_array(str(path), mode="r")
    assert np.array_equal(again[:], h) and np.array_equal(again[60:70, 5], h[60:70, 5])
    IntegerCodec(24, 8).save_pretrained(folder)
    with pytest.raises(CodecMismatchError, match="was coded with codec"):
        from rdcodec.store import chunks

        chunks._codec.cache_clear()
        zarr.open_array(str(path), mode="r")


def test_a_filter_of_numcodecs(folder, states):
    numcodecs = pytest.importorskip("numcodecs")
    from rdcodec.store.numcodecs_filter import NumcodecsFilter

    h = states(60).reshape(3, 20, 24)
    made = NumcodecsFilter(folder, quality=0)
    again = numcodecs.get_codec(json.loads(json.dumps(made.get_config())))
    assert again == made and np.array_equal(again.decode(made.encode(h)), h.reshape(60, 24))
    out = np.empty_like(h)
    again.decode(made.encode(h), out)
    assert np.array_equal(out, h)
    with pytest.raises(RdcodecError, match="quality"):
        NumcodecsFilter(folder, quality=3)

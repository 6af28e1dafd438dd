"""Checkpoints changed at random: the library loads what Python loads, and codes with it alike; all else both refuse."""

import random
import re

import numpy as np
import pytest
from library_builds import MAKERS, states
from linked import LibraryError
from mutated_checkpoints import load_with_its_own_id, mutate, parts_of, write

from rdcodec import RdcodecError

CASES = 60


def loaded_by_python(folder):
    """The codec, whose id is mended where that alone is wrong, or None."""
    try:
        return load_with_its_own_id(folder)
    except RdcodecError:
        return None


@pytest.mark.parametrize("name", MAKERS)
def test_both_load_the_same(library, tmp_path, name):
    kept = 0
    for case in range(CASES):
        mutate(random.Random(f"library.{name}.{case}"), tmp_path, name)
        codec = loaded_by_python(tmp_path)
        if codec is None:
            with pytest.raises(LibraryError) as refused:
                library.load(tmp_path)
            assert re.fullmatch("[ -~]{10,}", str(refused.value)), case
            continue
        kept += 1
        checkpoint, h = library.load(tmp_path), states(4, codec.channels, seed=case)
        assert bytes(checkpoint.facts.codec_id) == codec.codec_id
        frame = codec.encoder().encode(h)
        assert checkpoint.encoder().encode(h) == frame, case
        assert np.array_equal(checkpoint.decoder().decode(frame), codec.decoder().decode(frame)), case
    assert 0 < kept < CASES


@pytest.mark.parametrize(
    "origin",
    [
        {"model_type": "llama", "fingerprint": "0123456789abcdef", "later": [1]},
        *({"model_type": name, "fingerprint": "0" * 16} for name in ("", "x" * 100, "x" * 101, "a b", "a\0b", "é", 7)),
        *({"model_type": "llama", "fingerprint": of} for of in ("0" * 15, "0" * 17, "G" * 16, None)),
        *({"model_type": "llama"}, [], None, "llama"),
    ],
)
def test_both_take_the_same_origins(library, tmp_path, origin):
    parts = parts_of("transform")
    write(parts._replace(config={**parts.config, "origin": origin}), tmp_path)
    codec = loaded_by_python(tmp_path)
    if codec is None:
        with pytest.raises(LibraryError, match="config.json: origin: expected a (model_type|fingerprint) of"):
            library.load(tmp_path)
    else:
        facts = library.load(tmp_path).facts
        assert (facts.model_type.decode(), facts.fingerprint.decode()) == codec.origin

"""Families of one's own: the documented one works, and packages may declare theirs. The contract's tests take it, too."""

import subprocess
import sys

import numpy as np
import pytest
from documented import blocks, documented_family

from rdcodec import CorruptStreamError, RdcodecError


def test_finer_qualities_cost_more_and_err_less():
    h = np.random.default_rng(1).normal(0, np.linspace(0.5, 20, 64), (300, 64)).astype(np.float32)
    codec = documented_family().fit(h)
    streams = [codec.encode(h, quality) for quality in (-8, 0, 8)]
    errors = [np.abs(codec.decode(stream) - h).max() for stream in streams]
    assert sorted(map(len, streams)) == list(map(len, streams)) and sorted(errors, reverse=True) == errors
    with pytest.raises(CorruptStreamError):
        codec.decoder().decode(streams[1][:-9])


def test_checkpoints_are_checked():
    with pytest.raises(RdcodecError, match="tables: expected uint8"):
        documented_family()._from_parts({"channels": 2}, {"tables": np.array([0, 64], np.uint8)})


def test_declared_families_are_found(tmp_path):
    """By a codec's folder, with nothing imported before."""
    codec = documented_family()(np.array([3, 20], np.uint8))
    codec.save_pretrained(tmp_path / "codec")
    (tmp_path / "declared.py").write_text(blocks()[0])
    (tmp_path / "declared-1.dist-info").mkdir()
    (tmp_path / "declared-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 1\n")
    (tmp_path / "declared-1.dist-info" / "entry_points.txt").write_text("[rdcodec.codecs]\nscalar = declared:ScalarCodec\n")
    program = "from rdcodec import Codec; print(type(Codec.from_pretrained('codec')).__module__)"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "declared\n", done.stderr

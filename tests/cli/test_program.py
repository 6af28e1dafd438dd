"""The program itself: what it prints of itself, and modules that it imports."""

import subprocess
import sys

import numpy as np
import pytest

import rdcodec
from rdcodec import RdcodecError
from rdcodec.cli.app import run
from rdcodec.cli.options import check_quality
from rdcodec.codecs import IntegerCodec

NEGATING = """
import numpy as np
from rdcodec.codecs import Codec

class NegatingCodec(Codec):
    family = "negating"

    def _config(self):
        return {"channels": self.channels}

    @classmethod
    def _from_parts(cls, config, tensors):
        return cls(config["channels"])

    def _encode_tokens(self, h, quality, state):
        return (-h).tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        return -np.frombuffer(payload, np.float32).reshape(tokens, self.channels)
"""


def test_without_a_command_it_prints_help(capsys):
    assert run([]) == 0
    assert "calibrate" in capsys.readouterr().out


@pytest.mark.parametrize("command", [(), ("eval",), ("encode",)])
def test_help_is_short_and_long(command, capsys):
    printed = []
    for option in ("-h", "--help"):
        assert run([*command, option]) == 0
        printed.append(capsys.readouterr().out)
    assert "Usage" in printed[0] and printed[0] == printed[1]


def test_version(capsys):
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"rdcodec {rdcodec.__version__}\n"


def test_completion_is_there_for_shells(monkeypatch, capsys):
    monkeypatch.setenv("_RDCODEC_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "rdcodec enc")
    monkeypatch.setenv("COMP_CWORD", "1")
    run([])
    assert capsys.readouterr().out.split() == ["encode"]


def test_families_of_a_module_that_is_imported(tmp_path):
    """In a process of its own, for a family that was imported once is known ever after."""
    (tmp_path / "negating.py").write_text(NEGATING)
    np.save(tmp_path / "h.npy", np.arange(12, dtype=np.float32).reshape(4, 3))
    make = "from negating import NegatingCodec; NegatingCodec(3).save_pretrained('codec')"
    subprocess.run([sys.executable, "-c", make], check=True, cwd=tmp_path)

    def encode(*options):
        command = [sys.executable, "-m", "rdcodec.cli", "encode", "h.npy", "--codec", "codec", "--out", "h.rdc", *options]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    refused = encode()
    assert refused.returncode == 1 and "family 'negating', expected one of" in refused.stderr
    assert encode("--import", "negating").returncode == 0
    missing = encode("--import", "nowhere")
    assert missing.returncode == 1 and missing.stderr == "rdcodec: No module named 'nowhere'\n"


def test_qualities_name_the_codec():
    with pytest.raises(RdcodecError, match=r"^some/where: quality: expected an integer 0 to 0, got 3 \(codec integer\)$"):
        check_quality("some/where", IntegerCodec(3), None, 0, 3)

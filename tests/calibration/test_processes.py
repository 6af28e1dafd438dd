"""Calibration by several processes, each of which runs the model on its share of the text."""

import pytest
from two_processes import run_by_two

from rdcodec import Codec, calibrate

pytestmark = pytest.mark.slow

LAYER = 2
TOKENS = 1000


def test_two_processes_fit_what_one_does(model, tokenizer, text, tmp_path):
    text = text[:20_000]
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    (tmp_path / "text.txt").write_text(text, encoding="utf-8")
    given = ["--model", tmp_path / "model", "--text", tmp_path / "text.txt", "--layer", LAYER, "--tokens", TOKENS]
    printed = run_by_two("-m", "rdcodec.cli", "calibrate", *given, "--out", tmp_path / "codec")
    assert printed.count("fitted to 1,000 tokens") == 1
    one = calibrate(model, tokenizer, text, LAYER, TOKENS)
    assert Codec.from_pretrained(tmp_path / "codec").codec_id == one.codec_id

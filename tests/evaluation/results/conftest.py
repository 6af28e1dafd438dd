"""A folder of rows."""

import pytest
from kept_rows import RATES, kept, write_run


@pytest.fixture
def folder(tmp_path):
    tuned = {"untuned": "context", "loss": 0.5}
    windows = [kept("context", quality) for quality in RATES] + [kept("transform", quality, rate=1.1) for quality in RATES]
    words = [kept("context", quality, predicted="last words") for quality in RATES]
    write_run(tmp_path / "a.json", windows)
    write_run(tmp_path / "b.json", [kept("context, tail tuned", -8, **tuned)])
    passages = {"window": None, "windows": None, "passages": 2000, "frame_tokens": 1}
    write_run(tmp_path / "c.json", [*words, kept("context, tail tuned", -8, predicted="last words", **tuned)], **passages)
    return tmp_path

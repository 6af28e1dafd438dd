"""The Python of documents runs, a document from top to bottom in a folder of its own, some numbers made smaller."""

import copy
import re
import shutil
from functools import cache
from pydoc_data.topics import topics

import pytest
from documents import DOCUMENTS, ROOT, examples_of, text_of

import rdcodec

SMALLER = {"tokens=12_000": "tokens=300", "steps=300": "steps=1, windows=1"}


_load = cache(rdcodec.load_model)


def load_model(name):
    """The model is read from its file once, which takes longer than most examples; each of them has its own."""
    return copy.deepcopy(_load(name))


_calibrate, _codecs = rdcodec.calibrate, {}


def calibrate(model, tokenizer, texts, *, layer, tokens):
    """What README calls and the quick start calls alike is done once."""
    key = tuple(texts), layer, tokens
    if key not in _codecs:
        _codecs[key] = _calibrate(model, tokenizer, texts, layer=layer, tokens=tokens)
    return copy.copy(_codecs[key])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """What examples find: a codec of layer 10 and a text of some windows, under the names that documents use."""
    monkeypatch.setattr(rdcodec, "load_model", load_model)
    monkeypatch.setattr(rdcodec, "calibrate", calibrate)
    shutil.copytree(ROOT / "pretrained", tmp_path / "pretrained")
    shutil.copytree(ROOT / "pretrained/smollm2-135m/layer10/context", tmp_path / "layer10")
    (tmp_path / "TEXT.txt").write_text(topics["specialnames"][:12_000], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(document):
    names = {"__name__": "example"}
    for block in examples_of(document):
        for usual, small in SMALLER.items():
            block = block.replace(usual, small)
        exec(compile(block, document, "exec"), names)
    return names


def quick_start_says_what_it_sends(names, printed, folder):
    assert "The capital of France is" in printed
    assert re.search(r"\d+ bits a token, \d+\.\d times smaller than float16", printed)
    assert names["codec"].layer == 10


def states_come_back(names, printed, folder):
    assert names["back"].shape == names["h"].shape


def a_picture_is_drawn(names, printed, folder):
    assert (folder / "rate-distortion.png").stat().st_size > 10_000


def eight_tokens_came(names, printed, folder):
    assert len(names["tokens"]) == 8 and len(printed.strip()) > 8


CHECKS = {
    "docs/quick-start.md": quick_start_says_what_it_sends,
    "docs/compressing.md": states_come_back,
    "docs/evaluating.md": a_picture_is_drawn,
    "docs/two-machines.md": eight_tokens_came,
}


NEEDED = {"docs/two-machines.md": "grpc", "docs/planning.md": "grpc", "docs/tuning.md": "peft", "docs/evaluating.md": "matplotlib"}


@pytest.mark.usefixtures("packaged_model")
@pytest.mark.parametrize("document", [document for document in DOCUMENTS if examples_of(document)])
def test_examples_run(document, folder, capsys):
    pytest.importorskip(NEEDED.get(document, "numpy"))
    names = run(document)
    if document in CHECKS:
        CHECKS[document](names, capsys.readouterr().out, folder)


@pytest.mark.parametrize("usual", SMALLER)
def test_what_is_made_smaller_is_there(usual):
    assert any(usual in text_of(document) for document in DOCUMENTS)

"""`rdcodec watch`: the text that generation through the codec gives, and the bits that its meter counts."""

import json
import sys

import pytest
import torch

from rdcodec import compress_at
from rdcodec.cli.app import run
from rdcodec.models import load_model

NEW = 6
PROMPT = "The world is"


@pytest.fixture(scope="module")
def expected(model_dir, codec):
    """Text, bytes of the prompt, and bytes of the prompt and all tokens but the last."""
    model, tokenizer = load_model(str(model_dir))
    ids = tokenizer(PROMPT, return_tensors="pt")["input_ids"]
    sizes = []
    for new in (1, NEW):
        with torch.no_grad(), compress_at(model, codec, 8) as meter:
            text = tokenizer.decode(model.generate(ids, max_new_tokens=new, do_sample=False)[0, ids.shape[1] :])
        sizes.append(meter.bytes)
    return text, *sizes


def watch(model_dir, codec_dir, *options):
    return run(["watch", "--model", str(model_dir), "--codec", str(codec_dir), "--quality", "8", "--max-new-tokens", str(NEW), *options])


def test_it_shows_text_and_bits(expected, model_dir, codec_dir, tmp_path, capsys):
    text, prompt_bytes, all_bytes = expected
    assert watch(model_dir, codec_dir, "--prompt", PROMPT, "--json", str(tmp_path / "w.json")) == 0
    printed = capsys.readouterr()
    found = json.loads((tmp_path / "w.json").read_text())
    assert found["text"] == text and text in printed.out
    assert found["prompt_bits_per_token"] == 8 * prompt_bytes / len(PROMPT)
    assert len(found["bits"]) == NEW - 1 and sum(found["bits"]) == 8 * (all_bytes - prompt_bytes)
    assert f"{NEW - 1} tokens" in printed.err and f"{found['bits'][-1]:,} bits" in printed.err
    assert f"{found['bits_per_token']:,.0f} a token, prompt {found['prompt_bits_per_token']:,.0f} |" in printed.err


def test_draws_follow_the_seed(model_dir, codec_dir, monkeypatch, capsys):
    texts = []
    for seed in ("1", "1", "2"):
        assert watch(model_dir, codec_dir, "--prompt", PROMPT, "--temperature", "1", "--seed", seed) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_what_is_refused(model_dir, codec_dir, monkeypatch, capsys):
    assert watch(model_dir, codec_dir, "--prompt", PROMPT, "--chat") == 1
    assert "--chat: the model's tokenizer has no template for chats" in capsys.readouterr().err
    assert watch(model_dir, codec_dir, "--prompt", PROMPT, "--temperature", "-1") == 1
    assert "--temperature: expected 0 to 100, got -1" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "read", lambda: "", raising=False)
    assert watch(model_dir, codec_dir) == 1
    assert "--prompt: expected some text, got none" in capsys.readouterr().err

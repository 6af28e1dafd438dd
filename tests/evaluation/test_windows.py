"""Cutting a text into windows."""

import pytest
import torch

from rdcodec.errors import RdcodecError
from rdcodec.evaluation import cut_text, whole_windows


def tokenizer(text, verbose):
    return {"input_ids": list(text.encode())}


def test_consecutive_windows_and_the_rest():
    measured, rest = cut_text(tokenizer, "abcdefghijklmno", window=2, windows=3)
    assert bytes(measured.flatten().tolist()) == b"abcdef"
    assert measured.shape == (3, 2)
    assert bytes(rest.flatten().tolist()) == b"ghijklmn"


def test_nothing_left():
    assert cut_text(tokenizer, "abcdefg", window=3, windows=2).rest.shape == (0, 3)


@pytest.mark.parametrize(("size", "message"), [((4, 2), "7 tokens"), ((1, 1), "window"), ((2, 0), "windows")])
def test_refused(size, message):
    with pytest.raises(RdcodecError, match=message):
        cut_text(tokenizer, "abcdefg", *size)


def test_whole_windows_cross_no_border():
    rows = whole_windows(tokenizer, ["abcde", "f", "ghij"], window=2)
    assert bytes(rows.flatten().tolist()) == b"abcdghij"
    assert whole_windows(tokenizer, ["a"], window=2).shape == (0, 2)


def test_windows_are_drawn_without_replacement_from_the_whole_text():
    whole = cut_text(tokenizer, "abcdefghijklmnopqrstuvwx", window=2, windows=12).measured
    first = cut_text(tokenizer, "abcdefghijklmnopqrstuvwx", window=2, windows=4, seed=1)
    assert torch.equal(first.measured, cut_text(tokenizer, "abcdefghijklmnopqrstuvwx", window=2, windows=4, seed=1).measured)
    rows = torch.cat(first)
    assert torch.equal(rows[rows[:, 0].argsort()], whole[whole[:, 0].argsort()])
    assert not torch.equal(first.measured, whole[:4]) and (first.rest[1:, 0] > first.rest[:-1, 0]).all()
    where = [cut_text(tokenizer, "abcdefghijklmnopqrstuvwx", window=2, windows=1, seed=seed).measured[0, 0].item() for seed in range(60)]
    assert len(set(where)) > 8


def test_one_string_is_one_text():
    text = "a text of some length " * 4
    windows = whole_windows(tokenizer, text, 4)
    assert len(windows) and torch.equal(windows, whole_windows(tokenizer, [text], 4))

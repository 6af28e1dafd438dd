"""The cache of states: what is in it, and when it is computed again."""

import numpy as np
import pytest
import torch
import transformers

from rdcodec import RdcodecError
from rdcodec.training import StateCache

LAYER = 1
WINDOW = 48


class Interrupted(Exception):
    pass


def folders(path):
    return sorted(entry.name for entry in path.iterdir())


@pytest.fixture
def opened(any_model, tokenizer, text, tmp_path):
    """Opens a cache below tmp_path and tells what was reported while it did: nothing where it was there already."""

    def open_(texts=(text,), layer=LAYER, autocast=False):
        reports = []
        progress = lambda *report: reports.append(report)
        return StateCache.open(tmp_path, any_model, tokenizer, list(texts), layer, autocast, progress), reports

    return open_


def test_states_are_those_of_the_model(opened, any_model, tokenizer, text):
    cache, reports = opened()
    ids = torch.tensor(tokenizer(text)["input_ids"])
    assert len(cache.train) + len(cache.held_out) == len(ids) // WINDOW
    batch = cache.read(np.array([0, 5]))
    assert torch.equal(batch.ids, ids[: len(ids) // WINDOW * WINDOW].view(-1, WINDOW)[[0, 5]])
    with torch.no_grad():
        output = any_model(batch.ids, output_hidden_states=True)
        logits = any_model.get_output_embeddings()(batch.finals)
    assert batch.states.dtype == batch.finals.dtype == torch.float32
    torch.testing.assert_close(batch.states, output.hidden_states[LAYER])
    torch.testing.assert_close(logits, output.logits, rtol=1e-4, atol=1e-4)
    assert reports[-1] == ("states", 1.0) and reports == sorted(reports)


def test_held_out_windows_are_apart_and_always_the_same(opened):
    first, second = opened()[0], opened()[0]
    assert len(first.held_out) == 5  # a sixteenth of 83 windows
    assert sorted([*first.train, *first.held_out]) == list(range(83))
    assert np.array_equal(first.held_out, second.held_out) and np.array_equal(first.train, second.train)


def test_equal_keys_are_computed_once(opened, tmp_path):
    first, _ = opened()
    again, reports = opened()
    assert not reports and again.key == first.key and len(folders(tmp_path)) == 1
    assert torch.equal(again.read(np.arange(3)).states, first.read(np.arange(3)).states)


@pytest.mark.parametrize("change", [{"layer": 2}, {"autocast": True}, {"texts": ("other words " * 40,)}], ids=str)
def test_another_key_is_another_cache(opened, tmp_path, change):
    first, _ = opened()
    other, reports = opened(**change)
    assert reports and other.key != first.key and len(folders(tmp_path)) == 2
    assert not opened()[1]


def test_changed_weights_are_another_cache(opened, any_model):
    opened()
    weight = any_model.get_input_embeddings().weight
    with torch.no_grad():
        weight[7, 3] += 1
        try:
            assert opened()[1]
        finally:
            weight[7, 3] -= 1


def test_what_was_interrupted_leaves_nothing(any_model, tokenizer, text, tmp_path):
    def interrupt(stage, fraction):
        if fraction > 0.5:
            raise Interrupted

    with pytest.raises(Interrupted):
        StateCache.open(tmp_path, any_model, tokenizer, [text], LAYER, progress=interrupt)
    assert not folders(tmp_path)


def test_an_incomplete_folder_is_computed_again(opened, tmp_path):
    whole = opened()[0].read(np.arange(83)).states
    (folder,) = tmp_path.iterdir()
    (folder / "key.json").unlink()
    (folder / "states.npy").write_bytes(b"half")
    cache, reports = opened()
    assert reports and torch.equal(cache.read(np.arange(83)).states, whole)


def test_autocast_is_nearly_the_same(opened):
    exact, cast = opened()[0].read(np.arange(4)), opened(autocast=True)[0].read(np.arange(4))
    assert cast.finals.dtype == torch.float32
    for a, b in ((exact.states, cast.states), (exact.finals, cast.finals)):
        assert 0 < (a - b).norm() / a.norm() < 0.05


def test_the_model_is_as_it_was(any_model, tokenizer, text, tmp_path):
    any_model.train()
    try:
        StateCache.open(tmp_path, any_model, tokenizer, [text], LAYER)
        assert any_model.training and all(parameter.requires_grad for parameter in any_model.parameters())
    finally:
        any_model.eval()


def test_short_texts_are_refused(opened):
    with pytest.raises(RdcodecError, match="texts: expected at least 2 windows of 48 tokens, they make 1"):
        opened(texts=("x" * 60,))


def test_a_model_without_output_head_is_refused(any_model, tokenizer, text, tmp_path):
    headless = any_model.base_model
    assert isinstance(headless, transformers.PreTrainedModel)
    with pytest.raises(RdcodecError, match="has no output head"):
        StateCache.open(tmp_path, headless, tokenizer, [text], LAYER)

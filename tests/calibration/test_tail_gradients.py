"""Gradients through the tail of a model, at once and block by block."""

import pytest
import torch

from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.splits import head_states

LAYER = 1


class Kept:
    """A tensor that PyTorch keeps for a gradient, counted as long as it does."""

    bytes = most = 0

    def __init__(self, tensor):
        self.tensor = tensor
        Kept.bytes += tensor.nbytes
        Kept.most = max(Kept.most, Kept.bytes)

    def __del__(self):
        Kept.bytes -= self.tensor.nbytes


def gradients_and_most_kept(model, h):
    Kept.bytes = Kept.most = 0
    with torch.autograd.graph.saved_tensors_hooks(Kept, lambda kept: kept.tensor):
        gradients = sampled_gradients(model, LAYER, h, 2, torch.Generator().manual_seed(0))
    return gradients, Kept.most


@pytest.fixture
def h(model, tokenizer, text):
    ids = torch.tensor(tokenizer(text[50_000:50_200])["input_ids"]).view(2, 100)
    return head_states(model, LAYER, ids)


def test_block_by_block_they_are_the_same_and_take_the_memory_of_one(model, h, monkeypatch):
    at_once, kept = gradients_and_most_kept(model, h)
    monkeypatch.setattr("rdcodec.calibration.tail_gradients.MOST_KEPT", 0)
    by_blocks, kept_by_blocks = gradients_and_most_kept(model, h)
    assert torch.equal(by_blocks, at_once)
    assert kept_by_blocks < 0.6 * kept  # of three blocks


def test_of_a_model_of_sixteen_bits(model, h, most_kept):
    twin = type(model)(model.config).eval()
    twin.load_state_dict(model.state_dict())
    gradients = sampled_gradients(twin.bfloat16(), LAYER, h.bfloat16(), 2, torch.Generator().manual_seed(0))
    assert gradients.dtype == torch.float32 and gradients.isfinite().all() and gradients.abs().amax() > 0

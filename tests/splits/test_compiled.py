"""Compiled code passes hooks by: it is refused by name, and nothing goes by uncoded without a word."""

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.splits import compress_at, head_states, run_tail


@pytest.fixture(autouse=True)
def fresh():
    torch.compiler.reset()
    yield
    torch.compiler.reset()


@pytest.fixture
def model(tiny):
    return tiny.build("llama")


def ran(model, ids):
    with torch.no_grad():
        return model(ids).logits


def compiled(module):
    return torch.compile(module, backend="eager")


def compile_whole(model):
    return compiled(model)


def compile_base(model):
    model.model = compiled(model.model)
    return model


def compile_a_block(model):
    model.model.layers[1] = compiled(model.model.layers[1])
    return model


def compile_in_place(model):
    model.compile(backend="eager")
    return model


def compile_forward(model):
    model.forward = compiled(model.forward)
    return model


WAYS = [compile_whole, compile_base, compile_a_block, compile_in_place, compile_forward]


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True])
@pytest.mark.parametrize("way", WAYS)
def test_compiled_models_are_refused_at_entry(tiny, model, trail, way, before):
    ids = tiny.inputs(model)
    h = head_states(model, 2, ids)
    model = way(model)
    if before:
        ran(model, ids)
    for use in (
        lambda: compress_at(model, trail, layer=2).__enter__(),
        lambda: head_states(model, 2, ids),
        lambda: run_tail(model, 2, h),
    ):
        with pytest.raises(RdcodecError, match="model: .* is compiled by torch.compile, .*_orig_mod"):
            use()
    assert not trail.log


@pytest.mark.slow
@pytest.mark.parametrize("before", [False, True])
def test_calls_of_compiled_code_are_refused(tiny, model, trail, before):
    """The model is not compiled, but a wrapper of it, which is called while the context is open."""
    ids = tiny.inputs(model)
    plain = ran(model, ids)
    wrapper, base = compiled(model), compiled(model.model)
    if before:
        ran(wrapper, ids)
        with torch.no_grad():
            base(ids)
    with compress_at(model, trail, layer=2) as meter:
        for call in (wrapper, base):
            with pytest.raises(RdcodecError, match="this call of Llama.* is compiled by torch.compile"), torch.no_grad():
                call(ids)
        assert not trail.log
        assert torch.equal(ran(model, ids), plain)
    assert meter.tokens == 22
    torch.testing.assert_close(ran(wrapper, ids), plain)


def test_a_pass_that_went_by_the_block_is_an_error(tiny, model, trail):
    ids = tiny.inputs(model)
    before = tiny.trace(model)
    with pytest.raises(RdcodecError, match="LlamaModel ran without block 3: a pass was not coded"), compress_at(model, trail, layer=3):
        ran(model, ids)
        model.model.config.num_hidden_layers = 2  # transformers runs as many
        ran(model, ids)
    assert tiny.trace(model) == before


def test_other_errors_come_first(tiny, model, trail):
    model.model.config.num_hidden_layers = 2
    with pytest.raises(ZeroDivisionError), compress_at(model, trail, layer=3):
        ran(model, tiny.inputs(model))
        raise ZeroDivisionError


def test_parts_that_do_not_reach_the_block_are_none(tiny, model, trail):
    ids = tiny.inputs(model)
    with compress_at(model, trail, layer=2) as meter:
        h = head_states(model, 1, ids)
        run_tail(model, 3, head_states(model, 2, ids))
        assert meter.tokens == 0
        run_tail(model, 1, h)
        run_tail(model, 2, h)
    assert meter.tokens == 2 * 22


def test_blocks_run_outside_of_the_model(tiny, model, trail):
    h = torch.zeros(1, 3, tiny.channels)
    positions = model.model.rotary_emb(h, torch.arange(3)[None])
    with pytest.raises(RdcodecError, match="block 2 ran, but not within the model"), compress_at(model, trail, layer=2), torch.no_grad():
        model.model.layers[2](h, position_embeddings=positions)


def test_gradient_checkpointing_is_refused(tiny, model, trail):
    ids = tiny.inputs(model)
    model.gradient_checkpointing_enable()
    with compress_at(model, trail, layer=2) as meter:
        ran(model, ids)
        assert meter.tokens == 22
        model.train()
        with pytest.raises(RdcodecError, match="model: gradient checkpointing would send every state twice"):
            model(ids)
    assert len(trail.log) == 2

"""Running either part of a model is running the model."""

import copy
import pickle

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.splits import find_site, head_states, known_architectures, register_split, run_tail
from rdcodec.splits.hooks import before, skipped


def output_of(model, inputs, **kwargs):
    with torch.no_grad():
        return model(inputs, **kwargs).logits


def padded(inputs):
    mask = torch.ones(inputs.shape, dtype=torch.long)
    mask[0, :4] = 0
    mask[1, -3:] = 0
    return mask


@pytest.mark.parametrize("layer", range(4))
def test_head_and_tail_are_the_model(tiny, model, layer):
    inputs = tiny.inputs(model)
    h = head_states(model, layer, inputs)
    assert h.shape[0] == 2 and h.shape[2] == tiny.channels
    with torch.no_grad():
        assert torch.equal(run_tail(model, layer, h), output_of(model, inputs))


@pytest.mark.parametrize("layer", range(4))
def test_head_states_are_the_hidden_states_of_hugging_face(tiny, model, layer):
    if model.config.model_type == "resnet":
        pytest.skip("hidden states are counted by stages, see test_feature_maps.py")
    inputs = tiny.inputs(model)
    with torch.no_grad():
        states = model(inputs, output_hidden_states=True).hidden_states
    assert torch.equal(head_states(model, layer, inputs), states[layer])


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["deepcopy", "pickle"])
def test_copies_made_within_a_part_are_the_whole_model(tiny, model, duplicate):
    """The forward of a block that is skipped, and a hook where the tail begins, stand in the model for a time only."""
    inputs, site = tiny.inputs(model), find_site(model, 2)
    plain = output_of(model, inputs)
    with skipped(site.blocks[:2]), before(site.block, lambda *_: pytest.fail("a hook acts in a copy")):
        twin = duplicate(model)
    assert torch.equal(output_of(twin, inputs), plain)
    assert torch.equal(output_of(copy.deepcopy(twin), inputs), plain)


def test_padding_reaches_both_parts(tiny, model):
    if model.main_input_name != "input_ids":
        pytest.skip("images have no padding")
    inputs = tiny.inputs(model)
    mask = padded(inputs)
    with torch.no_grad():
        parts = run_tail(model, 2, head_states(model, 2, inputs, mask), mask)
    whole = output_of(model, inputs, attention_mask=mask)
    assert torch.equal(parts, whole)
    assert not torch.allclose(whole, output_of(model, inputs), atol=1e-3)


def test_the_tail_is_differentiable(tiny, model):
    h = head_states(model, 1, tiny.inputs(model)).requires_grad_()
    (gradient,) = torch.autograd.grad(run_tail(model, 1, h).square().sum(), h)
    step = 1e-3 * gradient / gradient.norm()
    with torch.no_grad():
        rise = run_tail(model, 1, h + step).double().square().sum() - run_tail(model, 1, h - step).double().square().sum()
    torch.testing.assert_close(rise, 2 * (step * gradient).double().sum(), rtol=2e-2, atol=0)


def test_the_tail_depends_on_nothing_but_h(tiny, model):
    h = head_states(model, 2, tiny.inputs(model))
    with torch.no_grad():
        before = run_tail(model, 2, h)
        for block in find_site(model, 2).blocks[:2]:
            for parameter in block.parameters():
                parameter.fill_(float("nan"))
        assert torch.equal(run_tail(model, 2, h), before)


def test_models_without_head_give_the_last_hidden_state(tiny, model):
    base, inputs = model.base_model, tiny.inputs(model)
    h = head_states(base, 2, inputs)
    with torch.no_grad():
        assert torch.equal(run_tail(base, 2, h), base(inputs).last_hidden_state)


def test_further_arguments_are_passed_on(tiny):
    model = tiny.build("gpt2")
    inputs, later = tiny.inputs(model), {"position_ids": torch.arange(11)[None] + 20}
    h = head_states(model, 2, inputs, **later)
    with torch.no_grad():
        tail = run_tail(model, 2, h, **later, logits_to_keep=3)
    whole = output_of(model, inputs, **later)
    torch.testing.assert_close(tail, whole[:, -3:])
    assert not torch.allclose(whole, output_of(model, inputs), atol=1e-3)


def test_parts_leave_the_model_untouched(tiny, model):
    traces = [tiny.trace(model)]
    inputs = tiny.inputs(model)
    h = head_states(model, 3, inputs)
    run_tail(model, 3, h)
    with pytest.raises(RdcodecError, match=r"h: expected shape|h: expected \[batch"):
        run_tail(model, 3, torch.zeros(2, 7, tiny.channels) if model.main_input_name == "pixel_values" else h[..., :-1])
    with pytest.raises((TypeError, AttributeError)):
        head_states(model, 3, object())
    traces.append(tiny.trace(model))
    assert traces[0] == traces[1]


@pytest.mark.parametrize("layer", [-1, 5])
def test_layer_out_of_range(tiny, layer):
    model = tiny.build("gpt2")
    with pytest.raises(RdcodecError, match=f"layer: expected 0 to 4, got {layer}"):
        head_states(model, layer, tiny.inputs(model))


def test_wrong_channels(tiny):
    with pytest.raises(RdcodecError, match=r"h: expected \[batch, tokens, 64\], got shape \(1, 5, 63\)"):
        run_tail(tiny.build("gpt2"), 1, torch.zeros(1, 5, 63))


def test_unknown_architecture_says_what_is_known_and_how_to_register(tiny):
    model = tiny.build("llama")
    model.config.model_type = "unheard_of"
    with pytest.raises(RdcodecError, match=r"'unheard_of' is unknown; known are bart, .*bert, .*qwen3.*register_split"):
        find_site(model, 0)
    register_split("unheard_of", ("nowhere", "layers"))
    assert "unheard_of" in known_architectures()
    assert find_site(model, 1).block is model.model.layers[1]
    register_split("unheard_of", "nowhere")
    with pytest.raises(RdcodecError, match="LlamaModel has no blocks at nowhere"):
        find_site(model, 0)


def test_what_is_no_model():
    with pytest.raises(RdcodecError, match="architecture None is unknown"):
        find_site(torch.nn.Linear(2, 2), 0)

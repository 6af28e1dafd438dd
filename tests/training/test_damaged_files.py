"""What a training reads again, damaged: refused with its path, and the module is as it was."""

import copy
import dataclasses
import json
import shutil

import numpy as np
import pytest
import torch
from noisy_quantiser import NoisyQuantiser

from rdcodec import RdcodecError
from rdcodec.training import Settings, StateCache, train
from rdcodec.training.closed_form import _FIELDS, fit_closed_form
from rdcodec.training.recipe import _read_tradeoff

CHANNELS = 32
LAYER = 1
SETTINGS = Settings(steps=4, lambda0=1e-3, qualities=(-4, 4), learning_rate=0.05, validate_every=4, checkpoint_every=2)


@pytest.fixture(scope="module")
def whole(cache, distortion, tmp_path_factory):
    """Bytes of a checkpoint."""
    out = tmp_path_factory.mktemp("whole")
    train(NoisyQuantiser(CHANNELS), cache, distortion, SETTINGS, out)
    return (out / "checkpoint.pt").read_bytes()


@pytest.fixture
def resume(cache, distortion, tmp_path, whole):
    """resume(change): goes on from a checkpoint, the dict of whose entries was changed."""

    def resume(change, settings=SETTINGS):
        path = tmp_path / "checkpoint.pt"
        path.write_bytes(whole)
        changed = change(torch.load(path, weights_only=True))
        torch.save(changed, path)
        return refused(path, cache, distortion, settings)

    return resume


def refused(path, cache, distortion, settings=SETTINGS):
    """What is said of a checkpoint."""
    module = NoisyQuantiser(CHANNELS)
    before = copy.deepcopy(module.state_dict())
    with pytest.raises(RdcodecError) as refusal:
        train(module, cache, distortion, settings, path.parent, resume=True)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    text = str(refusal.value)
    assert text.isprintable() and len(text) < 800
    return text


def test_bytes_changed_at_random(cache, distortion, whole, tmp_path):
    """Cut, changed, or of another kind; what is still whole, for no checksum sees all, is resumed from."""
    rng = np.random.default_rng(0)
    path, seen = tmp_path / "checkpoint.pt", 0
    changes = [whole[: rng.integers(len(whole))] for _ in range(20)]
    changes += [b"PK\x03\x04" + whole[:50], whole[::-1], b"\x80\x02c", b"\x80\x05" * 9]
    for _ in range(60):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), rng.choice([1, 5, 50])):
            data[at] = rng.integers(256)
        changes.append(bytes(data))
    for data in changes:
        path.write_bytes(data)
        try:
            train(NoisyQuantiser(CHANNELS), cache, distortion, SETTINGS, tmp_path, resume=True)
        except RdcodecError as error:
            seen += 1
            assert str(path) in str(error) or str(error).startswith("module: the checkpoint is of another one")
    assert seen > 40


@pytest.mark.parametrize("name", ["run", "step", "steps", "module", "optimizer"])
@pytest.mark.parametrize("value", [None, True, "x" * 999, 2.0, [], torch.zeros(3)], ids=["none", "true", "str", "float", "list", "tensor"])
def test_entries_of_other_types(resume, name, value):
    assert f"got one whose {name} is no " in resume(lambda checkpoint: {**checkpoint, name: value})


def test_no_entries(resume):
    for value in ([], None, 7, torch.zeros(2), {}):
        assert "got one whose run is no dict" in resume(lambda checkpoint: value)


@pytest.mark.parametrize(("step", "steps"), [(-1, 4), (5, 4), (0, 0), (4, 5), (10**30, 10**30)])
def test_steps_that_are_none(resume, step, steps):
    said = resume(lambda checkpoint: {**checkpoint, "step": step, "steps": steps})
    assert f"expected a step of 4, got {step} of {steps}" in said


@pytest.mark.parametrize("value", [None, "1e-3", torch.zeros(2), float("nan"), [1e-3], {"a": 1}])
def test_runs_of_other_values(resume, value):
    assert "made with lambda0=" in resume(lambda checkpoint: {**checkpoint, "run": {**checkpoint["run"], "lambda0": value}})


def test_runs_of_other_names(resume):
    assert "made with 'x\\x1b'='y\\n', to be resumed with None" in resume(
        lambda checkpoint: {**checkpoint, "run": {**checkpoint["run"], "x\x1b": "y\n"}}
    )
    said = resume(lambda checkpoint: {**checkpoint, "run": {**checkpoint["run"], "qualities": [-4, 4]}})
    assert "made with qualities=a list of 2" in said


def with_module(name, value):
    return lambda checkpoint: {**checkpoint, "module": {**checkpoint["module"], name: value}}


def with_optimizer(change):
    def changed(checkpoint):
        change(checkpoint["optimizer"])
        return checkpoint

    return changed


DAMAGED = {
    "a weight of another shape": with_module("log_step", torch.zeros(3)),
    "a weight that is none": with_module("log_step", "x"),
    "a weight that is not finite": with_module("log_step", torch.full((CHANNELS,), float("nan"))),
    "another weight": with_module("log_steps", torch.zeros(3)),
    "no groups": with_optimizer(lambda optimizer: optimizer.pop("param_groups")),
    "no state": with_optimizer(lambda optimizer: optimizer.pop("state")),
    "groups of another type": with_optimizer(lambda optimizer: optimizer.update(param_groups=7)),
    "fewer groups": with_optimizer(lambda optimizer: optimizer["param_groups"].pop()),
    "betas": with_optimizer(lambda optimizer: optimizer["param_groups"][0].update(betas="x")),
    "weight decay": with_optimizer(lambda optimizer: optimizer["param_groups"][0].update(weight_decay=1e9)),
    "a further setting": with_optimizer(lambda optimizer: optimizer["param_groups"][0].update(hint=1)),
    "moments of another shape": with_optimizer(lambda optimizer: optimizer["state"][0].update(exp_avg=torch.zeros(3))),
    "moments that are none": with_optimizer(lambda optimizer: optimizer["state"][0].update(exp_avg="x")),
    "moments that are not finite": with_optimizer(lambda optimizer: optimizer["state"][1]["exp_avg_sq"].fill_(float("inf"))),
    "no moments": with_optimizer(lambda optimizer: optimizer["state"][0].pop("exp_avg")),
    "a step that is none": with_optimizer(lambda optimizer: optimizer["state"][0].update(step=torch.tensor(float("nan")))),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_modules_and_optimizers_of_another_kind(resume, name):
    assert "module: the checkpoint is of another one: " in resume(DAMAGED[name])


def test_minutes_may_make_any_number_of_steps(resume):
    settings = dataclasses.replace(SETTINGS, steps=None, minutes=1.0)
    assert "made with steps=4, to be resumed with None" in resume(lambda checkpoint: checkpoint, settings)


# ---- states, closed forms and tradeoff


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("states.npy", b""),
        ("states.npy", b"half"),
        ("finals.npy", lambda data: data[:-1]),
        ("finals.npy", lambda data: data.replace(b"<f4", b"<f2")),
        ("ids.npy", lambda data: data.replace(b"<i8", b"<f8")),
        ("ids.npy", lambda data: data.replace(b"(", b"(9")),
    ],
)
def test_states_that_are_damaged(model, tokenizer, text, cache, tmp_path, file, data):
    shutil.copytree(cache.folder, tmp_path / cache.folder.name)
    path = tmp_path / cache.folder.name / file
    path.write_bytes(data(path.read_bytes()) if callable(data) else data)
    with pytest.raises(RdcodecError, match=f"{cache.folder.name}: damaged states, to be computed again when the folder is gone: "):
        StateCache.open(tmp_path, model, tokenizer, [text], LAYER)


def test_states_that_are_not_all_there(model, tokenizer, text, cache, tmp_path):
    shutil.copytree(cache.folder, tmp_path / cache.folder.name)
    (tmp_path / cache.folder.name / "finals.npy").unlink()
    with pytest.raises(RdcodecError, match="damaged states"):
        StateCache.open(tmp_path, model, tokenizer, [text], LAYER)


def test_a_log_that_is_damaged_is_gone_on_with(module, cache, distortion, tmp_path):
    """A run that lost its power left half a line, or bytes that are none."""
    train(module, cache, distortion, SETTINGS, tmp_path)
    path = tmp_path / "log.jsonl"
    whole = path.read_bytes()
    for damaged in (b"\xff\x00\n", b"[" * 100_000 + b"\n", b"7\n", b'{"step": "1"}\n', b'{"step": 1'):
        path.write_bytes(whole + damaged)
        train(NoisyQuantiser(CHANNELS), cache, distortion, SETTINGS, tmp_path, resume=True)
        steps = [json.loads(line)["step"] for line in path.read_text().splitlines()]
        assert steps == [json.loads(line)["step"] for line in whole.decode().splitlines()]


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"x" * 99, "an array", "no config", "no tensors"])
def test_closed_forms_that_are_damaged(model, tokenizer, text, cache, tmp_path, data):
    shutil.copytree(cache.folder, tmp_path / cache.folder.name)
    path = tmp_path / cache.folder.name / "front.npz"
    if data == "an array":
        np.save(open(path, "wb"), np.zeros(3))
    elif data == "no config":
        np.savez(path, mean=np.zeros(3))
    elif data == "no tensors":
        config = {**dict.fromkeys(_FIELDS, 1), "inward": [0, 0]}
        np.savez(path, config=json.dumps(config), mean=np.zeros(1, np.float32))
    else:
        path.write_bytes(data)
    with pytest.raises(RdcodecError, match="front.npz: damaged, to be fitted again when it is gone: "):
        fit_closed_form(model, LAYER, StateCache.open(tmp_path, model, tokenizer, [text], LAYER))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"[]",
        b"{}",
        b'{"lambda0": "1", "slope": 1}',
        b'{"lambda0": NaN, "slope": 1}',
        b'{"lambda0": 1, "slope": 0}',
    ],
)
def test_a_tradeoff_that_is_damaged(tmp_path, data):
    path = tmp_path / "tradeoff.json"
    path.write_bytes(data)
    with pytest.raises(RdcodecError, match="tradeoff.json: damaged, to be measured again when it is gone: "):
        _read_tradeoff(path)
    path.write_text(json.dumps({"lambda0": 1e-4, "slope": 0.25}))
    assert _read_tradeoff(path) == (1e-4, 0.25)

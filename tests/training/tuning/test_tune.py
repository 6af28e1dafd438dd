"""Tuning: it helps, it stops and goes on without a trace, and what it is not meant to change stays."""

import copy
import json

import pytest
import torch

from rdcodec import RdcodecError
from rdcodec.splits import compress_at, find_site, head_states
from rdcodec.training import tuning

pytest.importorskip("peft")

pytestmark = pytest.mark.slow

LAYER = 1
CHOICES = [
    {"part": "tail"},
    {"part": "head", "lambda_rate": 1e-4},
    {"part": "both", "lambda_rate": 1e-4},
    {"part": "tail", "method": "full"},
    {"part": "both", "method": "full"},
]


class Interrupted(Exception):
    pass


def interrupt_after(step, steps):
    def progress(stage, fraction, figures=""):
        if stage == "training" and fraction >= step / steps:
            raise Interrupted

    return progress


def log_of(out):
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in entries]


def logits_of(model, codec, ids):
    with torch.no_grad(), compress_at(model, codec, layer=LAYER) as meter:
        return model(input_ids=ids).logits, meter.bytes


@pytest.fixture
def ids(cache):
    return cache.read(cache.held_out[:2]).ids


@pytest.mark.parametrize("chosen", CHOICES, ids=lambda chosen: "-".join(map(str, chosen.values())))
def test_the_distortion_falls(fresh, run, tmp_path, chosen):
    tuned = run(fresh, tmp_path, steps=40, **chosen)
    (before,), (after,) = tuned.before, tuned.after
    assert after.distortion < 0.9 * before.distortion
    if chosen["part"] == "tail":
        assert after.bits_per_token == before.bits_per_token
    assert not tuned.model.training


def test_what_is_measured_is_what_the_model_does(model, fresh, run, codec, cache, tmp_path):
    """Held-out figures of the loop, beside the model in `compress_at`."""
    tuned = run(fresh, tmp_path, part="both", lambda_rate=1e-4)
    kl, size, tokens = 0.0, 0, 0
    for ids in cache.read(cache.held_out).ids[:, None]:
        with torch.no_grad():
            p = torch.log_softmax(model(ids).logits, -1)
        coded, bytes_sent = logits_of(tuned.model, tuned.codec, ids)
        kl += float((p.exp() * (p - torch.log_softmax(coded, -1))).sum(-1).mean())
        size, tokens = size + bytes_sent, tokens + ids.numel()
    (after,) = tuned.after
    assert after.distortion == pytest.approx(kl / len(cache.held_out), rel=1e-4)
    assert after.bits_per_token == pytest.approx(8 * size / tokens, rel=1e-6)


def test_cross_entropy_is_held_against_the_untuned_model(model, fresh, run, cache, tmp_path):
    tuned = run(fresh, tmp_path, kind="cross-entropy")
    ids = cache.read(cache.held_out).ids
    nll = []
    for one in (lambda: model(ids).logits, lambda: logits_of(tuned.model, tuned.codec, ids)[0]):
        with torch.no_grad():
            nll.append(torch.nn.functional.cross_entropy(one()[:, :-1].flatten(0, 1), ids[:, 1:].flatten()))
    assert tuned.after[0].distortion == pytest.approx(float(nll[1] - nll[0]), rel=1e-3)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_other_weights_stay(model, fresh, run, tmp_path, method):
    tuned = run(fresh, tmp_path, method=method)
    blocks = [f"model.layers.{i}." for i in range(LAYER, 3)]
    site = find_site(tuned.model, LAYER)
    after = {name.replace("base_layer.", ""): weight for name, weight in site.model.state_dict().items()}
    changed = {name for name, weight in model.state_dict().items() if not torch.equal(weight, after[name])}
    assert all(name.startswith(tuple(blocks)) for name in changed)
    assert bool(changed) == (method == "full")


def test_the_rate_falls_where_a_bit_is_worth_much(model, run, tmp_path):
    rates = []
    for i, lambda_rate in enumerate((0.0, 1e-1)):
        chosen = {"part": "head", "lambda_rate": lambda_rate, "qualities": (0, 0), "learning_rate": 1e-2}
        tuned = run(copy.deepcopy(model), tmp_path / str(i), steps=40, **chosen)
        rates.append(tuned.after[0].bits_per_token)
    assert rates[1] < 0.96 * tuned.before[0].bits_per_token < tuned.before[0].bits_per_token < rates[0]


@pytest.mark.parametrize("chosen", CHOICES[:1] + CHOICES[2:4], ids=lambda chosen: "-".join(map(str, chosen.values())))
def test_resumed_is_as_uninterrupted(model, run, ids, tmp_path, chosen):
    through = run(copy.deepcopy(model), tmp_path / "a", **chosen)
    interrupted = copy.deepcopy(model)
    with pytest.raises(Interrupted):
        run(interrupted, tmp_path / "b", interrupt_after(3, 6), **chosen)
    torch.rand(7)  # the state of PyTorch's generator is of no account
    resumed = run(copy.deepcopy(model), tmp_path / "b", resume=True, **chosen)
    assert resumed.after == through.after and resumed.before == through.before
    for name, value in through.model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[name]), name
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


def test_after_an_error_there_are_no_adapters(model, fresh, run, tmp_path):
    with pytest.raises(Interrupted):
        run(fresh, tmp_path, interrupt_after(3, 6))
    assert fresh.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in fresh.parameters())
    assert vars(fresh).keys() == vars(model).keys()


def test_checkpoints_of_other_runs_are_refused(model, fresh, run, tmp_path):
    run(fresh, tmp_path)
    with pytest.raises(RdcodecError, match="checkpoint.pt exists; resume from it"):
        run(copy.deepcopy(model), tmp_path)
    with pytest.raises(RdcodecError, match="made with rank=4, to be resumed with 2"):
        run(copy.deepcopy(model), tmp_path, resume=True, rank=2)


@pytest.mark.parametrize(
    ("factor", "message"),
    [(float("nan"), "diverged at step 4: loss nan"), (1e4, r"diverged at step 12: [\d.e+]+ nats, after a median of")],
    ids=["no number", "explosion"],
)
def test_divergence_stops_and_keeps_the_checkpoint(model, fresh, run, tmp_path, monkeypatch, factor, message):
    calls = []

    def spoilt(module, batch, quality):
        distortion, bits = module(batch, quality)
        calls.append(torch.is_grad_enabled())
        late = sum(calls) > (4 if factor != factor else 8)
        return (distortion * factor, bits) if late else (distortion, bits)

    monkeypatch.setattr(tuning.run, "_measure", spoilt)
    with pytest.raises(RdcodecError, match=message):
        run(fresh, tmp_path, steps=30, checkpoint_every=1)
    assert fresh.state_dict().keys() == model.state_dict().keys()
    checkpoint = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert checkpoint["step"] == (4 if factor != factor else 8)
    assert all(torch.isfinite(value).all() for value in checkpoint["module"].values())


def test_bfloat16(fresh, run, tmp_path):
    tuned = run(fresh, tmp_path, autocast=True, part="both", lambda_rate=1e-4)
    assert all(weight.dtype == torch.float32 for weight in tuned.model.parameters())
    assert tuned.after[0].distortion < 1.1 * tuned.before[0].distortion


def test_other_architectures(tokenizer, text, codec_of, tmp_path, settings, any_model):
    model = copy.deepcopy(any_model)
    tuned = tuning.tune(model, tokenizer, [text], codec_of(model), settings(part="both", lambda_rate=1e-4), tmp_path, LAYER)
    assert tuned.after[0].distortion < tuned.before[0].distortion


def test_named_layers_alone_get_adapters(fresh, run, tmp_path):
    tuned = run(fresh, tmp_path, targets=("q_proj", "v_proj"))
    adapted = {name.split(".lora_A")[0].rpartition(".")[2] for name, _ in tuned.model.named_parameters() if "lora_A" in name}
    assert adapted == {"q_proj", "v_proj"}


def test_states_before_the_split_are_the_models_own(model, fresh, run, ids, tmp_path):
    tuned = run(fresh, tmp_path)
    assert torch.equal(head_states(tuned.model, LAYER, ids), head_states(model, LAYER, ids))

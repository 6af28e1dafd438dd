"""The loop: it learns, it stops and goes on without a trace, and what went wrong is not kept."""

import dataclasses
import json
import math

import pytest
import torch
from noisy_quantiser import NoisyQuantiser

from rdcodec import RdcodecError
from rdcodec.training import Settings, StateCache, train

pytestmark = pytest.mark.slow

CHANNELS = 32
SETTINGS = Settings(steps=12, lambda0=1e-3, qualities=(-4, 4), learning_rate=0.05, validate_every=5, checkpoint_every=4)


class Interrupted(Exception):
    pass


def interrupt_after(step, steps=SETTINGS.steps):
    def progress(stage, fraction, figures):
        if fraction >= step / steps:
            raise Interrupted

    return progress


def log_of(out):
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in entry.items() if name != "seconds"} for entry in entries]


def checkpoint_of(out):
    return torch.load(out / "checkpoint.pt", weights_only=True)


def loss_of(point, settings):
    return point.distortion / settings.lambda_of(point.quality) + point.bits_per_token


def test_it_learns(module, cache, distortion, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=60, qualities=(0, 0), validate_every=100)
    (after,) = train(module, cache, distortion, settings, tmp_path)
    first, last = (entry["validation"] for entry in log_of(tmp_path) if "validation" in entry)
    assert last == after._asdict() and not module.training
    before = type(after)(**first)
    assert loss_of(after, settings) < 0.7 * loss_of(before, settings)
    assert [entry["step"] for entry in log_of(tmp_path) if "loss" in entry] == list(range(60))


def test_quality_sets_rate_and_distortion(module, cache, distortion, tmp_path):
    points = train(module, cache, distortion, SETTINGS, tmp_path)
    assert [point.quality for point in points] == [-4, 0, 4]
    assert points == sorted(points, key=lambda point: point.bits_per_token)
    assert points == sorted(points, key=lambda point: -point.distortion)


def test_the_log_has_the_figures(module, cache, distortion, tmp_path):
    train(module, cache, distortion, SETTINGS, tmp_path)
    steps = [entry for entry in log_of(tmp_path) if "loss" in entry]
    validated = [entry["step"] for entry in log_of(tmp_path) if "validation" in entry]
    assert validated == [0] * 3 + [5] * 3 + [10] * 3 + [12] * 3
    assert all(-4 <= entry["quality"] <= 4 for entry in steps) and len({entry["quality"] for entry in steps}) > 3
    assert [entry["learning_rate"] for entry in steps] == [0.05 * SETTINGS.rate_factor((i + 0.5) / 12) for i in range(12)]
    assert all(entry["loss"] > entry["distortion"] > 0 for entry in steps)


def test_tensorboard_has_the_figures(module, cache, distortion, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    train(module, cache, distortion, SETTINGS, tmp_path)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    losses = [entry["loss"] for entry in log_of(tmp_path) if "loss" in entry]
    assert [event.value for event in events.Scalars("train/loss")] == pytest.approx(losses)
    assert [event.step for event in events.Scalars("validation/quality -4/distortion")] == [0, 5, 10, 12]


def test_resumed_is_as_uninterrupted(cache, distortion, tmp_path):
    through, interrupted = NoisyQuantiser(CHANNELS), NoisyQuantiser(CHANNELS)
    points = train(through, cache, distortion, SETTINGS, tmp_path / "a")
    with pytest.raises(Interrupted):
        train(interrupted, cache, distortion, SETTINGS, tmp_path / "b", interrupt_after(6))
    assert checkpoint_of(tmp_path / "b")["step"] == 4
    resumed = NoisyQuantiser(CHANNELS)
    torch.rand(7)  # the state of PyTorch's generator is of no account
    assert train(resumed, cache, distortion, SETTINGS, tmp_path / "b", resume=True) == points
    for name, value in through.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    assert log_of(tmp_path / "a") == log_of(tmp_path / "b")


def test_a_finished_run_is_validated_again(module, cache, distortion, tmp_path):
    points = train(module, cache, distortion, SETTINGS, tmp_path, resume=True)  # with nothing to resume
    log = log_of(tmp_path)
    assert train(NoisyQuantiser(CHANNELS), cache, distortion, SETTINGS, tmp_path, resume=True) == points
    assert log_of(tmp_path) == log


def test_minutes_make_steps_once(cache, distortion, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=None, minutes=0.02, checkpoint_every=1)

    def progress(stage, fraction, figures):
        raise Interrupted

    with pytest.raises(Interrupted):
        train(NoisyQuantiser(CHANNELS), cache, distortion, settings, tmp_path, progress)
    checkpoint = checkpoint_of(tmp_path)
    assert checkpoint["step"] == 0 and checkpoint["steps"] >= 1
    torch.save({**checkpoint, "steps": 3}, tmp_path / "checkpoint.pt")
    train(NoisyQuantiser(CHANNELS), cache, distortion, settings, tmp_path, resume=True)
    assert max(entry["step"] for entry in log_of(tmp_path)) == 3


def test_accumulated_gradients_are_those_of_all_windows(cache, distortion, tmp_path):
    together, parts = NoisyQuantiser(CHANNELS, noise=0), NoisyQuantiser(CHANNELS, noise=0)
    train(together, cache, distortion, dataclasses.replace(SETTINGS, windows=4), tmp_path / "a")
    train(parts, cache, distortion, dataclasses.replace(SETTINGS, windows=2, accumulation=2), tmp_path / "b")
    torch.testing.assert_close(parts.log_step, together.log_step)
    assert not torch.equal(together.log_step, NoisyQuantiser(CHANNELS).log_step)


def test_any_loss_can_be_the_distortion(module, cache, tmp_path):
    def squared_error(h_hat, batch):
        return (h_hat - batch.states).square().sum(dim=2).mean(dim=1)

    (*_, after) = train(module, cache, squared_error, SETTINGS, tmp_path)
    assert after.distortion > 0


def test_without_a_distortion_the_rate_is_trained(module, cache, tmp_path):
    (*_, after) = train(module, cache, None, SETTINGS, tmp_path)
    assert after.distortion == 0
    assert all(entry["loss"] == pytest.approx(entry["bits_per_token"]) for entry in log_of(tmp_path) if "loss" in entry)


def test_the_generator_is_as_it_was(module, cache, distortion, tmp_path):
    before = torch.get_rng_state()
    train(module, cache, distortion, SETTINGS, tmp_path)
    assert torch.equal(torch.get_rng_state(), before)


class Spoilt(NoisyQuantiser):
    """Goes wrong from some step on."""

    def __init__(self, step, change):
        super().__init__(CHANNELS)
        self.step, self.change, self.steps = step, change, 0

    def forward(self, h, quality):
        coded = super().forward(h, quality)
        self.steps += self.training
        return self.change(coded) if self.steps > self.step and self.training else coded


def infinite(coded):
    return coded._replace(bits=coded.bits / 0)


def no_number(coded):
    return coded._replace(h_hat=coded.h_hat * math.nan)


def infinite_gradient(coded):
    return coded._replace(h_hat=coded.h_hat + torch.sqrt(coded.h_hat - coded.h_hat.detach()))


@pytest.mark.parametrize("change", [infinite, no_number, infinite_gradient])
def test_divergence_stops_and_keeps_the_checkpoint(cache, distortion, tmp_path, change):
    module = Spoilt(6, change)
    with pytest.raises(RdcodecError, match=r"diverged at step 6: loss .* bits a token, gradient of norm (inf|nan)"):
        train(module, cache, distortion, SETTINGS, tmp_path)
    assert all(torch.isfinite(value).all() for value in module.state_dict().values())
    checkpoint = checkpoint_of(tmp_path)
    assert checkpoint["step"] == 4
    assert all(torch.isfinite(value).all() for value in checkpoint["module"].values())
    train(NoisyQuantiser(CHANNELS), cache, distortion, SETTINGS, tmp_path, resume=True)
    assert log_of(tmp_path)[-1]["step"] == SETTINGS.steps


def test_an_exploding_rate_stops_and_is_not_kept(cache, distortion, tmp_path):
    settings = dataclasses.replace(SETTINGS, steps=30, checkpoint_every=1)
    module = Spoilt(10, lambda coded: coded._replace(bits=20 * coded.bits))
    with pytest.raises(RdcodecError, match=r"diverged at step 14: [\d.e+]+ bits a token, after a median of"):
        train(module, cache, distortion, settings, tmp_path)
    assert checkpoint_of(tmp_path)["step"] == 10


def test_a_checkpoint_is_not_overwritten(module, cache, distortion, tmp_path):
    train(module, cache, distortion, SETTINGS, tmp_path)
    with pytest.raises(RdcodecError, match=r"checkpoint.pt exists; resume from it"):
        train(module, cache, distortion, SETTINGS, tmp_path)


def test_checkpoints_of_other_runs_are_refused(module, cache, distortion, model, tokenizer, text, tmp_path):
    train(module, cache, distortion, SETTINGS, tmp_path)
    other = dataclasses.replace(SETTINGS, learning_rate=0.1)
    with pytest.raises(RdcodecError, match="made with learning_rate=0.05, to be resumed with 0.1"):
        train(module, cache, distortion, other, tmp_path, resume=True)
    layer = StateCache.open(tmp_path / "cache", model, tokenizer, [text], 2)
    with pytest.raises(RdcodecError, match="made with layer=1, to be resumed with 2"):
        train(module, layer, distortion, SETTINGS, tmp_path, resume=True)
    small = torch.nn.Module()
    small.parameter_groups = lambda settings: [{"params": [torch.nn.Parameter(torch.zeros(1))]}]
    with pytest.raises(RdcodecError, match="module: the checkpoint is of another one: .*log_step"):
        train(small, cache, distortion, SETTINGS, tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x02}q\x00."], ids=["empty", "text", "another pickle"])
def test_damaged_checkpoints_are_refused(module, cache, distortion, tmp_path, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    with pytest.raises(RdcodecError, match="checkpoint.pt: expected a checkpoint of a training"):
        train(module, cache, distortion, SETTINGS, tmp_path, resume=True)

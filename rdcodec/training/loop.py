"""The training loop of learned codecs, and of models that are tuned to a codec."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import torch
from accelerate import Accelerator

from rdcodec.progress import ProgressLines
from rdcodec.training.checkpoint import checkpoint_path, load_checkpoint, restore, save_checkpoint
from rdcodec.training.draws import draw_qualities, seed_noise, window_indices
from rdcodec.training.guard import Guard
from rdcodec.training.log import Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rdcodec.training.settings import Settings
    from rdcodec.training.states import StateCache
    from rdcodec.types import PathLike, Progress

__all__ = ["Point", "Reconstruction", "run_training", "train"]

TIMED_STEPS = 4  # and one before them, which is slower than the rest


class Reconstruction(NamedTuple):
    """What a training module makes of hidden states [windows, tokens, channels].

    Attributes
    ----------
    h_hat : torch.Tensor
        float32 [windows, tokens, channels]
    bits : torch.Tensor
        float32 [windows, tokens], bits of each token under the module's entropy model.
    """

    h_hat: torch.Tensor
    bits: torch.Tensor


class Point(NamedTuple):
    """Held-out figures at a quality: distortion in nats a token, rate in bits a token."""

    quality: int
    distortion: float
    bits_per_token: float


def train(
    module: torch.nn.Module,
    cache: StateCache,
    distortion: Callable[..., Any] | None,
    settings: Settings,
    out: PathLike,
    progress: Progress | None = None,
    resume: bool = False,
) -> list[Point]:
    """Train a codec's module for the least D + lambda R.

    A run that was interrupted and resumed gives the same bits as one that was not, on one device.

    Parameters
    ----------
    module : torch.nn.Module
        With ``forward(h, quality)`` for float32 [windows, tokens, channels] and int64 [windows], which returns a
        `Reconstruction`, and ``parameter_groups(settings)``, the groups that AdamW takes. It draws its noise from PyTorch's
        default generators.
    cache : StateCache
    distortion : callable or None
        ``distortion(h_hat, batch)``, a tensor [windows] in nats a token: a `TailDistortion`, or the loss of another task. None
        to train for the least rate alone, of the same reconstruction.
    settings : Settings
    out : path
        Folder for checkpoint.pt, log.jsonl and tensorboard; made if it does not exist.
    progress : callable, optional
        Called as ``progress(stage, fraction, figures)`` with a name, 0 to 1, and a line of text; without it, a line on stderr now
        and then.
    resume : bool
        Go on from the folder's checkpoint, if it has one.

    Returns
    -------
    list of Point
        Of the trained module, which is left in evaluation mode, on the held-out windows.

    Raises
    ------
    RdcodecError
        Training diverged: the last checkpoint is from before that. Or the folder holds a checkpoint and `resume` is false,
        or one of other settings or states.
    """

    def measure(module, batch, quality):
        coded = module(batch.states, quality)
        bits = coded.bits.mean(dim=1)
        return distortion(coded.h_hat, batch) if distortion is not None else torch.zeros_like(bits), bits

    return run_training(module, cache, measure, settings, {**asdict(settings), **cache.key}, out, progress, resume)


def run_training(module, cache, measure, settings, run, out, progress=None, resume=False):
    """Train a module for the least loss of what `measure` says of windows; for the rest see `train`.

    Parameters
    ----------
    module : torch.nn.Module
        With ``parameter_groups(settings)``; its state is what checkpoints hold.
    cache : StateCache
    measure : callable
        ``measure(module, batch, quality)`` for a `Batch` and int64 [windows]: distortion in nats and rate in bits a token, two
        tensors [windows].
    settings : Schedule
    run : dict
        What the result depends on, plain values: a checkpoint of another run is refused.
    out, progress, resume
        As for `train`.

    Returns
    -------
    list of Point
    """
    path = checkpoint_path(out, resume)
    path.parent.mkdir(parents=True, exist_ok=True)
    with torch.random.fork_rng():
        training = _Training(module, cache, measure, settings)
        start, steps = training.restore(load_checkpoint(path, run)) if path.exists() else training.begin()

        def save(step):
            if training.accelerator.is_main_process:
                save_checkpoint(path, {"run": run, "step": step, "steps": steps, **training.state()})

        log = Log(path.parent, start) if training.accelerator.is_main_process else None
        try:
            return _run(training, start, steps, save, log, progress or ProgressLines())
        finally:
            module.eval()
            if log is not None:
                log.close()


def _run(training, start, steps, save, log, report):
    """Steps `start` to `steps`, with a validation first and last."""
    settings = training.settings
    for step in range(start, steps + 1):
        last = step == steps
        if (last or step % settings.checkpoint_every == 0) and not training.guard.suspicious:
            save(step)
        if last or step % settings.validate_every == 0:
            points = training.validate()
            if log is not None:
                log.validation(step, points)
        if not last:
            figures = training.update(step, steps)
            if log is not None:
                log.step(step, figures)
            line = f"{figures['distortion']:.4f} nats, {figures['bits_per_token']:.0f} bits a token"
            report("training", (step + 1) / steps, line)
    return points


class _Training:
    """A module with its optimizer on the devices there are."""

    def __init__(self, module, cache, measure, settings):
        self.accelerator = Accelerator()
        self.module = module
        self.settings = settings
        self.guard = Guard()
        self._cache = cache
        self._measure = measure
        optimizer = torch.optim.AdamW(module.parameter_groups(settings), lr=settings.learning_rate)
        self._rates = [group["lr"] for group in optimizer.param_groups]
        self._distributed, self._optimizer = self.accelerator.prepare(module.train(), optimizer)

    def begin(self):
        """First step and number of steps of a new run."""
        return 0, self.settings.steps or self._steps_within(self.settings.minutes)

    def restore(self, checkpoint):
        """First step and number of steps of a run that a checkpoint is of."""
        restore(self.module, self._optimizer, checkpoint)
        return checkpoint["step"], checkpoint["steps"]

    def state(self):
        return {"module": self.module.state_dict(), "optimizer": self._optimizer.state_dict()}

    def update(self, step, steps):
        """One step. Returns its figures, means over windows and devices."""
        began = perf_counter()
        (loss, distortion, bits, quality), norm = self._gradients(step)
        self.guard.check(step, loss, distortion, bits, norm)
        factor = self.settings.rate_factor((step + 0.5) / steps)
        for group, rate in zip(self._optimizer.param_groups, self._rates):
            group["lr"] = rate * factor
        self._optimizer.step()
        self._optimizer.zero_grad()
        return {
            "loss": loss,
            "distortion": distortion,
            "bits_per_token": bits,
            "quality": quality,
            "learning_rate": self.settings.learning_rate * factor,
            "gradient_norm": norm,
            "seconds": perf_counter() - began,
        }

    @torch.no_grad()
    def validate(self):
        """List of `Point`."""
        self.module.eval()
        points = [self._point(quality) for quality in self.settings.validation_qualities]
        self.module.train()
        return points

    def _point(self, quality):
        sums, size = 0, self.settings.windows
        for start in range(0, len(self._cache.held_out), size):
            index = self._cache.held_out[start : start + size]
            _, figures = self._loss(self.module, index, torch.full((len(index),), quality), start)
            sums = sums + figures * len(index)
        _, distortion, bits, _ = (sums / len(self._cache.held_out)).tolist()
        return Point(quality, distortion, bits)

    def _gradients(self, step):
        """Accumulate the gradients of a step, clipped. Returns loss, distortion, rate and quality; and the norm."""
        s, devices = self.settings, self.accelerator.num_processes
        figures = 0
        for part in range(s.accumulation):
            place = ((step * s.accumulation + part) * devices + self.accelerator.process_index) * s.windows
            index = window_indices(self._cache.train, place, s.windows, s.seed)
            quality = draw_qualities(*s.qualities, place, s.windows, s.seed)
            more = part < s.accumulation - 1
            with self.accelerator.no_sync(self._distributed) if more else nullcontext():
                loss, own = self._loss(self._distributed, index, quality, place)
                self.accelerator.backward(loss / s.accumulation)
            figures = figures + own / s.accumulation
        norm = self.accelerator.clip_grad_norm_(self.module.parameters(), s.clip)
        return self.accelerator.reduce(figures, "mean").tolist(), float(norm)

    def _loss(self, module, index, quality, place):
        """Loss of windows, and the tensor of loss, distortion, rate and quality without their graph."""
        seed_noise(self.settings.seed, place)
        batch, quality = self._cache.read(index).to(self.accelerator.device), quality.to(self.accelerator.device)
        distortion, bits = self._measure(module, batch, quality)
        loss = self.settings.loss(distortion, bits, quality)
        return loss, torch.stack([loss, distortion.mean(), bits.mean(), quality.float().mean()]).detach()

    def _steps_within(self, minutes):
        """Steps and their validations that fit; the gradients of those that are timed are dropped."""
        seconds = []
        for step in range(TIMED_STEPS + 1):
            began = perf_counter()
            self._gradients(step)
            self._optimizer.zero_grad()
            seconds.append(perf_counter() - began)
        began = perf_counter()
        self.validate()
        own = torch.tensor([median(seconds[1:]), perf_counter() - began], device=self.accelerator.device)
        step, validation = self.accelerator.reduce(own, "mean").tolist()
        return max(1, int((60 * minutes - 2 * validation) / (step + validation / self.settings.validate_every)))

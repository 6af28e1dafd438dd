"""From states to a trained codec: what a training begins with, its two stages, and what it ends with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from accelerate import Accelerator

from rdcodec.calibration.symbols import with_memory
from rdcodec.calibration.tune import HeldOut
from rdcodec.codecs import learned
from rdcodec.codecs.checkpoint import CONFIG_FILE
from rdcodec.codecs.fields import Number, check_config
from rdcodec.errors import RdcodecError
from rdcodec.files import replace_file
from rdcodec.messages import printable
from rdcodec.modes import frozen
from rdcodec.progress import ProgressLines
from rdcodec.splits import unwrapped
from rdcodec.splits.fingerprint import origin_of
from rdcodec.training.checkpoint import checkpoint_path
from rdcodec.training.closed_form import fit_closed_form
from rdcodec.training.export import emphasis_tensors, network_tensors
from rdcodec.training.loop import train
from rdcodec.training.module import CodecModule
from rdcodec.training.networks import LATENTS, EntropyNetworks
from rdcodec.training.settings import Settings, Tradeoff
from rdcodec.training.tables import LATENT_REACH, start_tables, trained_tables
from rdcodec.training.tradeoff import measure_tradeoff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.training.distortion import TailDistortion
    from rdcodec.training.states import StateCache
    from rdcodec.types import Model, PathLike, Progress

__all__ = ["FAMILIES", "Trained", "TrainedPoint", "train_codec"]

FAMILIES = {
    family.family: family
    for family in (
        learned.FactorisedHyperpriorCodec,
        learned.FourierHyperpriorCodec,
        learned.DirectAccessCodec,
        learned.ContextCodec,
    )
}
STAGES = {  # parts of the time, tokens a step, and settings
    "rate": (0.5, 2048, {"learning_rate": 2e-3}),
    "joint": (0.5, 1024, {"learning_rate": 2e-4}),
}
TABLE_TOKENS = 64 * 512
START_QUALITIES = (-24, 16)
TABLE_MARGIN = 8  # qualities beyond those of the training that tables are fitted to
QUALITY_TOKENS = 8 * 512  # by which the default quality is chosen
TARGET = 0.02  # nats, of the default quality
SEED = 25


class TrainedPoint(NamedTuple):
    """Held-out figures at a quality: bits a token, by the float networks and in bytes of the codec, without heads of frames."""

    quality: int
    estimated_bits_per_token: float
    bits_per_token: float


class Trained(NamedTuple):
    """A trained codec; `Point` s of the last stage of its training; and what integers cost it."""

    codec: learned.LearnedCodec
    validation: list
    points: list


def train_codec(
    family: str,
    model: Model,
    layer: int,
    cache: StateCache,
    distortion: TailDistortion,
    lambdas: Sequence[float],
    minutes: float,
    out: PathLike,
    autocast: bool = False,
    progress: Progress | None = None,
    resume: bool = False,
) -> Trained:
    """Train a learned codec.

    Everything that has a closed form comes first: transform, codewords, steps. Then the networks are trained, for the rate alone,
    which needs no model and is fast; then networks and transform together, for distortion and rate.

    Parameters
    ----------
    family : str
        One of `FAMILIES`.
    model : transformers.PreTrainedModel
        With an output head over a vocabulary or classes.
    layer : int
        Split point.
    cache : StateCache
    distortion : callable
        As for `train`.
    lambdas : sequence of float
        Nats that a bit is worth; the codec is trained for their whole range.
    minutes : float
        Time to train, without what comes first.
    out : path
        Folder for checkpoints and logs of both stages.
    autocast : bool
        Compute gradients in bfloat16 where PyTorch's autocast does so.
    progress : callable, optional
        Called as ``progress(stage, fraction, figures)`` with a name, 0 to 1, and a line of text; without it, a line on stderr now
        and then.
    resume : bool
        Go on from the checkpoints in the folder, if there are any.

    Returns
    -------
    Trained
        With the default quality that keeps KL(uncompressed || compressed) at 0.02 nats, a token or an image.

    Raises
    ------
    RdcodecError
        There is no such family; and as for `train`.
    """
    if family not in FAMILIES:
        raise RdcodecError(f"family: expected one of {', '.join(FAMILIES)}, got {family!r}")
    Settings.for_lambdas(lambdas, Tradeoff(1, 1), minutes=minutes)  # refused before the work, as are checkpoints
    for stage in STAGES:
        checkpoint_path(Path(out) / stage, resume)
    Path(out).mkdir(parents=True, exist_ok=True)
    model = unwrapped(model)
    family, report = FAMILIES[family], progress or ProgressLines()
    accelerator = Accelerator()
    with accelerator.main_process_first():
        config, tensors = fit_closed_form(model, layer, cache, autocast, report)
        networks = _networks(family, config, tensors)
        module = CodecModule(_start(family, config, tensors, networks, cache, report), networks)
        tradeoff = Path(out) / "tradeoff.json"
        if not tradeoff.exists() or (accelerator.is_main_process and not resume):
            measured = measure_tradeoff(module, cache, distortion, lambda f: report("tradeoff", f))
            replace_file(tradeoff, json.dumps(measured._asdict()).encode())
        tradeoff = _read_tradeoff(tradeoff)
    for stage, (part, tokens, chosen) in STAGES.items():
        module.trains_transform(stage == "joint")
        windows = cache.windows_of(tokens)
        settings = Settings.for_lambdas(lambdas, tradeoff, minutes=part * minutes, windows=windows, **chosen)
        loss = distortion if stage == "joint" else None
        points = train(module, cache, loss, settings, Path(out) / stage, _named(report, stage), resume)
    codec = _finish(module, cache, settings.qualities, report)
    compared = _compare(codec, module, cache, settings, report)
    return Trained(_referring(codec, model, layer, cache, settings.qualities, report), points, compared)


def _read_tradeoff(path):
    fields = {"lambda0": Number(1e-300, 1e300), "slope": Number(1e-300, 1e300)}
    try:
        return Tradeoff(**check_config(fields, json.loads(path.read_text(encoding="utf-8"))))
    except (ValueError, RecursionError) as error:
        raise RdcodecError(f"{path}: damaged, to be measured again when it is gone: {printable(error)}") from error


def _named(report, stage):
    return lambda _, fraction, figures: report(f"{stage} stage", fraction, figures)


def _networks(family, config, tensors):
    with torch.random.fork_rng():
        torch.manual_seed(SEED)
        codewords = len(tensors["word_components"])
        return EntropyNetworks(config["channels"], codewords, family.latent_density, family.uses_context)


def _start(family, config, tensors, networks, cache, report):
    """The codec with networks that were not trained; kept beside the states."""
    folder = cache.folder / f"start-{family.family}"
    if not (folder / CONFIG_FILE).exists():  # which is written last
        config = {**config, "latents": LATENTS if networks.density else 0, "emphasis_bits": 0}
        nothing = np.zeros((config["channels"], 0), np.int8)
        component_scale = torch.from_numpy(tensors["component_scale"]).float()
        tensors = {**tensors, "emphasis_in": nothing, "emphasis_out": nothing.T, **network_tensors(networks, component_scale)}
        codec = family(config, start_tables(config, tensors, _latent_pmf(networks)))
        codec = _with_tables(codec, cache, START_QUALITIES, lambda f: report("first tables", f))
        codec.save_pretrained(folder)
    return family.from_pretrained(folder)


def _finish(module, cache, qualities, report):
    """The codec of integers, with tables of its own symbols."""
    family = type(module.codec)
    bits, emphasis = emphasis_tensors(module.emphasis)
    tensors = {**module.codec.tensors, **emphasis, **network_tensors(module.networks, module.component_scale)}
    config = {**module.codec.config, **bits}
    codec = family(config, start_tables(config, tensors, _latent_pmf(module.networks)))
    return _with_tables(codec, cache, _span(codec, qualities), lambda f: report("tables", f))


def _span(codec, qualities):
    return max(qualities[0] - TABLE_MARGIN, codec.min_quality), min(qualities[1] + TABLE_MARGIN, codec.max_quality)


def _referring(codec, model, layer, cache, qualities, report):
    """The codec that goes by earlier tokens as no network was trained to, with the default quality."""
    codec = _with_tables(with_memory(codec), cache, _span(codec, qualities), lambda f: report("references", f))
    batch = cache.read(cache.held_out[: cache.windows_of(QUALITY_TOKENS)]).to(model.device)
    codec.origin = origin_of(model, layer)
    with frozen(model):
        held_out = HeldOut(model, layer, batch.states, batch.ids)
        codec.default_quality, _ = held_out.quality_at(codec, TARGET, 0, lambda f: report("default quality", f))
    return codec


def _with_tables(codec, cache, span, report):
    index = np.random.default_rng(SEED).permutation(cache.train)[: cache.windows_of(TABLE_TOKENS)]
    windows = cache.read(index).states.numpy()
    qualities = np.linspace(*span, len(windows)).round().astype(int)
    return trained_tables(codec, windows, qualities, report)


def _latent_pmf(networks):
    return networks.density.pmf(LATENT_REACH) if networks.density else np.empty((0, 2 * LATENT_REACH + 1))


@torch.no_grad()
def _compare(codec, module, cache, settings, report):
    """List of `TrainedPoint`: real bytes beside what the float networks say, with the tables of the codec."""
    floats = CodecModule(codec, module.networks).eval()
    floats.load_state_dict({**floats.state_dict(), **dict(module.named_parameters())})
    points, windows = [], cache.read(cache.held_out).states
    for number, quality in enumerate(settings.validation_qualities):
        estimate = sum(float(floats(h[None], torch.tensor([quality])).bits.mean()) for h in windows) / len(windows)
        size = sum(len(codec.encode_payload(h.numpy(), quality)) for h in windows)
        points.append(TrainedPoint(quality, estimate, 8 * size / windows[..., 0].numel()))
        report("real bytes", (number + 1) / len(settings.validation_qualities))
    return points

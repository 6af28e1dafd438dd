"""What a training starts from: transform, codewords and steps in closed form from the states of a cache, without networks."""

import io
import json

import numpy as np
import torch

from rdcodec.calibration.codewords import position_codewords, vocabulary_codewords
from rdcodec.calibration.fit import Statistics, fit_codec
from rdcodec.calibration.symbols import PRIOR_UNIT
from rdcodec.calibration.tail_gradients import sampled_gradients
from rdcodec.calibration.windows import batches
from rdcodec.codecs.fields import check_config, check_tensors
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.learned import LearnedCodec
from rdcodec.codecs.tables import TABLE_SPECS
from rdcodec.codecs.transform_coding import FEATURE_UNIT
from rdcodec.errors import RdcodecError
from rdcodec.files import replace_file
from rdcodec.messages import printable
from rdcodec.modes import frozen
from rdcodec.training.codebook import pack_codebook
from rdcodec.training.export import transform_tensors
from rdcodec.training.steps import fit_steps

__all__ = ["fit_closed_form"]

FILE = "front.npz"
FIT_TOKENS = 900 * 512  # about, at most, for the memory that they take
GRADIENT_TOKENS = 160 * 512  # about, at most
SAMPLES = 2  # of each output distribution
ALPHA, SHRINKAGE = 0.7, 0.05  # of the metric, see rdcodec.calibration
SEED = 24
_KEPT_NUMBERS = ("layer", "channels", "gain_limit_bits", "state_bits", "component_bits", "inward", "zero_scale", "scales")
_MEMORY = ("referred", "references", "adaptation")  # none while networks train
_KEPT_TENSORS = (
    *("mean", "word_prior", "word_components", "word_code_scale"),
    *("scale_offsets", "component_scale", "component_shape"),
)
# Of what is kept beside the states: all of a codec but what comes of its training.
_FIELDS = {name: LearnedCodec.FIELDS[name] for name in (*_KEPT_NUMBERS, "analysis_bits", "synthesis_bits", *_MEMORY)}
_SPECS = [spec for spec in LearnedCodec.SPECS if spec not in TABLE_SPECS and not spec.name.startswith("emphasis")]


def fit_closed_form(model, layer, cache, autocast=False, progress=None):
    """Parts of a `LearnedCodec` that no network but that of the steps is trained for; kept beside the states, for other families.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
        Split point.
    cache : StateCache
        Its windows to train on are fitted to.
    autocast : bool
        Compute in bfloat16 where PyTorch's autocast does so.
    progress : callable, optional
        Called as ``progress(stage, fraction)`` with a name and 0 to 1.

    Returns
    -------
    config, tensors : dict
    """
    path = cache.folder / FILE
    if path.exists():
        return _read(path)
    config, tensors = _fit(model, layer, cache, autocast, progress or (lambda stage, fraction: None))
    data = io.BytesIO()
    np.savez(data, config=json.dumps(config), **tensors)
    replace_file(path, data.getvalue())
    return config, tensors


def _read(path):
    try:
        with np.load(path) as archive:
            tensors = {name: archive[name] for name in archive.files}
        config = check_config(_FIELDS, json.loads(str(tensors.pop("config"))))
        check_tensors(_SPECS, config["channels"], tensors)
        return config, tensors
    except Exception as error:  # a damaged archive fails in many ways
        raise RdcodecError(f"{path}: damaged, to be fitted again when it is gone: {printable(error)}") from error


def _fit(model, layer, cache, autocast, report):
    with frozen(model), torch.autocast(model.device.type, torch.bfloat16, enabled=autocast):
        statistics = _statistics(model, layer, cache, report)
    codec = fit_codec(statistics, ALPHA, SHRINKAGE)
    report("transform", 1.0)
    return _parts(codec, statistics, report)


def _statistics(model, layer, cache, report):
    index = np.random.default_rng(SEED).permutation(cache.train)
    fitted = cache.read(index[: cache.windows_of(FIT_TOKENS)])
    gradients = _gradients(model, layer, fitted.states[: cache.windows_of(GRADIENT_TOKENS)], fitted.ids, report)
    return Statistics(layer, fitted.states.numpy(), gradients.numpy(), _codewords(model, layer, cache, fitted, report))


def _gradients(model, layer, states, ids, report):
    """Gradients [samples, windows, tokens, channels] at states of windows, the first of those that ids are of."""
    generator = torch.Generator().manual_seed(SEED)
    gradients, parts = [], batches(states, ids)
    for i, (part, own) in enumerate(parts):
        found = sampled_gradients(model, layer, part.to(model.device), SAMPLES, generator, own.to(model.device))
        gradients.append(found.float().cpu())
        report("gradients", (i + 1) / len(parts))
    return torch.cat(gradients, dim=1)


def _codewords(model, layer, cache, fitted, report):
    """`Codewords` of the windows fitted to: of the vocabulary, where the inputs are texts."""
    if not cache.is_text:
        return position_codewords(*fitted.states.shape[:2])
    counts = np.bincount(cache.read(cache.train).ids.numpy().ravel(), minlength=model.get_input_embeddings().weight.shape[0])
    return vocabulary_codewords(model, layer, fitted.ids, counts, report)


def _parts(codec, statistics, report):
    """Config and tensors of a calibrated codec in the number formats of learned ones, with a network for the steps."""
    config, t = codec.config, codec.tensors
    synthesis = np.ldexp(t["synthesis"].astype(np.float64), -config["synthesis_bits"])
    unit = np.rint(t["component_scale"] / GRID_STEPS)
    tensors = {name: t[name] for name in _KEPT_TENSORS}
    tensors.update(unit=unit.astype(np.int8), reference_scale=np.zeros(len(unit), np.int32))
    prior = np.exp(t["word_prior"] / PRIOR_UNIT)
    tensors.update(
        pack_codebook(codec.codebook * (codec.units / FEATURE_UNIT), 2.0 ** (t["component_scale"] / GRID_STEPS), 2.0**unit, prior)
    )
    bits, transforms = transform_tensors(np.ldexp(t["analysis"].astype(np.float64), -config["analysis_bits"]), synthesis)
    tensors.update(transforms)
    y = codec.components(statistics.gradient_states)
    sensitivity = np.square(statistics.kept_gradients.astype(np.float64) @ synthesis.T).sum(axis=2).mean(axis=0)
    tensors.update(fit_steps((y / 2.0**unit).astype(np.float32), sensitivity, lambda f: report("steps", f)))
    kept = {name: config[name] for name in _KEPT_NUMBERS}
    return {**kept, **bits, **dict.fromkeys(_MEMORY, 0)}, tensors

"""From statistics to a codec."""

from functools import cached_property

import numpy as np

from rdcodec.calibration.references import REFERENCES, REFERRED, reference_scale
from rdcodec.calibration.sensitivity import fit_predictor
from rdcodec.calibration.symbols import ADAPTATION, CODE_UNIT, PRIOR_UNIT, fit_tables, prior_tables
from rdcodec.calibration.tables import SCALES, ZERO_SCALE
from rdcodec.calibration.transforms import Leftover, fit_blocks, fit_whole, is_wide
from rdcodec.calibration.windows import windows_of
from rdcodec.codecs.grid import GRID_STEPS
from rdcodec.codecs.transform_coding import FEATURE_UNIT

__all__ = ["Statistics", "fit_codec"]

GAIN_QUANTILE = 0.999
LEAST_UNIT = 1 / 16  # of the mean variance: some states, as of small images, have nearly none in most components
LEAST_VARIANCE = 2.0**-16  # of a component, in units: of no account at any quality
SCALE_GRID = 4  # grid steps between the scales a token can have
SCALE_RANGE = (-5, 8)  # of these
COMPARED_COMPONENTS = 128  # that the search for a codeword looks at
TABLE_QUALITIES = (-32, -20, -12, -4, 4, 16, 32)
TABLE_TOKENS = 12_000
SEED = 22


class Statistics:
    """What calibration measured.

    Attributes
    ----------
    layer : int
    states : ndarray
        float32 [windows, tokens, channels], hidden states to fit.
    gradients : ndarray
        float32 [samples, windows, tokens, channels] of log-likelihoods of sampled outputs, at the first of these windows.
    codewords : Codewords
    kept : ndarray
        bool [windows, tokens], False where a token is padding; all are kept where it is not given.
    """

    def __init__(self, layer, states, gradients, codewords, kept=None):
        self.layer = layer
        self.states = states
        self.codewords = codewords
        self.kept = np.ones(states.shape[:2], bool) if kept is None else kept
        # Massive activations: the first position of a text, and whatever exceeds what nearly all others stay below.
        largest = np.abs(states).max(axis=2)
        apart = codewords.apart
        self.gain_limit_bits = int(np.frexp(np.quantile(largest[:, apart:][self.kept[:, apart:]], GAIN_QUANTILE))[1])
        usual = self.kept & (largest < 2.0**self.gain_limit_bits)
        usual[:, :apart] = False
        dtype = np.float32 if is_wide(states.shape[2]) else np.float64  # wide states in doubles take more memory than machines have
        self.x = states[usual].astype(dtype)
        self.codeword_of_x = codewords.of_tokens[usual]
        self.first = np.ldexp(states[:, :apart].astype(dtype), -self.gains(states[:, :apart])[..., None])
        self.mean = self.x.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.x -= self.mean
        kept = usual[: gradients.shape[1]]
        self.gradient_states = states[: len(kept)][kept]
        self.gradient_x = self.gradient_states - self.mean.astype(dtype)
        self.kept_gradients = gradients[:, kept]

    @cached_property
    def leftover(self):
        """`Leftover` of wide states: the same for every metric."""
        return Leftover.of(self)

    def gains(self, h):
        return np.maximum(np.frexp(np.abs(h).max(axis=-1))[1] - self.gain_limit_bits, 0)


def fit_codec(statistics, alpha, shrinkage, inward=(0, 0), before=None, blocks=None):
    """A `TransformCodec` for a metric of strength alpha with this shrinkage, its tables fitted; `before` is a `Prior` or None.

    Its transform is in blocks, without a prior, where `blocks` says so; where it is not given, if states are wide.
    """
    s = statistics
    blocks = is_wide(s.x.shape[1]) if blocks is None else blocks
    fitted = fit_blocks(s, alpha, shrinkage) if blocks else fit_whole(s, alpha, shrinkage, before)

    # Components in units of their mean deviation (geometric), so that qualities mean much the same for every model.
    variances = fitted.variances
    unit = np.sqrt(max(np.exp(np.mean(np.log(variances))), LEAST_UNIT * variances.mean()))
    transform = fitted.transform.in_units(unit)
    variances = np.maximum(variances / unit**2, LEAST_VARIANCE)
    y = transform.components(s.x)
    first = transform.components(s.first - s.mean).mean(axis=0)
    prior = np.concatenate([[1], np.full(len(first), len(s.first)), s.codewords.counts])
    codewords = np.concatenate([np.zeros((1, len(variances))), first, fitted.codewords / unit])
    sensitivity = np.square(transform.gradients(s.kept_gradients.astype(s.x.dtype, copy=False))).sum(axis=2, dtype=np.float64).mean(axis=0)
    predictor = fit_predictor(transform.components(s.gradient_x), sensitivity)

    config, tensors = _numbers(s, transform, codewords, prior, variances, inward)
    tensors.update(vars(predictor))
    kurtosis = np.mean(y**4, axis=0) / np.mean(y**2, axis=0) ** 2
    tensors["component_shape"] = (kurtosis > np.median(kurtosis)).astype(np.uint8)
    return _with_fitted_tables(transform.codec(config, prior_tables(config, tensors)), s)


def _numbers(s, transform, codewords, prior, variances, inward):
    """Integers of the transforms, codewords and scales."""
    largest = np.abs(codewords).max()
    component_range = max(largest, 2.0**s.gain_limit_bits * transform.norms().max())
    transform_config, transforms = transform.numbers(2.0**s.gain_limit_bits, component_range)
    scale = np.rint(GRID_STEPS * np.log2(np.sqrt(variances))).astype(np.int32)
    # Codewords are numbers of 16 bits; a component that they take far from its deviation has a unit of its own.
    unit = np.maximum(np.rint(scale / GRID_STEPS), np.frexp(np.abs(codewords).max(axis=0) * FEATURE_UNIT / 2**15)[1]).astype(np.int8)
    # Of most use to tell codewords apart: components in which codewords vary most beside what they leave over.
    spread = codewords[-len(s.codewords.counts) :].var(axis=0) / variances
    selected = np.sort(np.argsort(-spread, kind="stable")[:COMPARED_COMPONENTS]).astype(np.int32)
    deviation = np.sqrt(variances + 0.5)  # with the error of a usual step
    order = np.argsort(-prior, kind="stable")
    codewords, prior = codewords[order], prior[order]
    config = {
        "layer": s.layer,
        "channels": len(variances),
        "gain_limit_bits": s.gain_limit_bits,
        **transform_config,
        "inward": [int(i) for i in inward],
        "zero_scale": ZERO_SCALE,
        "scales": SCALES,
        "referred": REFERRED,
        "references": REFERENCES,
        "adaptation": ADAPTATION,
    }
    tensors = {
        "mean": s.mean,
        **transforms,
        "words": np.clip(np.rint(codewords * (FEATURE_UNIT / 2.0**unit)), 1 - 2**15, 2**15 - 1).astype(np.int16),
        "word_prior": np.rint(PRIOR_UNIT * np.log(prior / prior.sum())).astype(np.int32),
        "word_components": selected,
        "word_code_scale": (CODE_UNIT / deviation[selected]).astype(np.float32),
        "scale_offsets": (np.arange(SCALE_RANGE[0], SCALE_RANGE[1] + 1) * SCALE_GRID).astype(np.int32),
        "component_scale": scale,
        "unit": unit,
        "reference_scale": reference_scale(scale, unit),
    }
    return config, tensors


def _with_fitted_tables(codec, s):
    """All frequency tables from the symbols of the codec itself at several qualities."""
    chosen = np.random.default_rng(SEED).permutation(len(s.states))[: windows_of(TABLE_TOKENS, s.states)]
    for qualities in (TABLE_QUALITIES[2:5], TABLE_QUALITIES):
        count = max(len(chosen), len(qualities))
        windows = [s.states[i][s.kept[i]] for i in np.resize(chosen, count)]
        codec = fit_tables(codec, windows, np.resize(qualities, count))
    return codec

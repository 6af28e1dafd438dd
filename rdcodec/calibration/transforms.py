"""The transform as calibration fits it: whole, or for wide states in stages of blocks (docs/calibration.md)."""

from typing import NamedTuple

import numpy as np

from rdcodec.calibration.codewords import fit_codewords, leading_features
from rdcodec.calibration.metric import clipped, fisher_metric, principal_components, shrunk_covariance, token_scales
from rdcodec.codecs import BlockTransformCodec, TransformCodec
from rdcodec.codecs.exact import ExactMatrix, block_product, interleaved, short_integers
from rdcodec.codecs.transform_coding import VALUE_RANGE_BITS

__all__ = ["BlockTransform", "Fitted", "Leftover", "WholeTransform", "fit_blocks", "fit_whole", "is_wide", "value_bits"]

WIDE = 2560  # channels from which on whole matrices are neither read for every token nor fitted
MOST_BLOCKS = 32  # of a stage: two stages have a sixteenth of the whole matrix's integers
STAGES = 2
CHANNEL_ALPHA, LEAST_ENERGY = 0.6, 0.05  # strength and shrinkage of the metric of single channels that codewords are fitted in
LEAST_SCALE = 1 / 256  # of a token: what is all zeros stays so


def is_wide(channels):
    """Whether states of so many channels are transformed in blocks."""
    return channels >= WIDE


def value_bits(largest):
    """Binary digits behind the point of values of magnitudes up to `largest`."""
    return VALUE_RANGE_BITS - int(np.frexp(largest)[1])


class Fitted(NamedTuple):
    """A transform, the variances of its components [components], and codewords in them [codewords, components]."""

    transform: "WholeTransform | BlockTransform"
    variances: np.ndarray
    codewords: np.ndarray


class WholeTransform:
    """Matrices of floats, forward [channels, components] and backward."""

    codec = TransformCodec

    def __init__(self, forward, backward):
        self.forward, self.backward = forward, backward

    def in_units(self, unit):
        """The transform to components in this unit."""
        return WholeTransform(self.forward / unit, unit * self.backward)

    def components(self, x):
        """Of states [..., channels] without mean."""
        return x @ self.forward

    def gradients(self, gradients):
        """Of components, from those of states [..., channels]."""
        return gradients @ self.backward.T

    def norms(self):
        """[components]: the largest of each, of states of length 1."""
        return np.sqrt(np.square(self.forward).sum(axis=0))

    def numbers(self, state_range, component_range):
        """Fields and tensors of a codec, for states and components of magnitudes up to these."""
        analysis, analysis_bits = ExactMatrix.rounded(self.forward, VALUE_RANGE_BITS)
        synthesis, synthesis_bits = ExactMatrix.rounded(self.backward, VALUE_RANGE_BITS)
        config = {
            "state_bits": value_bits(state_range),
            "analysis_bits": analysis_bits,
            "component_bits": value_bits(component_range),
            "synthesis_bits": synthesis_bits,
        }
        return config, {"analysis": analysis, "synthesis": synthesis}


class BlockTransform:
    """Stages of blocks, each [count, width, width], and their inverses; between two stages every width-th value comes next to each other."""

    codec = BlockTransformCodec

    def __init__(self, stages, inverses):
        self.stages, self.inverses = stages, inverses

    def in_units(self, unit):
        """The transform to components in this unit."""
        return BlockTransform([*self.stages[:-1], self.stages[-1] / unit], [*self.inverses[:-1], unit * self.inverses[-1]])

    def components(self, x):
        """Of states [..., channels] without mean."""
        return _through(x, self.stages)

    def gradients(self, gradients):
        """Of components, from those of states [..., channels]."""
        return _through(gradients, [blocks.swapaxes(1, 2) for blocks in self.inverses])

    def norms(self, stages=None):
        """[components]: the largest of each, of states of length 1; after the first stages alone where it is said how many."""
        count, width, _ = self.stages[0].shape
        whole = _through(np.eye(count * width, dtype=np.float32), self.stages[:stages])
        return np.sqrt(np.square(whole).sum(axis=0))

    def numbers(self, state_range, component_range):
        """Fields and tensors of a codec, for states and components of magnitudes up to these."""
        # A state of several channels that are as large as one may be is longer than that: the factor is kept throughout.
        between = [state_range * float(self.norms(number).max()) for number in range(1, len(self.stages))]
        ranges = [state_range, *between, component_range]
        analysis, synthesis = _short(self.stages), _short(self.inverses[::-1])
        return {}, {
            "analysis_blocks": analysis[0],
            "analysis_formats": np.column_stack([analysis[1], [value_bits(r) for r in ranges[:-1]]]).astype(np.int32),
            "synthesis_blocks": synthesis[0],
            "synthesis_formats": np.column_stack([synthesis[1], [value_bits(r) for r in ranges[:0:-1]]]).astype(np.int32),
        }


def _short(stages):
    """Stages as int16 [stages, channels, width], and the binary digits of each."""
    integers, bits = zip(*map(short_integers, stages))
    return np.stack(integers).reshape(len(stages), -1, stages[0].shape[-1]), bits


def _through(values, stages):
    """Values [..., channels] after all stages."""
    made = values.reshape(-1, values.shape[-1])
    for number, blocks in enumerate(stages):
        made = interleaved(made, blocks.shape[1]) if number else made
        made = block_product(made, blocks.astype(values.dtype, copy=False))
    return made.reshape(values.shape)


def fit_whole(statistics, alpha, shrinkage, before):
    """`Fitted` of a metric of this strength and shrinkage; `before` is a `Prior` or None."""
    s = statistics
    flat = s.kept_gradients.reshape(-1, s.kept_gradients.shape[-1]).astype(np.float64)
    metric = fisher_metric(clipped(flat), alpha, shrinkage, before)
    values = s.x @ metric.forward
    known = s.codeword_of_x >= 0
    predicted, codewords = fit_codewords(s.codewords.features, values[known], s.codeword_of_x[known])
    # The basis of what the regression leaves over: the means are fitted too closely to these very tokens.
    left = values[known] - predicted[s.codeword_of_x[known]]
    left /= np.sqrt(np.maximum(token_scales(left), LEAST_SCALE))[:, None]
    covariance = shrunk_covariance(left @ metric.backward)
    if before is not None:
        covariance = before.with_covariance(covariance, len(left))
    covariance = metric.forward @ covariance @ metric.forward
    variances, basis = principal_components(covariance)
    return Fitted(WholeTransform(metric.forward @ basis, basis.T @ metric.backward), variances, codewords @ basis)


class Leftover(NamedTuple):
    """What blocks of any metric are fitted to: codewords [codewords, channels], and what the regression leaves over of states [n, channels],
    tokens at equal scales."""

    codewords: np.ndarray
    states: np.ndarray

    @classmethod
    def of(cls, s):
        """In a metric of single channels: few massive ones would rule the regression."""
        channels = s.x.shape[1]
        energy = np.square(clipped(s.kept_gradients.reshape(-1, channels)), dtype=np.float64).mean(axis=0)
        weights = (energy / energy.mean() + LEAST_ENERGY) ** (CHANNEL_ALPHA / 2)
        known = s.codeword_of_x >= 0
        values = s.x[known] * weights.astype(s.x.dtype)
        predicted, codewords = fit_codewords(leading_features(s.codewords.features), values, s.codeword_of_x[known])
        left = values - predicted.astype(values.dtype)[s.codeword_of_x[known]]
        left /= (weights * np.sqrt(np.maximum(token_scales(left), LEAST_SCALE))[:, None]).astype(left.dtype)
        return cls(codewords / weights, left)


def fit_blocks(statistics, alpha, shrinkage):
    """`Fitted` in blocks: each the principal components of what the stage before made of the tokens, in the first one in the metric of
    its own channels' gradients."""
    channels = statistics.x.shape[1]
    width = _width(channels)
    left = statistics.leftover.states
    gradients = clipped(statistics.kept_gradients.reshape(-1, channels))
    size = float(np.square(gradients, dtype=np.float64).mean())
    stages, inverses = [], []
    for number in range(STAGES):
        left = interleaved(left, width) if number else left
        parts = _parts(left, width)
        metrics = [None] * len(parts)
        if number == 0:
            metrics = [fisher_metric(part.astype(np.float64), alpha, shrinkage, mean=size) for part in _parts(gradients, width)]
        blocks, back, variances = zip(*map(_block, parts, metrics))
        stages.append(np.stack(blocks))
        inverses.append(np.stack(back))
        left = block_product(left, stages[-1].astype(left.dtype))
    transform = BlockTransform(stages, inverses)
    return Fitted(transform, np.concatenate(variances), transform.components(statistics.leftover.codewords))


def _width(channels):
    """Of the blocks of a stage: as many as divide the channels, but no more than they are wide."""
    return next(channels // count for count in range(MOST_BLOCKS, 0, -1) if channels % count == 0 and count**2 <= channels)


def _parts(values, width):
    """The columns of each block."""
    return [values[:, start : start + width] for start in range(0, values.shape[1], width)]


def _block(part, metric):
    """A block, its inverse and variances, of values [n, width] and their metric, None for squared error."""
    covariance = shrunk_covariance(part).astype(np.float64)
    forward = backward = np.eye(len(covariance))
    if metric is not None:
        forward, backward = metric.forward, metric.backward
    variances, basis = principal_components(forward @ covariance @ forward)
    return forward @ basis, basis.T @ backward, variances

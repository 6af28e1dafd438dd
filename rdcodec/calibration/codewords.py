"""The codebook: what a token's own identity says of its hidden state.

A codeword is the expected hidden state of a vocabulary entry. Few entries are seen often enough to average, so each is predicted
from the state that the model itself gives to the token without context, by ridge regression, its ridge that of least error in
text it is not fitted to; the mean of what is left over refines the frequent ones. Without a vocabulary, what tokens are known
by is their position. The encoder sends the codeword that fits best; nothing else knows of tokens.
"""

import functools
from typing import NamedTuple

import numpy as np
import torch

from rdcodec.calibration.inputs import input_states
from rdcodec.splits import find_site

__all__ = ["Codewords", "fit_codewords", "leading_features", "position_codewords", "vocabulary_codewords"]

MOST_CODEWORDS = 8192
MOST_ELEMENTS = 15 * 2**20  # of all codewords, which are most of a wide codec's checkpoint: 30 MiB
LEADING = 512  # directions of features that wide states are predicted from
FOLDS = 4  # of the text, each predicted from the others
RIDGES = 10.0 ** np.arange(-7, 0.5, 0.5)  # of the mean eigenvalue, which a few massive channels may rule
TINY = 1e-30  # where all tokens have one codeword
PSEUDO_COUNT = 4
BATCH = 256
SEED = 23


class Codewords(NamedTuple):
    """What is known of tokens before their states are.

    Attributes
    ----------
    of_tokens : ndarray
        int64 [windows, tokens], the codeword of each token fitted to, -1 where it has none.
    counts : ndarray
        int64 [codewords], how often each was seen.
    features : ndarray
        float64 [codewords, features], what its expected state is predicted from.
    apart : int
        Positions at the start of a window whose states say little of their tokens: 1 in a text, 0 elsewhere.
    """

    of_tokens: np.ndarray
    counts: np.ndarray
    features: np.ndarray
    apart: int


def vocabulary_codewords(model, layer, ids, counts, report):
    """`Codewords` of a vocabulary whose entries have these counts [vocabulary], for token ids [windows, tokens]."""
    vocabulary = choose_vocabulary(counts, most_codewords(find_site(model, layer).channels))
    codeword_of_id = np.full(len(counts), -1)
    codeword_of_id[vocabulary] = np.arange(len(vocabulary))
    features = context_free_states(model, layer, vocabulary, report)
    return Codewords(codeword_of_id[ids.numpy()], counts[vocabulary], features, apart=1)


def position_codewords(windows, tokens, kept=True):
    """`Codewords` of tokens without a vocabulary: one for the first position, which may be a class token, and one for the others.

    `kept`, bool [windows, tokens], says which tokens are no padding.
    """
    kept = np.broadcast_to(kept, (windows, tokens))
    of_tokens = np.where(kept, np.minimum(np.cumsum(kept, axis=1) - 1, 1), -1)
    counts = np.bincount(of_tokens[kept])
    return Codewords(of_tokens, counts, np.eye(len(counts)), apart=0)


def most_codewords(channels):
    """int : codewords of states of so many channels, at most."""
    return min(MOST_CODEWORDS, MOST_ELEMENTS // channels)


def choose_vocabulary(counts, most):
    """Token ids [codewords], the most frequent first, at most so many."""
    order = np.argsort(-counts, kind="stable")[:most]
    return order[counts[order] > 0]


def context_free_states(model, layer, vocabulary, progress):
    """float64 [codewords, channels]: states at the split point of each entry after the most frequent one.

    The entry comes second because the first position of a sequence holds massive activations instead of meaning.
    """
    ids = torch.from_numpy(vocabulary)
    pairs = torch.stack([ids[:1].expand(len(ids)), ids], dim=1)
    states = []
    for start in range(0, len(pairs), BATCH):
        states.append(input_states(model, layer, pairs[start : start + BATCH])[:, 1].double().numpy())
        progress("codewords", min(1.0, (start + BATCH) / len(pairs)))
    return np.concatenate(states)


def leading_features(features):
    """Features [codewords, features] along the LEADING directions in which they differ most, as a random projection finds them."""
    count = min(LEADING, *features.shape)
    centred = features - features.mean(axis=0)
    random = np.random.default_rng(SEED).normal(size=(features.shape[1], count))
    directions, _ = np.linalg.qr(centred.T @ (centred @ random))
    return centred @ directions


def fit_codewords(features, values, codeword_of):
    """Codewords for values.

    Parameters
    ----------
    features : ndarray
        float64 [codewords, features]
    values : ndarray
        [n, channels], in the metric, of tokens whose codeword is `codeword_of` [n], in the order of the text.

    Returns
    -------
    predicted, codewords : ndarray
        [codewords, channels]: by regression alone, and refined by means.
    """
    fold = np.arange(len(values)) * FOLDS // len(values)
    parts = [_CodewordSums.of(values[fold == k], codeword_of[fold == k], len(features)) for k in range(FOLDS)]
    whole = functools.reduce(_CodewordSums.plus, parts)
    errors = sum(_Regression(features, whole.minus(part)).errors(part) for part in parts)
    return _Regression(features, whole).codewords(RIDGES[np.argmin(errors)])


class _CodewordSums(NamedTuple):
    """How many values there are of each codeword, [codewords], and their sums, [codewords, channels]."""

    counts: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, values, codeword_of, codewords):
        sums = np.zeros((codewords, values.shape[1]))
        if len(values):
            order = np.argsort(codeword_of, kind="stable")
            found, starts = np.unique(codeword_of[order], return_index=True)
            sums[found] = np.add.reduceat(values[order], starts)
        return cls(np.bincount(codeword_of, minlength=codewords), sums)

    def plus(self, other):
        return _CodewordSums(self.counts + other.counts, self.sums + other.sums)

    def minus(self, other):
        return _CodewordSums(self.counts - other.counts, self.sums - other.sums)


class _Regression:
    """Ridge regression of values on the features of their codewords, for every ridge at the cost of one."""

    def __init__(self, features, seen):
        self._features, self._seen = features, seen
        self._centre, self._mean = (seen.counts @ features) / seen.counts.sum(), seen.sums.sum(axis=0) / seen.counts.sum()
        x, weights, sums = self._of(seen)
        spectrum, self._axes = np.linalg.eigh((x * weights).T @ x)
        self._spectrum = np.maximum(spectrum, 0)
        self._moments = self._axes.T @ (x.T @ sums)

    def _of(self, seen):
        """Centred features, counts and sums of the codewords that are seen."""
        used = seen.counts > 0
        counts = seen.counts[used, None].astype(np.float64)
        return self._features[used] - self._centre, counts, seen.sums[used] - counts * self._mean

    def _damping(self, ridge):
        return 1 / (self._spectrum + max(ridge * self._spectrum.mean(), TINY))

    def errors(self, seen):
        """Squared error of the prediction of other values for each of the ridges, beside what all have in common."""
        x, counts, sums = self._of(seen)
        x = x @ self._axes
        square = ((x * counts).T @ x) * (self._moments @ self._moments.T)
        linear = ((x.T @ sums) * self._moments).sum(axis=1)
        return np.array([d @ square @ d - 2 * d @ linear for d in map(self._damping, RIDGES)])

    def codewords(self, ridge):
        """Predictions [codewords, channels], and these refined by the mean of what they leave over, where that is of many values."""
        weights = self._axes @ (self._damping(ridge)[:, None] * self._moments)
        predicted = (self._features - self._centre) @ weights + self._mean
        counts = self._seen.counts[:, None]
        return predicted, predicted + (self._seen.sums - counts * predicted) / (counts + PSEUDO_COUNT)

"""The codebook of words: what a token's own identity says of its hidden state.

A word is the expected hidden state of a vocabulary entry. Few entries are seen often enough to average, so each is predicted
from the state that the model itself gives to the token without context, by ridge regression; the mean of what is left over
refines the frequent ones. Without a vocabulary, what tokens are known by is their position. The encoder sends the word that
fits best; nothing else knows of tokens.
"""

from typing import NamedTuple

import numpy as np
import torch

from rdcodec.calibration.inputs import input_states

__all__ = ["Words", "fit_words", "position_words", "vocabulary_words"]

MOST_WORDS = 8192
RIDGE = 0.03
TINY = 1e-30  # where all tokens have one word
PSEUDO_COUNT = 4
BATCH = 256


class Words(NamedTuple):
    """What is known of tokens before their states are.

    Attributes
    ----------
    of_tokens : ndarray
        int64 [windows, tokens], the word of each token fitted to, -1 where it has none.
    counts : ndarray
        int64 [words], how often each was seen.
    features : ndarray
        float64 [words, features], what its expected state is predicted from.
    apart : int
        Positions at the start of a window whose states say little of their tokens: 1 in a text, 0 elsewhere.
    """

    of_tokens: np.ndarray
    counts: np.ndarray
    features: np.ndarray
    apart: int


def vocabulary_words(model, layer, ids, counts, report):
    """`Words` of a vocabulary whose entries have these counts [vocabulary], for token ids [windows, tokens]."""
    vocabulary = choose_vocabulary(counts)
    word_of_id = np.full(len(counts), -1)
    word_of_id[vocabulary] = np.arange(len(vocabulary))
    features = context_free_states(model, layer, vocabulary, report)
    return Words(word_of_id[ids.numpy()], counts[vocabulary], features, apart=1)


def position_words(windows, tokens):
    """`Words` of tokens without a vocabulary: one for the first position, which may be a class token, and one for the others."""
    of_tokens = np.tile(np.minimum(np.arange(tokens), 1), (windows, 1))
    return Words(of_tokens, np.bincount(of_tokens.ravel()), np.eye(of_tokens.max() + 1), apart=0)


def choose_vocabulary(counts):
    """Token ids [words], the most frequent first."""
    order = np.argsort(-counts, kind="stable")[:MOST_WORDS]
    return order[counts[order] > 0]


def context_free_states(model, layer, vocabulary, progress):
    """float64 [words, channels]: states at the split point of each entry after the most frequent one.

    The entry comes second because the first position of a sequence holds massive activations instead of meaning.
    """
    ids = torch.from_numpy(vocabulary)
    pairs = torch.stack([ids[:1].expand(len(ids)), ids], dim=1)
    states = []
    for start in range(0, len(pairs), BATCH):
        states.append(input_states(model, layer, pairs[start : start + BATCH])[:, 1].double().numpy())
        progress("words", min(1.0, (start + BATCH) / len(pairs)))
    return np.concatenate(states)


def fit_words(features, values, word_of):
    """Words for values.

    Parameters
    ----------
    features : ndarray
        float64 [words, features]
    values : ndarray
        [n, channels], in the metric, of tokens whose word is `word_of` [n].

    Returns
    -------
    predicted, words : ndarray
        [words, channels]: by regression alone, and refined by means.
    """
    seen = features[word_of]
    centre, mean = seen.mean(axis=0), values.mean(axis=0)
    seen = seen - centre
    gram = seen.T @ seen
    gram += max(RIDGE * np.trace(gram) / len(gram), TINY) * np.eye(len(gram))
    regression = np.linalg.solve(gram, seen.T @ (values - mean))
    predicted = (features - centre) @ regression + mean
    left, counts = np.zeros_like(predicted), np.bincount(word_of, minlength=len(features))
    np.add.at(left, word_of, values - predicted[word_of])
    return predicted, predicted + left / (counts + PSEUDO_COUNT)[:, None]

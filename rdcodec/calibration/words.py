"""The codebook of words: what a token's own identity says of its hidden state.

A word is the expected hidden state of a vocabulary entry. Few entries are seen often enough to average, so each is predicted
from the state that the model itself gives to the token without context, by ridge regression; the mean of what is left over
refines the frequent ones. The encoder sends the word that fits best; nothing else knows of tokens.
"""

import numpy as np
import torch

from rdcodec.splits import head_states

__all__ = ["choose_vocabulary", "context_free_states", "fit_words"]

MOST_WORDS = 8192
RIDGE = 0.03
PSEUDO_COUNT = 4
BATCH = 256


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
        states.append(head_states(model, layer, pairs[start : start + BATCH])[:, 1].double().numpy())
        progress("words", min(1.0, (start + BATCH) / len(pairs)))
    return np.concatenate(states)


def fit_words(states, values, word_of):
    """Words for values.

    Parameters
    ----------
    states : ndarray
        [words, channels], context-free.
    values : ndarray
        [n, channels], in the metric, of tokens whose word is `word_of` [n].

    Returns
    -------
    predicted, words : ndarray
        [words, channels]: by regression alone, and refined by means.
    """
    seen = states[word_of]
    centre, mean = seen.mean(axis=0), values.mean(axis=0)
    seen = seen - centre
    gram = seen.T @ seen
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    regression = np.linalg.solve(gram, seen.T @ (values - mean))
    predicted = (states - centre) @ regression + mean
    left, counts = np.zeros_like(predicted), np.bincount(word_of, minlength=len(states))
    np.add.at(left, word_of, values - predicted[word_of])
    return predicted, predicted + left / (counts + PSEUDO_COUNT)[:, None]

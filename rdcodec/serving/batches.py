"""One-token steps of several sessions in one forward pass: caches of different lengths side by side."""

from time import perf_counter

import torch
from torch.nn.functional import pad
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from rdcodec.codecs import decode_rows
from rdcodec.errors import LimitError, RdcodecError
from rdcodec.serving.context import forward_arguments
from rdcodec.splits import run_tail
from rdcodec.splits.rows import as_sent

__all__ = ["can_batch", "steps_together"]


def can_batch(site):
    """Whether the tail's caches can lie side by side: all their layers keep all tokens."""
    return all(type(layer) is DynamicLayer for layer in DynamicCache(config=site.base.config).layers[site.layer :])


def steps_together(jobs):
    """The steps of several sessions of one tail.

    Parameters
    ----------
    jobs : list of tuple
        (session, frames, max_tokens), as of `TailSession.step`; more than one only where the model `can_batch`, of sessions that
        are `is_steady`, none twice.

    Returns
    -------
    list of Step or Exception
        Of each job.
    """
    began = perf_counter()
    h = _decoded(jobs) if len(jobs) > 1 else None
    if h is None:
        return [_alone(*job) for job in jobs]
    decoded = perf_counter()
    sessions = [session for session, *_ in jobs]
    try:
        logits = _forward(sessions, h)
        times = decoded - began, perf_counter() - decoded
        return [session.chosen(own, *times) for session, own in zip(sessions, logits.split(_sizes(sessions)))]
    except Exception as error:  # of the pass that all share
        return [error] * len(jobs)


def _alone(session, frames, max_tokens):
    try:
        return session.step(frames, max_tokens)
    except Exception as error:  # of this session; others go on
        return error


def _decoded(jobs):
    """float32 [rows of all sessions, 1, channels]; None, and nothing has been done, where each session is to be taken for itself."""
    alike = all(max_tokens > 0 and [len(row) for row in frames] == [1] * len(session.decoders) for session, frames, max_tokens in jobs)
    if not alike:
        return None
    decoders = [decoder for session, *_ in jobs for decoder in session.decoders]
    try:
        return torch.as_tensor(decode_rows(decoders, [frame for _, frames, _ in jobs for (frame,) in frames]))
    except RdcodecError:  # whose it was is found when each is taken for itself
        return None


def _forward(sessions, h):
    """Logits [rows of all sessions, vocabulary]."""
    if h.shape[1] != 1:
        raise LimitError(f"frames: expected 1 token a row behind the prompt, got {h.shape[1]}")
    tail = sessions[0].tail
    site, contexts = tail.part.site, [session.context for session in sessions]
    masks = [context.extended(torch.ones(len(context.mask), 1)) for context in contexts]
    longest = max(mask.shape[1] for mask in masks)
    mask = torch.cat([pad(mask, (longest - mask.shape[1], 0)) for mask in masks])
    cache = DynamicCache(config=site.base.config)
    for i in contexts[0].own:
        cache.layers[i] = _Together([context.cache.layers[i] for context in contexts], _sizes(sessions))
    cache.layers[: site.layer] = [cache.layers[site.layer]] * site.layer  # models ask the first one how many tokens there are
    with torch.inference_mode():
        inputs = {**forward_arguments(site.model, mask, 1, cache), "logits_to_keep": 1}
        logits = run_tail(site.model, site.layer, as_sent(h, tail.like), **inputs)
    for context, own in zip(contexts, masks):
        context.mask = own
    return logits[:, -1]


def _sizes(sessions):
    return [len(session.decoders) for session in sessions]


class _Together(DynamicLayer):
    """A layer of several caches, which grow each for itself and are seen as one, padded on the left."""

    def __init__(self, layers, sizes):
        super().__init__()
        self.of_sessions, self.sizes = layers, sizes
        self.is_initialized = True

    def get_seq_length(self):
        return max(layer.get_seq_length() for layer in self.of_sessions)

    def update(self, key_states, value_states, *args, **kwargs):
        parts = zip(self.of_sessions, key_states.split(self.sizes), value_states.split(self.sizes))
        keys, values = zip(*(layer.update(*part) for layer, *part in parts))
        return _side_by_side(keys), _side_by_side(values)


def _side_by_side(states):
    """[rows of all, heads, longest, width]"""
    longest = max(each.shape[-2] for each in states)
    return torch.cat([pad(each, (0, 0, longest - each.shape[-2], 0)) for each in states])

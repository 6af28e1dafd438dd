"""Principal components, bits by dynamic programming, and deflate."""

import zlib

import numpy as np

from rdcodec.evaluation.baselines.affine import affine_levels, affine_scales, affine_values
from rdcodec.evaluation.baselines.allocation import Allocation, Group
from rdcodec.evaluation.baselines.base import Baseline

__all__ = ["ComponentPlan", "KVTCCodec"]

SIZES = (1, 16, 64, 256, 1024)
BITS = (1, 2, 3, 4, 5, 6, 8)
SCALE_BITS = 32  # a shift and a scale
ERROR_TOKENS = 512  # that errors are measured on
FRAME_TOKENS = 512  # that share scales, as the allocation counts them


class ComponentPlan:
    """What is fitted to the calibration text: the components, and the best groups within every budget.

    Parameters
    ----------
    h : ndarray
        float32 [tokens, channels] of the calibration text, sinks left out.
    scope : {"token", "frame"}
        Whether each token has scales for each group, or the frame has.
    most : int
        Largest budget, bits a token before deflate.
    """

    def __init__(self, h, scope="frame", most=4096):
        self.scope = scope
        self.mean = h.mean(axis=0)
        self.basis = np.linalg.eigh(np.cov((h - self.mean).T.astype(np.float64)))[1][:, ::-1].astype(np.float32)
        spread = np.linspace(0, len(h) - 1, min(len(h), ERROR_TOKENS)).astype(int)
        y = (h[spread] - self.mean) @ self.basis
        overhead = SCALE_BITS if scope == "token" else -(-SCALE_BITS // FRAME_TOKENS)
        self._allocation = Allocation(self._errors(y), overhead, most)

    @property
    def axis(self):
        """Axes of [tokens, components of a group] that share a shift and a scale."""
        return 1 if self.scope == "token" else (0, 1)

    def groups(self, budget):
        """Groups for a budget, without those of no bits."""
        return [group for group in self._allocation.groups(budget) if group.bits]

    def _errors(self, y):
        """Squared error of a token in every group that may be chosen."""
        tokens, components = y.shape
        errors = {Group(i, 1, 0): float(np.square(y[:, i]).mean()) for i in range(components)}
        for size in (size for size in SIZES if size <= components):
            for start in range(components - size + 1):
                x = y[:, start : start + size]
                for bits in BITS:
                    low, scale = affine_scales(x, bits, self.axis)
                    error = affine_values(affine_levels(x, low, scale, bits), low, scale) - x
                    errors[Group(start, size, bits)] = float(np.square(error).sum()) / tokens
        return errors


class KVTCCodec(Baseline):
    """Principal components of the calibration text in integers of as many bits as dynamic programming gives them, then deflate
    (KVTC, arXiv 2511.01815).

    Components, by falling variance, are divided into groups of 1, 16, 64, 256 or 1,024 with the same bits; the division has the least
    squared error on the calibration text within a budget that counts scales. Integers, a byte each, and scales go through zlib.

    Ambiguous: whether a group's shift and scale are those of a token or of all tokens sent together (`scope`, a setting); which bit
    widths there are (1 to 6 and 8 here, integers all of them); whether integers are packed before deflate (not here: bytes take 1%
    more bits at a budget of 2 bits a component, 1 to 4% fewer above). The paper leaves the first tokens, attention sinks, and the
    last ones of a cache as they are; here the first ones may be (`sinks`), as float16.

    Parameters
    ----------
    plan : ComponentPlan
    budget : int
        Bits a token before deflate, at most the largest of the plan.
    sinks : int
        First tokens of a row that are sent as float16.
    """

    def __init__(self, plan, budget, sinks=0):
        super().__init__(len(plan.mean), "kvtc", scope=plan.scope, budget=budget, sinks=sinks)
        self._plan = plan
        self._sinks = sinks
        self._groups = plan.groups(budget)

    def _new_state(self):
        state = super()._new_state()
        state.sinks = self._sinks
        return state

    def _tensors(self):
        return {"mean": self._plan.mean, "basis": self._plan.basis}

    def _encode_tokens(self, h, quality, state):
        raw = self._raw_tokens(len(h), state)
        largest = np.finfo(np.float16).max
        sinks = np.clip(h[:raw], -largest, largest).astype("<f2").tobytes()
        y = (h[raw:] - self._plan.mean) @ self._plan.basis
        return sinks + (zlib.compress(b"".join(self._encode_group(y, group) for group in self._groups), 9) if len(y) else b"")

    def _encode_group(self, y, group):
        x = y[:, group.start : group.start + group.size]
        low, scale = affine_scales(x, group.bits, self._plan.axis)
        levels = affine_levels(x, low, scale, group.bits)
        return low.tobytes() + scale.tobytes() + levels.astype(np.uint8).T.tobytes()

    def _decode_tokens(self, payload, tokens, quality, state):
        raw = self._raw_tokens(tokens, state)
        h = np.empty((tokens, self.channels), np.float32)
        h[:raw] = np.frombuffer(payload, "<f2", raw * self.channels).reshape(raw, self.channels)
        if raw < tokens:
            h[raw:] = self._decode_components(payload[2 * raw * self.channels :], tokens - raw) @ self._plan.basis.T + self._plan.mean
        return h

    def _decode_components(self, payload, tokens):
        data, at = zlib.decompress(payload), 0
        y = np.zeros((tokens, self.channels), np.float32)
        count = tokens if self._plan.scope == "token" else 1
        for group in self._groups:
            low, scale = np.frombuffer(data, "<f2", 2 * count, at).reshape(2, count, 1)
            at += 4 * count
            levels = np.frombuffer(data, np.uint8, tokens * group.size, at).reshape(group.size, tokens).T
            at += tokens * group.size
            y[:, group.start : group.start + group.size] = affine_values(levels, low, scale)
        return y

    def _raw_tokens(self, tokens, state):
        """How many of the next tokens are sinks; the state counts those to come."""
        raw = min(tokens, state.sinks)
        state.sinks -= raw
        return raw

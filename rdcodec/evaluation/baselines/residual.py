"""What is new in a token beside an earlier one."""

import numpy as np

from rdcodec.codecs import IntegerCodec
from rdcodec.codecs.link import State
from rdcodec.evaluation.baselines.base import Baseline

__all__ = ["ResidualCodec"]

WEIGHTS = 8  # a weight is a multiple of 1 / 8, at most 1
HEAD = np.dtype([("back", "<u2"), ("weight", "u1")])


class ResidualCodec(Baseline):
    """The residual of each token against an earlier decoded one, in integers with a scale a group (RAC, arXiv 2608.04991).

    Of the tokens in the window, as the decoder has them, the one is taken whose multiple leaves the least squared error; how far back
    it is (16 bits) and its weight (8 bits) go with the residual. Weight 0 leaves the token as it is.

    Ambiguous: written from a summary (residual against earlier tokens, 4-bit groups); how the paper chooses the token and whether it
    scales it is not known. The bits are a setting here, 4 among them.

    Parameters
    ----------
    channels : int
    bits : int
        Of an integer, 2 to 8.
    group : int
        Channels that share a float16 scale.
    window : int
        Earlier tokens to choose from, at most.
    """

    def __init__(self, channels, bits=4, group=32, window=512):
        super().__init__(channels, "residual", bits=bits, group=group, window=window)
        self._integers = IntegerCodec(channels, bits, min(group, channels))
        self._window = window

    def _new_state(self):
        state = State()
        state.tokens = np.zeros((0, self.channels), np.float32)
        return state

    def _encode_tokens(self, h, quality, state):
        return b"".join(self._encode_token(token, state) for token in h)

    def _encode_token(self, token, state):
        head = np.zeros(1, HEAD)
        head["back"], head["weight"] = _reference(token, state.tokens)
        predicted = self._predicted(head, state)
        payload = self._integers.encode_payload((token - predicted)[None])
        self._remember(predicted + self._integers.decode_payload(payload, 1)[0], state)
        return head.tobytes() + payload

    def _decode_tokens(self, payload, tokens, quality, state):
        size = len(payload) // tokens
        h = np.empty((tokens, self.channels), np.float32)
        for i in range(tokens):
            part = payload[i * size : (i + 1) * size]
            predicted = self._predicted(np.frombuffer(part, HEAD, 1), state)
            h[i] = predicted + self._integers.decode_payload(bytes(part[HEAD.itemsize :]), 1)[0]
            self._remember(h[i], state)
        return h

    def _predicted(self, head, state):
        if not head["weight"][0]:
            return np.zeros(self.channels, np.float32)
        return state.tokens[-int(head["back"][0])] * np.float32(head["weight"][0] / WEIGHTS)

    def _remember(self, token, state):
        state.tokens = np.concatenate([state.tokens, token[None]])[-self._window :]


def _reference(token, earlier):
    """How far back the best earlier token is, 1 for the last one, and its weight in eighths: of the least squared residual."""
    if not len(earlier):
        return 0, 0
    products, energies = earlier @ token, np.einsum("ij,ij->i", earlier, earlier)
    weights = np.clip(np.rint(WEIGHTS * products / np.maximum(energies, 1e-30)), 0, WEIGHTS)
    gains = 2 * weights / WEIGHTS * products - np.square(weights / WEIGHTS) * energies
    best = int(np.argmax(gains))
    return len(earlier) - best, int(weights[best])

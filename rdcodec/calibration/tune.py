"""Settings chosen by the loss itself, on held-out windows."""

import math

import numpy as np
import torch

from rdcodec.calibration.output import head_inputs, kl_divergence

__all__ = ["HeldOut"]

BISECTIONS = 5


class HeldOut:
    """Held-out windows and what the model makes of them uncompressed.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    states : torch.Tensor
        [windows, tokens, channels] at the split point `layer`.
    """

    def __init__(self, model, layer, states):
        self._model = model
        self._layer = layer
        self._states = [window[None] for window in states]
        with torch.no_grad():
            self._reference = [head_inputs(model, layer, window) for window in self._states]

    def measure(self, codec, quality):
        """Rate in bits per token (payloads) and loss, KL(uncompressed || compressed) in nats a token."""
        size, losses = 0, []
        for window, reference in zip(self._states, self._reference):
            h = np.ascontiguousarray(window[0].float().numpy())
            payload = codec._encode_tokens(h, quality, None)
            decoded = torch.from_numpy(codec._decode_tokens(payload, len(h), quality, None))[None].to(window)
            with torch.no_grad():
                losses.append(kl_divergence(self._model, reference, head_inputs(self._model, self._layer, decoded)))
            size += len(payload)
        tokens = sum(window.shape[1] for window in self._states)
        return 8 * size / tokens, sum(losses) / len(losses)

    def rate_at(self, codec, target_kl, progress):
        """Quality that just keeps the loss at the target, and the rate there, interpolated between qualities.

        The loss falls by a constant factor a quality, nearly, so secants in its logarithm find the place in a few steps.
        """
        low, high, points = codec.min_quality, codec.max_quality, {}
        quality = -8
        for attempt in range(BISECTIONS):
            points[quality] = self.measure(codec, quality)
            progress(attempt / BISECTIONS)
            if points[quality][1] <= target_kl:
                high = min(high, quality)
            else:
                low = max(low, quality)
            if high - low <= 1:
                break
            quality = int(np.clip(_guess(points, target_kl), low + 1, high - 1))
        return high, _rate(points, target_kl)


def _guess(points, target):
    """Quality where a line through the logarithms of the two losses nearest to the target meets it."""
    near = sorted(points, key=lambda q: abs(math.log(max(points[q][1], 1e-12) / target)))[:2]
    logs = [math.log(max(points[q][1], 1e-12)) for q in near]
    slope = -0.13 if len(near) < 2 or logs[0] == logs[1] else (logs[1] - logs[0]) / (near[1] - near[0])
    return math.ceil(near[0] + (math.log(target) - logs[0]) / (slope if slope < 0 else -0.13))


def _rate(points, target):
    """Rate at the target, on the line through the two points nearest to it in log loss."""
    near = sorted(points.values(), key=lambda p: abs(math.log(max(p[1], 1e-12) / target)))[:2]
    if len(near) < 2 or near[0][1] == near[1][1]:
        return near[0][0]
    (r0, k0), (r1, k1) = near
    return r0 + (r1 - r0) * math.log(target / k0) / math.log(k1 / k0)

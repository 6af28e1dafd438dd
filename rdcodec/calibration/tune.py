"""Settings chosen by the loss itself, on held-out windows of tokens or other inputs."""

import math

import numpy as np
import torch

from rdcodec.calibration.inputs import kept_of
from rdcodec.calibration.output import head_inputs, kl_divergence
from rdcodec.calibration.windows import batches

__all__ = ["HeldOut", "rate_at_target"]

ATTEMPTS = 8
QUALITY_DECAY = 0.13  # what the logarithm of the loss falls by, a quality, as a first guess ...
LOSS_DECAY = 1.7  # ... and a bit per element
NEAR = 8  # qualities, a factor of 2 of the step


class HeldOut:
    """Held-out windows and what the model makes of them uncompressed.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    states : torch.Tensor
        [windows, tokens, channels] at the split point `layer`.
    inputs : torch.Tensor or PaddedTexts
        [windows, ...], the model's main input that they are of. Padding is neither coded nor counted.
    """

    def __init__(self, model, layer, states, inputs):
        self._model = model
        self._layer = layer
        self._parts = batches(states, inputs)
        with torch.no_grad():
            self._reference = [head_inputs(model, layer, *part) for part in self._parts]

    def measure(self, codec, quality):
        """Rate in bits per token (payloads) and loss, KL(uncompressed || compressed) in nats, the mean over outputs."""
        size, loss, windows, tokens = 0, 0.0, 0, 0
        for (part, inputs), reference in zip(self._parts, self._reference):
            kept, decoded = kept_of(inputs, part.shape[1]), part.float().cpu().numpy().copy()
            payloads = [codec.encode_payload(h[mask], quality) for h, mask in zip(decoded, kept)]
            for h, mask, payload in zip(decoded, kept, payloads):
                h[mask] = codec.decode_payload(payload, int(mask.sum()), quality)
            decoded = torch.from_numpy(decoded).to(part)
            with torch.no_grad():
                entered = head_inputs(self._model, self._layer, decoded, inputs)
                loss += len(part) * kl_divergence(self._model, reference, entered)
            size += sum(map(len, payloads))
            windows += len(part)
            tokens += int(kept.sum())
        return 8 * size / tokens, loss / windows

    def quality_at(self, codec, target, start, progress):
        """Coarsest quality found that keeps the loss at the target, and the points (quality, bits per token, nats) on the way.

        The loss falls by nearly a constant factor a quality, so a few secants in its logarithm find the place.
        """
        points, quality = {}, start
        for attempt in range(ATTEMPTS):
            points[quality] = self.measure(codec, quality)
            progress(attempt / ATTEMPTS)
            quality = int(np.clip(_next_quality(points, target), codec.min_quality, codec.max_quality))
            if quality in points:  # as far as secants come; not far where the loss has come to its end
                quality = _between(points, target)
            if quality in points:
                break
        good = [q for q, (_, loss) in points.items() if loss <= target]
        return min(good) if good else max(points), [(q, *point) for q, point in sorted(points.items())]


def rate_at_target(point, target, channels):
    """Rate that a codec would have at the target loss, from a point (quality, bits per token, nats) near it."""
    _, rate, loss = point
    return rate + math.log(max(loss, 1e-12) / target) / LOSS_DECAY * channels


def _next_quality(points, target):
    """Quality where the loss meets the target, rounded up, by the two points nearest to it."""
    near = sorted(points, key=lambda q: abs(math.log(max(points[q][1], 1e-12) / target)))[:2]
    logs = [math.log(max(points[q][1], 1e-12)) for q in near]
    slope = (logs[1] - logs[0]) / (near[1] - near[0]) if len(near) == 2 else -QUALITY_DECAY
    if not slope < -QUALITY_DECAY / 4:
        slope = -QUALITY_DECAY
    return math.ceil(near[0] + (math.log(target) - logs[0]) / slope)


def _between(points, target):
    """The middle between the qualities known to be good and not to be, where they are far apart; otherwise one that is known."""
    good = min((q for q in points if points[q][1] <= target), default=None)
    bad = max((q for q in points if points[q][1] > target), default=None)
    if good is None or bad is None or good - bad <= NEAR:
        return max(points)
    return (good + bad) // 2

"""The measuring protocol: windows of text through the head of a model, a codec, and its tail."""

import hashlib
import math
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation.losses import token_losses
from rdcodec.splits import find_site, head_states, run_tail
from rdcodec.stream import MAX_FRAME_TOKENS

__all__ = ["Row", "Setting", "evaluate"]


@dataclass(frozen=True)
class Setting:
    """What is measured: a codec at a layer and a quality.

    Attributes
    ----------
    method : str
        Name of the method; settings of one method and layer make a curve.
    layer : int
        Split point.
    codec : Codec
    quality : int or None
        None for the codec's default; families without a quality have nothing else.
    """

    method: str
    layer: int
    codec: Codec
    quality: int | None = None


@dataclass(frozen=True)
class Row:
    """Result of a setting.

    Attributes
    ----------
    method, layer
        As in the setting.
    quality : int or None
        None for families without one.
    bits_per_token, bits_per_element : float
        Real bits of the coded frames, their headers and checksums included.
    ratio : float
        How many times smaller than float16.
    kl : float
        Mean KL(uncompressed || compressed) over all positions, nats a token.
    delta_nll : float
        Change of the mean negative log-likelihood of the predicted tokens, nats a token.
    kl_stderr, delta_nll_stderr : float or None
        Standard errors of the means over windows; None with one window.
    perplexity, base_perplexity : float
        Of the compressed model and of the uncompressed one.
    tokens : int
        Tokens coded.
    encode_seconds, decode_seconds, forward_seconds : float
        Median time a window takes in the codec, and in the whole uncompressed model, in the same run.
    """

    method: str
    layer: int
    quality: int | None
    bits_per_token: float
    bits_per_element: float
    ratio: float
    kl: float
    kl_stderr: float | None
    delta_nll: float
    delta_nll_stderr: float | None
    perplexity: float
    base_perplexity: float
    tokens: int
    encode_seconds: float
    decode_seconds: float
    forward_seconds: float


@torch.no_grad()
def evaluate(model, windows, settings, frame_tokens=None, progress=None):
    """Measure rate and loss of codecs at split points of a language model.

    Each window is coded on its own, with a new encoder and decoder. The blocks before a split point run once a window
    for all settings; settings whose codecs decode to the same values share one run of what follows.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A causal language model of a known architecture, in evaluation mode.
    windows : torch.Tensor
        int64 [windows, tokens], at least 2 tokens.
    settings : list of Setting
    frame_tokens : int, optional
        Tokens a frame at most, 1 to 4096; with 1, the rate is that of generation token by token.
    progress : callable, optional
        (stage, fraction) -> None, called as the work goes on.

    Returns
    -------
    list of Row
        One a setting, in their order.

    Raises
    ------
    RdcodecError
        There are no settings; the architecture is unknown; a layer, a quality or `frame_tokens` is out of range; a codec
        has other channels than the model; the windows are longer than the model allows.
    """
    _check(model, windows, settings, frame_tokens)
    layers = sorted({setting.layer for setting in settings})
    measures = [_Measures() for _ in settings]
    base_nll, forward_seconds = [], []
    done, total = 0, len(windows) * len(settings)
    for ids in windows:
        began = perf_counter()
        states = {layers[0]: head_states(model, layers[0], ids[None])[0]}
        reference = run_tail(model, layers[0], states[layers[0]][None])[0]
        forward_seconds.append(perf_counter() - began)
        base_nll.append(float(token_losses(reference, reference, ids)[1].mean()))
        states.update({layer: head_states(model, layer, ids[None])[0] for layer in layers[1:]})
        seen = {}
        for setting, measure in zip(settings, measures):
            h = states[setting.layer]
            decoded = measure.send(setting, h, frame_tokens)
            key = setting.layer, hashlib.blake2b(decoded).digest()
            if key not in seen:
                tail = run_tail(model, setting.layer, torch.from_numpy(decoded)[None].to(h))
                kl, nll = token_losses(reference, tail[0], ids)
                seen[key] = float(kl.mean()), float(nll.mean())
            measure.add_losses(*seen[key])
            done += 1
            if progress is not None:
                progress("windows", done / total)
    return [m.row(setting, windows, base_nll, forward_seconds) for setting, m in zip(settings, measures)]


class _Measures:
    """What a setting's windows cost, one entry a window."""

    def __init__(self):
        self.bytes, self.encode_seconds, self.decode_seconds = [], [], []
        self.kl, self.nll = [], []

    def send(self, setting, h, frame_tokens):
        """Values that arrive of h [tokens, channels], by way of the bytes of frames: float32 array."""
        step = frame_tokens or setting.codec.frame_tokens
        encoder, decoder = setting.codec.encoder(setting.quality), setting.codec.decoder()
        began = perf_counter()
        frames = [encoder.encode(part) for part in h.split(step)]
        sent = perf_counter()
        decoded = [decoder.decode(frame) for frame in frames]
        self.decode_seconds.append(perf_counter() - sent)
        self.encode_seconds.append(sent - began)
        self.bytes.append(sum(map(len, frames)))
        return np.concatenate(decoded)

    def add_losses(self, kl, nll):
        self.kl.append(kl)
        self.nll.append(nll)

    def row(self, setting, windows, base_nll, forward_seconds):
        codec, tokens = setting.codec, windows.numel()
        has_quality = codec.min_quality != codec.max_quality
        quality = codec.default_quality if setting.quality is None else setting.quality
        bits_per_token = 8 * sum(self.bytes) / tokens
        delta_nll = np.subtract(self.nll, base_nll)
        return Row(
            method=setting.method,
            layer=setting.layer,
            quality=quality if has_quality else None,
            bits_per_token=bits_per_token,
            bits_per_element=bits_per_token / codec.channels,
            ratio=16 * codec.channels / bits_per_token,
            kl=float(np.mean(self.kl)),
            kl_stderr=_standard_error(self.kl),
            delta_nll=float(delta_nll.mean()),
            delta_nll_stderr=_standard_error(delta_nll),
            perplexity=math.exp(np.mean(self.nll)),
            base_perplexity=math.exp(np.mean(base_nll)),
            tokens=tokens,
            encode_seconds=float(np.median(self.encode_seconds)),
            decode_seconds=float(np.median(self.decode_seconds)),
            forward_seconds=float(np.median(forward_seconds)),
        )


def _standard_error(values):
    """Of the mean of values, one a window."""
    return float(np.std(values, ddof=1) / math.sqrt(len(values))) if len(values) > 1 else None


def _check(model, windows, settings, frame_tokens):
    """Everything that can be refused before the first forward pass."""
    if not settings:
        raise RdcodecError("settings: there is nothing to measure")
    if frame_tokens is not None and not 1 <= frame_tokens <= MAX_FRAME_TOKENS:
        raise RdcodecError(f"frame_tokens: expected 1 to {MAX_FRAME_TOKENS}, got {frame_tokens}")
    longest = getattr(model.config.get_text_config(), "max_position_embeddings", math.inf)
    if not 2 <= windows.shape[1] <= longest:
        raise RdcodecError(f"windows: expected 2 to {longest} tokens, as the model allows, got {windows.shape[1]}")
    for setting in settings:
        channels = find_site(model, setting.layer).channels
        if setting.codec.channels != channels:
            raise RdcodecError(
                f"codec of {setting.method}: expected {channels} channels as the model has, got {setting.codec.channels}"
            )
        setting.codec.encoder(setting.quality)

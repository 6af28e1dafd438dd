"""The measuring protocol: windows of text, or images, through the head of a model, a codec, and its tail."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec.calibration.inputs import check_one_input, input_states, main_input, predicts_tokens, tensors_of
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.evaluation.bootstrap import independent_error, mean_error
from rdcodec.evaluation.losses import output_losses
from rdcodec.evaluation.rows import Rows
from rdcodec.modes import evaluating
from rdcodec.progress import ProgressLines
from rdcodec.splits import longest_input, run_tail, unwrapped
from rdcodec.splits.fingerprint import check_codec, layer_of
from rdcodec.stream import MAX_FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rdcodec.types import Model, Progress

__all__ = ["Row", "Setting", "evaluate"]


@dataclass(frozen=True)
class Setting:
    """What is measured: a codec at a layer and a quality.

    Attributes
    ----------
    method : str
        Name of the method; settings of one method and layer make a curve.
    codec : Codec
    quality : int or None
        None for the codec's default; families without a quality have nothing else.
    layer : int
        Split point; that of the codec where it is not given.
    any_layer : bool
        Take a codec that was fitted to another layer, which is refused otherwise.
    variant : str
        What tells settings of one method apart besides the quality.

    Raises
    ------
    TypeError
        `codec` is none.
    RdcodecError
        No layer is given, and the codec was fitted to none.
    """

    method: str
    codec: Codec
    quality: int | None = None
    layer: int = None  # type: ignore[assignment] # that of the codec
    any_layer: bool = False
    variant: str = ""

    def __post_init__(self):
        object.__setattr__(self, "layer", layer_of(self.codec, self.layer, f"codec of {self.method}"))


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
        Mean KL(uncompressed || compressed) over all outputs: nats a token, or an image.
    delta_nll : float
        Change of the mean negative log-likelihood of the predicted tokens, or of the labels, in nats.
    kl_stderr, delta_nll_stderr : float or None
        Standard errors of the means over windows or images; None with one. Those of windows are by blocks, as neighbours are
        alike (`rdcodec.evaluation.bootstrap.mean_error`).
    perplexity, base_perplexity : float
        Of the compressed model and of the uncompressed one.
    accuracy, base_accuracy : float
        How often the most likely token or class is the right one, 0 to 1. These and the losses before them, but for `kl`, are nan
        where no labels are known.
    tokens : int
        Tokens coded.
    encode_seconds, decode_seconds, forward_seconds : float
        Median time a window or an image takes in the codec, and in the whole uncompressed model, in the same run.
    variant : str
        As in the setting.
    window_bits, window_kl : list of float
        Bits a token and KL of each window or image, in their order.
    bits_per_token_stderr : float or None
    bits_design_effect, kl_design_effect : float or None
        How many times larger the variance of the mean is than it would be if windows were independent, 1 for images.
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
    accuracy: float
    base_accuracy: float
    tokens: int
    encode_seconds: float
    decode_seconds: float
    forward_seconds: float
    variant: str = ""
    window_bits: list = field(default_factory=list)
    window_kl: list = field(default_factory=list)
    bits_per_token_stderr: float | None = None
    bits_design_effect: float | None = None
    kl_design_effect: float | None = None


@torch.no_grad()
def evaluate(
    model: Model,
    inputs: torch.Tensor | Mapping[str, torch.Tensor],
    settings: Sequence[Setting],
    frame_tokens: int | None = None,
    progress: Progress | None = None,
    labels: torch.Tensor | None = None,
    attention_mask: torch.Tensor | None = None,
) -> Rows:
    """Measure rate and loss of codecs at split points of a language model or a classifier.

    Each window or image is coded on its own, with a new encoder and decoder. The blocks before a split point run once an input
    for all settings; settings whose codecs decode to the same values share one run of what follows.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture: a language model that predicts the next token (an encoder and a decoder are given the same text), or
        a classifier. It is in evaluation mode for the time of the measuring, and as it was afterwards.
    inputs : torch.Tensor, or dict of them
        int64 [windows, tokens], at least 2 tokens; for a classifier what it takes, int64 [texts, tokens] or float32 [images,
        channels, height, width]. A dict is what a tokenizer or an image processor returns: the main input, and perhaps its mask.
    settings : list of Setting
    frame_tokens : int, optional
        Tokens a frame at most, 1 to 4096; with 1, the rate is that of generation token by token.
    progress : callable, optional
        (stage, fraction) -> None, called as the work goes on; without it, a line on stderr now and then.
    labels : torch.Tensor, optional
        int64 [inputs], the right class of each. Without labels the right ones are the next tokens; a classifier's KL needs none,
        and what does is nan.
    attention_mask : torch.Tensor, optional
        [texts, tokens], for a classifier: 0 where a token is padding, which is not coded. Where `inputs` is a dict, its own.

    Returns
    -------
    Rows
        A list of `Row`, one a setting, in their order.

    Raises
    ------
    RdcodecError
        There are no settings; the architecture is unknown; a layer, a quality or `frame_tokens` is out of range; a codec
        has other channels than the model or is of another layer; there are no windows, or they are longer than the model allows; inputs, labels and mask
        do not fit together.
    """
    model = unwrapped(model)
    inputs, mask_given = tensors_of(model, inputs)
    attention_mask = mask_given if attention_mask is None else attention_mask
    next_tokens = labels is None and predicts_tokens(model)
    _check(model, inputs, settings, frame_tokens, labels, attention_mask, next_tokens)
    targets = inputs[:, 1:] if next_tokens else _class_targets(labels, len(inputs))
    masks = [None] * len(inputs) if attention_mask is None else attention_mask.bool()
    measures = [_Measures() for _ in settings]
    base, forward_seconds = [], []
    stage = "windows" if next_tokens else "inputs" if inputs.dim() == 2 else "images"
    done, total, report = 0, len(inputs) * len(settings), progress or ProgressLines()
    with evaluating(model):
        for one, mask, right in zip(inputs, masks, targets, strict=True):
            split = _Split(model, one, mask)
            began = perf_counter()
            layer = min(setting.layer for setting in settings)
            reference = split.outputs(layer, split.states(layer))
            forward_seconds.append(perf_counter() - began)
            base.append(_means(output_losses(reference, reference, right)))
            seen = {}
            for setting, measure in zip(settings, measures):
                decoded = measure.send(setting, split.coded_states(setting.layer), frame_tokens)
                key = setting.layer, hashlib.blake2b(decoded).digest()
                if key not in seen:
                    logits = split.outputs(setting.layer, split.with_decoded(setting.layer, decoded))
                    seen[key] = _means(output_losses(reference, logits, right))
                measure.losses.append(seen[key])
                done += 1
                report(stage, done / total)
    error_of = mean_error if next_tokens else independent_error
    return Rows(measure.row(setting, base, forward_seconds, error_of) for setting, measure in zip(settings, measures))


class _Split:
    """One input in a model that is cut: states before the split points, each computed once, and outputs from states on."""

    def __init__(self, model, one, mask):
        self._model = model
        self._input = one[None]
        self._mask = mask
        self._attention = None if mask is None else mask[None].long()
        self._states = {}

    def states(self, layer):
        """[tokens, channels]"""
        if layer not in self._states:
            self._states[layer] = input_states(self._model, layer, self._input, self._attention)[0]
        return self._states[layer]

    def coded_states(self, layer):
        """Of tokens that are no padding."""
        return self.states(layer) if self._mask is None else self.states(layer)[self._mask]

    def with_decoded(self, layer, decoded):
        """States of all tokens, with `decoded`, a float32 array or tensor, in place of `coded_states`."""
        h = self.states(layer)
        decoded = torch.as_tensor(decoded).to(h)
        if self._mask is None:
            return decoded
        h = h.clone()
        h[self._mask] = decoded
        return h

    def outputs(self, layer, h):
        """Logits [outputs, classes] of the model that goes on from h [tokens, channels]."""
        given = main_input(self._model, self._input)
        return run_tail(self._model, layer, h[None], self._attention, **given).flatten(0, -2)


def _class_targets(labels, inputs):
    """int64 [inputs, 1], or [inputs, 0] where nobody knows."""
    return torch.empty(inputs, 0, dtype=torch.int64) if labels is None else labels[:, None]


def _means(losses):
    return [float(values.mean()) for values in losses]  # nan of nothing


class _Measures:
    """What a setting's inputs cost, one entry a window or image."""

    def __init__(self):
        self.tokens, self.bytes, self.encode_seconds, self.decode_seconds = [], [], [], []
        self.losses = []

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
        self.tokens.append(len(h))
        self.bytes.append(sum(map(len, frames)))
        return np.concatenate(decoded)

    def row(self, setting, base, forward_seconds, error_of):
        codec, tokens = setting.codec, sum(self.tokens)
        (kl, nll, correct), (_, base_nll, base_correct) = np.transpose(self.losses), np.transpose(base)
        has_quality = codec.min_quality != codec.max_quality
        quality = codec.default_quality if setting.quality is None else setting.quality
        bits_per_token = 8 * sum(self.bytes) / tokens
        delta_nll = nll - base_nll
        window_bits = 8 * np.array(self.bytes) / self.tokens
        bits_error, kl_error = error_of(window_bits), error_of(kl)
        return Row(
            method=setting.method,
            layer=setting.layer,
            quality=quality if has_quality else None,
            bits_per_token=bits_per_token,
            bits_per_element=bits_per_token / codec.channels,
            ratio=16 * codec.channels / bits_per_token,
            kl=float(kl.mean()),
            kl_stderr=kl_error.error,
            delta_nll=float(delta_nll.mean()),
            delta_nll_stderr=error_of(delta_nll).error,
            perplexity=math.exp(nll.mean()),
            base_perplexity=math.exp(base_nll.mean()),
            accuracy=float(correct.mean()),
            base_accuracy=float(base_correct.mean()),
            tokens=tokens,
            encode_seconds=float(np.median(self.encode_seconds)),
            decode_seconds=float(np.median(self.decode_seconds)),
            forward_seconds=float(np.median(forward_seconds)),
            variant=setting.variant,
            window_bits=window_bits.tolist(),
            window_kl=kl.tolist(),
            bits_per_token_stderr=bits_error.error,
            bits_design_effect=bits_error.design_effect,
            kl_design_effect=kl_error.design_effect,
        )


def _check(model, inputs, settings, frame_tokens, labels, attention_mask, next_tokens):
    """Everything that can be refused before the first forward pass."""
    if not settings:
        raise RdcodecError("settings: there is nothing to measure")
    if frame_tokens is not None and not 1 <= frame_tokens <= MAX_FRAME_TOKENS:
        raise RdcodecError(f"frame_tokens: expected 1 to {MAX_FRAME_TOKENS}, got {frame_tokens}")
    check_one_input(model)
    if not len(inputs):
        raise RdcodecError("inputs: expected at least 1 window to measure on, got none")
    longest = longest_input(model)
    if next_tokens and not (inputs.dim() == 2 and 2 <= inputs.shape[1] <= longest):
        raise RdcodecError(
            f"inputs: expected windows of 2 to {longest} tokens, as the model allows, or labels besides, got shape {tuple(inputs.shape)}"
        )
    if labels is not None and labels.shape != inputs.shape[:1]:
        raise RdcodecError(f"labels: expected [{len(inputs)}], one an input, got shape {tuple(labels.shape)}")
    if attention_mask is not None:
        if next_tokens or attention_mask.shape != inputs.shape:
            raise RdcodecError(
                f"attention_mask: expected {list(inputs.shape)} as the inputs of a classifier have, got shape {tuple(attention_mask.shape)}"
            )
        if not attention_mask.any(dim=1).all():
            raise RdcodecError("attention_mask: expected a token in every text, one is all padding")
    for setting in settings:
        check_codec(model, setting.layer, setting.codec, setting.any_layer, f"codec of {setting.method}")
        setting.codec.encoder(setting.quality)

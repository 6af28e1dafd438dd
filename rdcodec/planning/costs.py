"""What the parts of a model and codecs take on this machine, in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch

from rdcodec.codecs import RawCodec
from rdcodec.errors import RdcodecError
from rdcodec.serving import Head, Tail, part_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rdcodec.codecs import Codec
    from rdcodec.types import Model, Progress

__all__ = ["CodecCosts", "PartCosts", "measure_codec", "measure_parts", "smoothed"]

STEPS = 16
REPEATS = 3


@dataclass(frozen=True)
class PartCosts:
    """Of a model that is cut at a layer: seconds of either end.

    Attributes
    ----------
    layer : int
    head_prompt, head_step, tail_prompt, tail_step : float
        Of the prompt, and of a token behind it.
    """

    layer: int
    head_prompt: float
    head_step: float
    tail_prompt: float
    tail_step: float


@dataclass(frozen=True)
class CodecCosts:
    """Of a codec at a quality.

    Attributes
    ----------
    layer : int
    method : str
    quality : int or None
    encode_prompt, decode_prompt, encode_step, decode_step : float
        Seconds.
    step_ratio : float
        Bytes of tokens with a frame each over those of the same tokens in one frame.
    """

    layer: int
    method: str
    quality: int | None
    encode_prompt: float
    decode_prompt: float
    encode_step: float
    decode_step: float
    step_ratio: float


def measure_parts(
    model: Model, layers: Sequence[int], ids: torch.Tensor, progress: Progress | None = None
) -> tuple[list[PartCosts], dict[int, torch.Tensor]]:
    """Time both ends of a model at some layers, as `rdcodec.serving` runs them.

    Layers take turns, and their times are smoothed: a block takes as long as any other, so that what else the machine did at the
    time of one layer does not decide for another.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        A decoder of text, whole.
    layers : sequence of int
    ids : torch.Tensor
        int [1, tokens]: a prompt, and behind it `STEPS` tokens that come one by one.
    progress : callable, optional
        (stage, fraction) -> None.

    Returns
    -------
    costs : list of PartCosts
    states : dict of int to torch.Tensor
        Of each layer [tokens, channels].

    Raises
    ------
    RdcodecError
        As of `rdcodec.serving.part_of`; there are no tokens besides those steps.
    """
    if ids.shape[1] <= STEPS:
        raise RdcodecError(f"ids: expected more than {STEPS} tokens, got {ids.shape[1]}")
    parts = {layer: part_of(model, layer) for layer in layers}
    raw = RawCodec(parts[layers[0]].site.channels)
    ends = {layer: (Head(part, raw), Tail(part, raw)) for layer, part in parts.items()}
    runs: dict[int, list[tuple[float, ...]]] = {layer: [] for layer in layers}
    states: dict[int, torch.Tensor] = {}
    for i in range(REPEATS + 1):
        for layer, (head, tail) in ends.items():
            times, states[layer] = _run(head, tail, ids)
            runs[layer].append(times)
        if progress is not None:
            progress("timing the model", (i + 1) / (REPEATS + 1))
    times = np.array([np.median(runs[layer][1:], axis=0) for layer in layers])  # the first run warms up
    blocks = len(parts[layers[0]].site.blocks)
    prompt, step = (smoothed(np.array(layers), blocks, times[:, i], times[:, i + 2]) for i in range(2))
    return [PartCosts(layer, *map(float, costs)) for layer, *costs in zip(layers, prompt[0], step[0], prompt[1], step[1])], states


def smoothed(layers, blocks, heads, tails):
    """Seconds of heads and tails that are so many for a block, and something for what is before the first and behind the last one."""
    none, one = np.zeros(len(layers)), np.ones(len(layers))
    before, behind = np.stack([one, none, layers], 1), np.stack([none, one, blocks - layers], 1)
    found = np.linalg.lstsq(np.concatenate([before, behind]), np.concatenate([heads, tails]), rcond=None)[0]
    return np.maximum(before @ found, 0), np.maximum(behind @ found, 0)


def _run(head, tail, ids):
    """(head's prompt, head's step, tail's prompt, tail's step) in seconds, and states, of one text."""
    here, there = head.session(), tail.session()
    pieces = [ids[:, :-STEPS], *ids[:, -STEPS:].split(1, 1)]
    heads, tails, states = [], [], []
    for piece in pieces:
        began = perf_counter()
        (h,) = here.states(piece)
        middle = perf_counter()
        there.forward(h[None], torch.ones_like(piece))
        heads.append(middle - began)
        tails.append(perf_counter() - middle)
        states.append(h)
    return (heads[0], median(heads[1:]), tails[0], median(tails[1:])), torch.cat(states)


def measure_codec(codec: Codec, h: torch.Tensor, layer: int, method: str, quality: int | None = None) -> CodecCosts:
    """Time a codec on a text's states, as of `measure_parts`.

    Parameters
    ----------
    codec : Codec
    h : torch.Tensor
        [tokens, channels], the last `STEPS` of which come one by one.
    layer : int
    method : str
    quality : int, optional
        The codec's default where it is not given.

    Returns
    -------
    CodecCosts
        Medians of several runs.

    Raises
    ------
    RdcodecError
        As of `Codec.encoder`.
    """
    prompt, steps = h[:-STEPS], h[-STEPS:]
    runs = [_code(codec, quality, prompt, steps) for _ in range(REPEATS + 1)][1:]
    times = [median(run[i] for run in runs) for i in range(5)]
    return CodecCosts(layer, method, quality, *times)


def _code(codec, quality, prompt, steps):
    encoder, decoder = codec.encoder(quality), codec.decoder()
    encode_prompt, decode_prompt, _ = _coded(encoder, decoder, prompt.split(codec.frame_tokens))
    _, _, block = _coded(encoder.fork(), decoder.fork(), [steps])
    single = [_coded(encoder, decoder, [step]) for step in steps.split(1)]
    encode_step, decode_step = (median(each[i] for each in single) for i in range(2))
    return encode_prompt, decode_prompt, encode_step, decode_step, sum(each[2] for each in single) / block


def _coded(encoder, decoder, parts):
    """Seconds of encoding, of decoding, and bytes of tensors that are a frame each."""
    began = perf_counter()
    frames = [encoder.encode(part) for part in parts]
    middle = perf_counter()
    for frame in frames:
        decoder.decode(frame)
    return middle - began, perf_counter() - middle, sum(map(len, frames))

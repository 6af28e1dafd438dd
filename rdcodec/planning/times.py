"""How long text takes over a link, setting by setting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rdcodec.errors import RdcodecError
from rdcodec.planning.link import Link

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rdcodec.planning.costs import CodecCosts, PartCosts
    from rdcodec.planning.curves import RatePoint

__all__ = ["Option", "best_options", "check_loss", "plan"]

RAW_BITS = 16  # a channel of what is not compressed: float16
SLOWEST, FASTEST = 1.0, 1e15  # bits a second
SINGLE_FRAME_BITS = 8 * 5  # that a frame of one token takes besides its payload, where its codec was not tried


@dataclass(frozen=True)
class Option:
    """A layer, a method and its quality on a link.

    Attributes
    ----------
    layer : int
    method : str
    quality : int or None
    kl : float
        Nats a token.
    prompt_bits, step_bits : float
        A token of the prompt, and one behind it.
    channels : int
    prompt_tokens : int
    prompt_compute, step_compute : float
        Seconds of head and tail.
    prompt_coding, step_coding : float
        Seconds of encoding and decoding.
    """

    layer: int
    method: str
    quality: int | None
    kl: float
    prompt_bits: float
    step_bits: float
    channels: int
    prompt_tokens: int
    prompt_compute: float
    step_compute: float
    prompt_coding: float
    step_coding: float

    def first_token(self, link: Link) -> float:
        """float : seconds from the prompt to the first token."""
        return self.prompt_compute + self.prompt_coding + link.first_seconds(self.prompt_bits * self.prompt_tokens)

    def next_token(self, link: Link) -> float:
        """float : seconds a token behind it."""
        return self.step_compute + self.step_coding + link.seconds(self.step_bits)

    @property
    def raw(self) -> Option:
        """Option : float16 at the same layer."""
        bits = RAW_BITS * self.channels
        return replace(
            self, method="raw float16", quality=None, kl=0.0, prompt_bits=bits, step_bits=bits, prompt_coding=0.0, step_coding=0.0
        )

    def prompt_pays_below(self, round_trip: float) -> float:
        """float : bits a second below which a prompt takes less time than raw on a link; 0 if never, infinity if always."""
        return _even(lambda link: self.raw.first_token(link) - self.first_token(link), round_trip)

    def step_pays_below(self, round_trip: float) -> float:
        """float : likewise of a token behind it."""
        return _even(lambda link: self.raw.next_token(link) - self.next_token(link), round_trip)


def _even(saved, round_trip):
    """The bandwidth at which no seconds are saved, of links that save the less the faster they are."""
    slow, fast = SLOWEST, FASTEST
    if saved(Link(slow, round_trip)) <= 0:
        return 0.0
    if saved(Link(fast, round_trip)) >= 0:
        return math.inf
    while fast / slow > 1 + 1e-9:
        middle = math.sqrt(slow * fast)
        slow, fast = (middle, fast) if saved(Link(middle, round_trip)) > 0 else (slow, middle)
    return slow


def plan(
    points: Sequence[RatePoint],
    parts: Iterable[PartCosts],
    codecs: Iterable[CodecCosts] = (),
    prompt_tokens: int = 512,
    head_speed: float = 1.0,
    tail_speed: float = 1.0,
) -> list[Option]:
    """All settings with their times.

    Parameters
    ----------
    points : list of RatePoint
    parts : list of PartCosts
        Of their layers.
    codecs : list of CodecCosts, optional
        Where there is none of a point, the times of its evaluation hold, and a token of its own takes five bytes more.
    prompt_tokens : int
    head_speed, tail_speed : float
        How many times as fast the machines of head and tail are as the measured one.

    Returns
    -------
    list of Option

    Raises
    ------
    RdcodecError
        The parts lack a layer, or a number is not above 0.
    """
    for name, value in (("prompt_tokens", prompt_tokens), ("head_speed", head_speed), ("tail_speed", tail_speed)):
        if not 0 < value < math.inf:
            raise RdcodecError(f"{name}: expected a number above 0, got {value}")
    parts = {part.layer: part for part in parts}
    lacking = {point.layer for point in points} - parts.keys()
    if lacking:
        raise RdcodecError(f"parts: expected times of layer {min(lacking)}, got layers {sorted(parts)}")
    codecs = {(costs.layer, costs.method, costs.quality): costs for costs in codecs}
    return [
        _option(point, parts[point.layer], codecs.get((point.layer, point.method, point.quality)), prompt_tokens, head_speed, tail_speed)
        for point in points
    ]


def _option(point, part, costs, tokens, head_speed, tail_speed):
    if costs is None:
        encode_step, decode_step = point.encode_seconds, point.decode_seconds
        encode_prompt, decode_prompt = encode_step * tokens, decode_step * tokens
        step_bits = point.bits_per_token + (0 if point.single else SINGLE_FRAME_BITS)
    else:
        encode_step, decode_step = costs.encode_step, costs.decode_step
        encode_prompt, decode_prompt = costs.encode_prompt, costs.decode_prompt
        step_bits = point.bits_per_token * (1 if point.single else costs.step_ratio)
    return Option(
        layer=point.layer,
        method=point.method,
        quality=point.quality,
        kl=point.kl,
        prompt_bits=point.bits_per_token,
        step_bits=step_bits,
        channels=point.channels,
        prompt_tokens=tokens,
        prompt_compute=part.head_prompt / head_speed + part.tail_prompt / tail_speed,
        step_compute=part.head_step / head_speed + part.tail_step / tail_speed,
        prompt_coding=encode_prompt / head_speed + decode_prompt / tail_speed,
        step_coding=encode_step / head_speed + decode_step / tail_speed,
    )


def best_options(options: Sequence[Option], link: Link, loss: float) -> tuple[list[Option], list[Option]]:
    """The setting of each method and layer that is soonest among those which lose no more than is stated.

    Parameters
    ----------
    options : list of Option
    link : Link
    loss : float
        KL, nats a token.

    Returns
    -------
    first : list of Option
        By time to first token, the best before others.
    following : list of Option
        By time a token.

    Raises
    ------
    RdcodecError
        No setting loses so little.
    """
    check_loss(options, loss)
    kept = [option for option in options if option.kl <= loss]
    return tuple(_soonest(kept, key) for key in (lambda option: option.first_token(link), lambda option: option.next_token(link)))


def check_loss(points: Iterable[RatePoint | Option], loss: float) -> None:
    """Refuse a loss that none of some points or options keeps to.

    Raises
    ------
    RdcodecError
    """
    least = min((point.kl for point in points), default=math.inf)
    if not least <= loss:
        raise RdcodecError(f"loss: expected {least:.4g} or more, which is the least of the rows, got {loss:g}")


def _soonest(options, key):
    best = {}
    for option in sorted(options, key=key):
        best.setdefault((option.layer, option.method), option)
    return list(best.values())

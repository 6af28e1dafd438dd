"""Text from a head here and a tail elsewhere: `generate`."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import torch

from rdcodec.errors import RdcodecError
from rdcodec.serving.link import RemoteSession
from rdcodec.serving.meter import LinkMeter
from rdcodec.serving.sampling import Sampling

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    from rdcodec.serving.head import Head
    from rdcodec.serving.link import Connector
    from rdcodec.serving.parts import Part

__all__ = ["end_tokens", "generate"]


def generate(
    head: Head,
    connector: Connector,
    input_ids: torch.Tensor,
    attention_mask: torch.Tensor | None = None,
    max_new_tokens: int = 128,
    sampling: Sampling = Sampling(),
    ends: Collection[int] | None = None,
    meter: LinkMeter | None = None,
) -> Generator[list[int | None], None, None]:
    """Tokens that follow prompts, one after the other as they come.

    Parameters
    ----------
    head : rdcodec.serving.Head
    connector : rdcodec.serving.Connector
    input_ids : torch.Tensor
        int [rows, tokens], prompts padded on the left.
    attention_mask : torch.Tensor, optional
        [rows, tokens], 0 where a token is padding.
    max_new_tokens : int
    sampling : Sampling, optional
        The most probable token by default.
    ends : set of int, optional
        Tokens that end a row; those that the model's own settings name where it is not given.
    meter : LinkMeter, optional
        That counts.

    Yields
    ------
    list of int
        The next token of each row, None of rows that have ended.

    Raises
    ------
    RdcodecError
        The prompts are empty, or `max_new_tokens` is less than 1.
    Refused
        The tail refuses, or is not to be reached.
    """
    if not input_ids.numel() or max_new_tokens < 1:
        raise RdcodecError(
            f"input_ids and max_new_tokens: expected some tokens, and 1 or more, got {tuple(input_ids.shape)} and {max_new_tokens}"
        )
    meter = LinkMeter() if meter is None else meter
    ends = end_tokens(head.part) if ends is None else ends
    here = head.session(len(input_ids))
    max_tokens = int(min(input_ids.shape[1] + max_new_tokens - 1, head.part.longest))  # the last token is not sent
    prompts = _prompts(input_ids, attention_mask) if sampling.needs_prompt else None
    going = [True] * len(input_ids)
    with RemoteSession(connector, max_tokens, len(input_ids), sampling, prompts) as there:
        there.open()
        for _ in range(min(max_new_tokens, max_tokens - input_ids.shape[1] + 1)):
            reply = _step(here, there, input_ids, attention_mask, meter)
            tokens = [token if goes else None for token, goes in zip(reply.tokens, going)]
            going = [token is not None and token not in ends for token in tokens]
            yield tokens
            if not any(going):
                return
            input_ids, attention_mask = torch.tensor(reply.tokens)[:, None], None


def end_tokens(part: Part) -> set[int]:
    """set of int : tokens that end a text, by the model's own settings."""
    found = part.site.model.generation_config.eos_token_id
    return set() if found is None else {found} if isinstance(found, int) else set(found)


def _step(here, there, input_ids, attention_mask, meter):
    began = perf_counter()
    states = here.states(input_ids, attention_mask)
    ran = perf_counter()
    frames = here.frames(states)
    coded = perf_counter()
    reply = there.step(frames)
    back = perf_counter()
    decode, forward = 1e-6 * reply.decode_us, 1e-6 * reply.forward_us
    meter.sent_tokens += sum(map(len, states))
    meter.said_tokens += len(reply.tokens)
    meter.frame_bytes += sum(len(frame) for row in frames for frame in row)
    meter.bytes_up, meter.bytes_down = there.bytes_up, there.bytes_down
    meter.head_seconds += ran - began
    meter.codec_seconds += coded - ran + decode
    meter.tail_seconds += forward
    meter.link_seconds += max(back - coded - decode - forward, 0)
    return reply


def _prompts(input_ids, attention_mask):
    """The tokens of each row without padding."""
    mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
    return [row[keep.bool()].tolist() for row, keep in zip(input_ids, mask)]

"""How the next token is chosen from logits: as `generate` of transformers chooses it, with its own processors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from rdcodec.arguments import HOTTEST
from rdcodec.errors import RdcodecError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sampler", "Sampling"]


@dataclass(frozen=True)
class Sampling:
    """How tokens are chosen; by default the most probable one.

    Parameters
    ----------
    temperature : float
        0 takes the most probable token; above, tokens are drawn.
    top_k : int
        Draw from so many tokens; 0 from all.
    top_p : float
        Draw from the fewest tokens that have this probability together.
    min_p : float
        Draw from tokens with this part of the largest probability at least; 0 from all.
    repetition_penalty : float
        Above 1, tokens that the text has are less probable.
    seed : int
        Of the draws, 0 to 2**63 - 1.

    Raises
    ------
    RdcodecError
        One is out of its range.
    """

    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    seed: int = 0

    def __post_init__(self):
        for name, least, most in (
            ("temperature", 0, HOTTEST),
            ("top_k", 0, 2**31 - 1),
            ("top_p", 0, 1),
            ("min_p", 0, 1),
            ("repetition_penalty", 0.01, 100),
            ("seed", 0, 2**63 - 1),
        ):
            value = getattr(self, name)
            if not least <= value <= most:
                raise RdcodecError(f"{name}: expected {least} to {most}, got {value}")

    @property
    def needs_prompt(self) -> bool:
        """bool : whether the tokens of the prompt are asked for, not only those that were chosen."""
        return self.repetition_penalty != 1

    def processors(self) -> LogitsProcessorList:
        """LogitsProcessorList : in the order of `generate`."""
        found = LogitsProcessorList()
        if self.repetition_penalty != 1:
            found.append(RepetitionPenaltyLogitsProcessor(self.repetition_penalty))
        if self.temperature == 0:
            return found
        if self.temperature != 1:
            found.append(TemperatureLogitsWarper(float(self.temperature)))
        if self.top_k:
            found.append(TopKLogitsWarper(self.top_k))
        if self.top_p < 1:
            found.append(TopPLogitsWarper(self.top_p))
        if self.min_p:
            found.append(MinPLogitsWarper(self.min_p))
        return found


class Sampler:
    """Chooses the tokens of a batch of rows, one after the other.

    Parameters
    ----------
    sampling : Sampling
    rows : int
    prompts : list of list of int, optional
        The tokens of each row's prompt, where `sampling.needs_prompt`.
    vocabulary : int, optional
        That they are below of.

    Raises
    ------
    RdcodecError
        The prompts are asked for, and not given for each row, or hold what is no token.
    """

    def __init__(
        self, sampling: Sampling, rows: int, prompts: Sequence[Sequence[int]] | None = None, vocabulary: int | None = None
    ) -> None:
        prompts = prompts or ()
        if sampling.needs_prompt and (len(prompts) != rows or not all(prompts)):
            raise RdcodecError(f"prompts: a penalty of repetition needs the tokens of all {rows} prompts, got {len(prompts)}")
        if sampling.needs_prompt and vocabulary is not None and max(map(max, prompts)) >= vocabulary:
            raise RdcodecError(f"prompts: expected tokens below {vocabulary}, got {max(map(max, prompts))}")
        self._processors = sampling.processors()
        self._draws = None
        if sampling.temperature:
            self._draws = torch.Generator().manual_seed(sampling.seed)
        self._ids = torch.zeros(rows, 0, dtype=torch.int64)
        if sampling.needs_prompt:
            longest = max(map(len, prompts))  # padded by a token that the prompt has: only which there are is of account
            self._ids = torch.tensor([[row[0]] * (longest - len(row)) + list(row) for row in prompts])

    def choose(self, logits: torch.Tensor) -> torch.Tensor:
        """The next token of each row.

        Parameters
        ----------
        logits : torch.Tensor
            [rows, vocabulary]

        Returns
        -------
        torch.Tensor
            int64 [rows]

        Raises
        ------
        RuntimeError
            PyTorch's, where they are of another number of rows.
        """
        scores = self._processors(self._ids, logits.to("cpu", torch.float32, copy=True))
        if self._draws is None:
            chosen = scores.argmax(-1)
        else:
            chosen = torch.multinomial(scores.softmax(-1), 1, generator=self._draws)[:, 0]
        self._ids = torch.cat([self._ids, chosen[:, None]], 1)
        return chosen

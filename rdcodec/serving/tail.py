"""The tail of a model: frames in, logits or tokens out."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import torch
from torch.nn.utils.rnn import pad_sequence

from rdcodec.codecs import decode_rows
from rdcodec.errors import CorruptStreamError, LimitError
from rdcodec.serving.context import Context
from rdcodec.serving.parts import load_tail
from rdcodec.serving.sampling import Sampler
from rdcodec.splits import run_tail
from rdcodec.splits.fingerprint import check_place
from rdcodec.splits.rows import as_sent
from rdcodec.stream import MAX_FRAME_TOKENS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from rdcodec.codecs import Codec
    from rdcodec.serving.parts import Part
    from rdcodec.serving.sampling import Sampling
    from rdcodec.types import PathLike

__all__ = ["Step", "Tail", "TailSession"]


@dataclass(frozen=True)
class Step:
    """What came of frames.

    Attributes
    ----------
    tokens : torch.Tensor or None
        int64 [rows], the next tokens; None where logits are asked for.
    logits : torch.Tensor or None
        [rows, vocabulary], of the last tokens.
    decode_seconds, forward_seconds : float
    """

    tokens: torch.Tensor | None
    logits: torch.Tensor | None
    decode_seconds: float
    forward_seconds: float


class Tail:
    """Blocks from `layer` on of a language model, its head of logits, and the codec of what comes in.

    Parameters
    ----------
    part : Part
    codec : Codec

    Attributes
    ----------
    bytes_a_token : int
        Of keys and values, a row.

    Raises
    ------
    RdcodecError
        The codec does not go with the model.
    """

    def __init__(self, part: Part, codec: Codec) -> None:
        check_place(part.site.model, part.site.layer, codec)
        self.part, self.codec = part, codec
        self.like = torch.empty(0, dtype=part.site.model.dtype, device=part.site.model.device)
        trial = self.session()
        trial.forward(torch.zeros(1, 1, codec.channels), torch.ones(1, 1))
        self.bytes_a_token = trial.context.nbytes

    @classmethod
    def from_pretrained(cls, name: PathLike, layer: int, codec: Codec, dtype: str | torch.dtype = "float32") -> Self:
        """A tail whose other blocks are not loaded: `load_tail`, whose errors these are."""
        return cls(load_tail(name, layer, dtype), codec)

    def session(self, rows: int = 1, sampling: Sampling | None = None, prompts: Sequence[Sequence[int]] | None = None) -> TailSession:
        """A `TailSession` for a batch of rows, which chooses tokens by `sampling` or, without one, returns logits."""
        return TailSession(self, rows, sampling, prompts)


class TailSession:
    """Rows of tokens in progress at the tail.

    Attributes
    ----------
    tail : Tail
    context : Context
    decoders : list of Decoder
        One a row.
    """

    def __init__(self, tail: Tail, rows: int, sampling: Sampling | None, prompts: Sequence[Sequence[int]] | None) -> None:
        site = tail.part.site
        self.tail = tail
        self.context = Context(tail.part, range(site.layer, len(site.blocks)), rows)
        self.decoders = [tail.codec.decoder() for _ in range(rows)]
        self._sampler = None if sampling is None else Sampler(sampling, rows, prompts, site.model.config.get_text_config().vocab_size)

    @property
    def is_steady(self) -> bool:
        """bool : whether the prompt has been, and a token a row is what comes next."""
        return self.context.tokens > 0

    def step(self, frames: Sequence[Sequence[bytes]], max_tokens: int = MAX_FRAME_TOKENS) -> Step:
        """Go on with the next frames.

        Parameters
        ----------
        frames : list of list of bytes
            Of each row, as of `HeadSession.frames`.
        max_tokens : int
            That they may hold at most, a row.

        Returns
        -------
        Step

        Raises
        ------
        CorruptStreamError
            The frames are not the next ones of the rows. The session is as it was.
        LimitError
            They hold more tokens than are wanted, or than the model takes. The session has come to its end.
        """
        began = perf_counter()
        h, mask = self.decode(frames, max_tokens)
        decoded = perf_counter()
        return self.chosen(self.forward(h, mask), decoded - began, perf_counter() - decoded)

    def decode(self, frames: Sequence[Sequence[bytes]], max_tokens: int = MAX_FRAME_TOKENS) -> tuple[torch.Tensor, torch.Tensor]:
        """What frames hold: float32 [rows, tokens, channels], padded on the left, and its mask, int [rows, tokens]; errors as of `step`."""
        if len(frames) != len(self.decoders) or not all(frames):
            raise CorruptStreamError(f"frames: expected some of each of {len(self.decoders)} rows, got {[len(row) for row in frames]}")
        if self.context.tokens and all(len(row) == 1 for row in frames):
            h = torch.as_tensor(decode_rows(self.decoders, [frame for (frame,) in frames]))
            rows = list(h)
        else:
            decoders = [decoder.fork() for decoder in self.decoders]
            rows = [_decoded(decoder, row, max_tokens) for decoder, row in zip(decoders, frames)]
            h = pad_sequence(rows, batch_first=True, padding_side="left")
            self.decoders = decoders
        if not 0 < h.shape[1] <= max_tokens:
            raise LimitError(f"frames: expected 1 to {max_tokens} tokens a row, got {h.shape[1]}")
        return h, pad_sequence([torch.ones(len(row), dtype=torch.int64) for row in rows], batch_first=True, padding_side="left")

    def forward(self, h: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits [rows, vocabulary] of the last tokens of h, which are remembered; h, mask and errors as of `decode`."""
        site = self.tail.part.site
        mask = self.context.extended(mask)
        with torch.inference_mode():
            inputs = {**self.context.inputs(mask), "logits_to_keep": 1}
            logits = run_tail(site.model, site.layer, as_sent(h, self.tail.like), **inputs)
        self.context.mask = mask
        return logits[:, -1]

    def chosen(self, logits: torch.Tensor, decode_seconds: float, forward_seconds: float) -> Step:
        """The `Step` of logits [rows, vocabulary]; errors as of `Sampler.choose`."""
        tokens = None if self._sampler is None else self._sampler.choose(logits)
        return Step(tokens, logits if tokens is None else None, decode_seconds, forward_seconds)


def _decoded(decoder, frames, max_tokens):
    """float32 [tokens, channels] of the frames of a row."""
    parts, left = [], max_tokens
    for frame in frames:
        parts.append(torch.as_tensor(decoder.decode(frame, max_tokens=left)))
        left -= len(parts[-1])
    return torch.cat(parts)

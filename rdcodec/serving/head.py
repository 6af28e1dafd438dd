"""The head of a model: tokens in, frames out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rdcodec.codecs import encode_rows
from rdcodec.errors import RdcodecError
from rdcodec.serving.context import Context
from rdcodec.serving.parts import load_head
from rdcodec.splits import head_states
from rdcodec.splits.fingerprint import check_codec
from rdcodec.stream import MAX_FRAME_TOKENS

if TYPE_CHECKING:
    from typing_extensions import Self

    from rdcodec.codecs import Codec
    from rdcodec.serving.parts import Part
    from rdcodec.types import PathLike

__all__ = ["Head", "HeadSession"]


class Head:
    """Blocks 0 to `layer` - 1 of a language model, and a codec for what comes out of them.

    Threads may share it; each session is for one at a time.

    Parameters
    ----------
    part : Part
    codec : Codec
        For the channels of the model; one that was fitted to another layer is refused.
    quality : int, optional
        The codec's default where it is not given.

    Raises
    ------
    RdcodecError
        The codec does not go with the model, or the quality is out of its range.
    """

    def __init__(self, part: Part, codec: Codec, quality: int | None = None) -> None:
        check_codec(part.site.model, part.site.layer, codec)
        codec.encoder(quality)  # refuses a quality here, not in the middle of a text
        self.part, self.codec, self.quality = part, codec, quality

    @classmethod
    def from_pretrained(
        cls, name: PathLike, layer: int, codec: Codec, quality: int | None = None, dtype: str | torch.dtype = "float32"
    ) -> Self:
        """A head whose other blocks are not loaded: `load_head`, whose errors these are."""
        return cls(load_head(name, layer, dtype), codec, quality)

    def session(self, rows: int = 1) -> HeadSession:
        """A `HeadSession` for a batch of rows."""
        return HeadSession(self, rows)


class HeadSession:
    """Rows of tokens in progress at the head.

    Attributes
    ----------
    head : Head
    context : Context
    encoders : list of Encoder
        One a row.
    """

    def __init__(self, head: Head, rows: int) -> None:
        site = head.part.site
        self.head = head
        self.context = Context(head.part, range(site.layer), rows)
        self.encoders = [head.codec.encoder(head.quality) for _ in range(rows)]

    def states(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> list[torch.Tensor]:
        """Run the head over the next tokens of each row.

        Parameters
        ----------
        input_ids : torch.Tensor
            int [rows, tokens]: a prompt, padded on the left, or a token a row.
        attention_mask : torch.Tensor, optional
            [rows, tokens], 0 where a token is padding.

        Returns
        -------
        list of torch.Tensor
            [tokens, channels] of each row, without padding.

        Raises
        ------
        RdcodecError, LimitError
            The shape is not that of the rows; the model takes no more tokens.
        """
        rows = len(self.encoders)
        if input_ids.dim() != 2 or len(input_ids) != rows:
            raise RdcodecError(f"input_ids: expected [{rows}, tokens], got shape {tuple(input_ids.shape)}")
        given = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        mask = self.context.extended(given)
        site = self.head.part.site
        with torch.inference_mode():
            h = head_states(site.model, site.layer, input_ids.to(mask.device), **self.context.inputs(mask))
        self.context.mask = mask
        return [row[keep.bool()] for row, keep in zip(h, given)]

    def frames(self, states: list[torch.Tensor]) -> list[list[bytes]]:
        """Code what the head made.

        Parameters
        ----------
        states : list of torch.Tensor
            [tokens, channels] of each row, as of `states`.

        Returns
        -------
        list of list of bytes
            The next frames of each row: one, or several where a frame does not hold its tokens.

        Raises
        ------
        RdcodecError, LimitError
            As `Encoder.encode`: they are no states of the codec's channels, or hold NaN or infinity.
        """
        size = self.head.codec.frame_tokens
        if len({len(row) for row in states}) == 1 and len(states[0]) <= size and len(states) * len(states[0]) <= MAX_FRAME_TOKENS:
            return [[frame] for frame in encode_rows(self.encoders, torch.stack(states))]
        return [[encoder.encode(part) for part in row.split(size)] for encoder, row in zip(self.encoders, states)]

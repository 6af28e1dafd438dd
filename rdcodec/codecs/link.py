"""The two ends of a live link: one row of tokens, frame after frame.

Every call of an end happens whole or leaves the end as it was.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from rdcodec import _core
from rdcodec.stream import bytes_of

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.types import Bytes, States

__all__ = ["Decoder", "Encoder", "State"]


class State:
    """What a codec remembers from frame to frame, as attributes; a codec that remembers nothing has no attributes here."""

    def copy(self) -> State:
        """Another one that goes on from here on its own."""
        return copy.deepcopy(self)

    def mark(self) -> dict[str, Any]:
        """Where a call begins, for `rollback`."""
        attributes = vars(self)
        return copy.deepcopy(attributes) if attributes else {}

    def rollback(self, mark: dict[str, Any]) -> None:
        """Go back to where a call began."""
        vars(self).clear()
        vars(self).update(mark)


class _End(_core.End):
    """An end of a link, which is made of a codec and the quality that it begins with, or of the parts of another one."""

    __slots__ = ()

    def fork(self):
        """Another one that goes on from here on its own: the row of tokens branches (beam search)."""
        return type(self)(*self._parts(True))

    def __copy__(self):
        return self.fork()

    def __deepcopy__(self, memo):
        return self.fork()

    def __reduce__(self):
        return type(self), self._parts(False)


class Encoder(_End):
    """Frames of one row of tokens, with what the codec remembers between them. Made by `Codec.encoder`.

    Copies (`fork`, `copy.copy`) go on on their own; pickling carries the codec along. For one thread at a time.
    """

    __slots__ = ()

    def encode(self, h: States, quality: int | None = None) -> bytes:
        """The next frame.

        Parameters
        ----------
        h : ndarray or torch.Tensor
            [tokens, channels], 0 to 4096 tokens, element types as in `Codec.encode`.
        quality : int, optional
            Holds from this frame on.

        Returns
        -------
        bytes

        Raises
        ------
        TypeError, RdcodecError, LimitError
            As `Codec.encode`, and for more than 4096 tokens. The encoder is then as it was before.
        """
        return self._encode(h, quality)

    def restart(self) -> None:
        """Make the next frame a new start: it depends on no frame before it.

        For links that lose frames: a decoder that has refused a frame goes on with the next new start. One costs about three bytes,
        and what the codec knew of earlier tokens.
        """
        self._restart()


class Decoder(_End):
    """Tokens of the frames of one `Encoder`, in their order. Made by `Codec.decoder`.

    Copies (`fork`, `copy.copy`) go on on their own; pickling carries the codec along. For one thread at a time.
    """

    __slots__ = ()

    def decode(self, frame: Bytes, max_tokens: int | None = None, max_bytes: int | None = None) -> States:
        """Tokens of the next frame.

        Parameters
        ----------
        frame : bytes-like
            Exactly one frame.
        max_tokens, max_bytes : int, optional
            What it may decode to at most, as in `Codec.decode`.

        Returns
        -------
        ndarray or torch.Tensor
            float32 [tokens, channels]; a tensor of a codec that was moved to a device.

        Raises
        ------
        CorruptStreamError
            The bytes are no frame of this codec, or not the next one of the row: the frame before was lost, or this one is repeated.
            The decoder is then as it was before: the right frame decodes, and so does a new start (`Encoder.restart`).
        LimitError
            The frame claims more than a frame holds, or than is wanted.
        """
        return self._decode(bytes_of(frame), max_tokens, max_bytes)

    def encoder(self) -> Encoder:
        """An encoder of the tokens that come next in the row, on its own from here: what it codes, this decoder would decode."""
        return Encoder(*self._parts(True))

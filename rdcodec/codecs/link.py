"""The two ends of a live link: one row of tokens, frame after frame."""

import copy

import numpy as np

from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import CorruptStreamError, LimitError, RdcodecError
from rdcodec.stream import MAX_FRAME_TOKENS, read_frame, write_frame

__all__ = ["Decoder", "Encoder"]


class Encoder:
    """Frames of one row of tokens, with what the codec remembers between them. Made by `Codec.encoder`."""

    def __init__(self, codec, quality):
        self._codec = codec
        self._quality = quality
        self._announced = None
        self._state = codec._new_state()

    def encode(self, h, quality=None):
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
        values, _ = values_of(h)
        if values.ndim != 2:
            raise RdcodecError(f"h: expected [tokens, channels], got shape {values.shape}")
        if len(values) > MAX_FRAME_TOKENS:
            raise LimitError(f"h: {len(values)} tokens, a frame holds {MAX_FRAME_TOKENS}")
        check_values(values, self._codec.channels)
        if quality is not None:
            self._quality = self._codec._checked_quality(quality)
        return self._frame(values)

    def fork(self):
        """An encoder that goes on from here on its own: the row of tokens branches (beam search)."""
        return _fork(self)

    def _frame(self, values):
        quality = self._quality
        payload = self._codec._encode_tokens(values, quality, self._state) if len(values) else b""
        frame = write_frame(len(values), payload, None if quality == self._announced else quality)
        self._announced = quality
        return frame


class Decoder:
    """Tokens of the frames of one `Encoder`, in their order. Made by `Codec.decoder`."""

    def __init__(self, codec):
        self._codec = codec
        self._quality = None
        self._state = codec._new_state()

    def decode(self, frame):
        """Tokens of the next frame.

        Parameters
        ----------
        frame : bytes-like
            Exactly one frame.

        Returns
        -------
        ndarray
            float32 [tokens, channels].

        Raises
        ------
        CorruptStreamError, LimitError
            The bytes are no frame of this codec.
        """
        read = read_frame(frame)
        if read.end != len(frame):
            raise CorruptStreamError(f"byte {read.end}: {len(frame) - read.end} bytes after the frame")
        return self._tokens(read)

    def fork(self):
        """A decoder that goes on from here on its own, the other end of `Encoder.fork`."""
        return _fork(self)

    def _tokens(self, frame):
        codec = self._codec
        quality = self._quality if frame.quality is None else frame.quality
        if quality is None:
            raise CorruptStreamError("byte 0: the first frame states no quality; it continues another row")
        if not codec.min_quality <= quality <= codec.max_quality:
            raise CorruptStreamError(
                f"the frame states quality {quality}, the codec has {codec.min_quality} to {codec.max_quality}"
            )
        self._quality = quality
        if frame.tokens == 0:
            if len(frame.payload):
                raise CorruptStreamError(f"a frame of no tokens holds {len(frame.payload)} bytes of them")
            return np.empty((0, codec.channels), np.float32)
        return codec._decode_tokens(frame.payload, frame.tokens, quality, self._state)


def _fork(end):
    twin = copy.copy(end)
    twin._state = copy.deepcopy(end._state)
    return twin

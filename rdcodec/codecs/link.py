"""The two ends of a live link: one row of tokens, frame after frame.

Every call of an end happens whole or leaves the end as it was.
"""

import copy
from threading import Lock

import numpy as np

from rdcodec import _core
from rdcodec.codecs.values import check_values, values_of
from rdcodec.errors import CorruptStreamError, LimitError, RdcodecError
from rdcodec.stream import MAX_FRAME_TOKENS, Chain, bytes_of

__all__ = ["Decoder", "Encoder", "State", "check_decoded_size"]

# What a stream may decode to where the caller names no limit, in bytes: no real codec compresses so much.
DECODED_BYTES = 2**26
DECODED_BYTES_A_BYTE = 1024


class State:
    """What a codec remembers from frame to frame, as attributes; a codec that remembers nothing has no attributes here."""

    def copy(self):
        """Another one that goes on from here on its own."""
        return copy.deepcopy(self)

    def mark(self):
        """Where a call begins, for `rollback`."""
        attributes = vars(self)
        return copy.deepcopy(attributes) if attributes else {}

    def rollback(self, mark):
        """Go back to where a call began."""
        vars(self).clear()
        vars(self).update(mark)


class _Turn:
    """One thread at a time: a second one is refused, not kept waiting. A copy is free."""

    def __init__(self):
        self._lock = Lock()

    def __enter__(self):
        if not self._lock.acquire(blocking=False):
            raise RdcodecError("another thread is using this encoder or decoder; it is for one at a time")

    def __exit__(self, *_):
        self._lock.release()

    def __reduce__(self):
        return _Turn, ()


class _Step:
    """A frame that is being coded: the state that it goes on with, its quality, and its number if it is a new start."""

    __slots__ = ("_mark", "quality", "restart", "state")

    def __init__(self, state, quality, restart):
        self.state, self.quality, self.restart = state, quality, restart
        self._mark = state.mark()

    def undo(self):
        self.state.rollback(self._mark)


class _End:
    """What both ends keep: the codec's state, and where the chain of frames has come to."""

    def __init__(self, codec, quality):
        self._codec = codec
        self._quality = quality
        self._state = codec._new_state()
        self._chain = Chain()
        self._turn = _Turn()

    def fork(self):
        """Another one that goes on from here on its own: the row of tokens branches (beam search)."""
        with self._turn:
            twin = object.__new__(type(self))
            vars(twin).update(vars(self), _state=self._state.copy(), _turn=_Turn())
        return twin

    def __copy__(self):
        return self.fork()

    def __deepcopy__(self, memo):
        return self.fork()

    def __getstate__(self):
        with self._turn:
            return vars(self).copy()


class Encoder(_End):
    """Frames of one row of tokens, with what the codec remembers between them. Made by `Codec.encoder`.

    Copies (`fork`, `copy.copy`) go on on their own; pickling carries the codec along. For one thread at a time.
    """

    def __init__(self, codec, quality):
        super().__init__(codec, quality)
        self._announced = None
        self._restarting = False

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
        checked = None if quality is None else self._codec._checked_quality(quality)
        with self._turn:
            return self._frame(values, self._quality if checked is None else checked)

    def restart(self):
        """Make the next frame a new start: it depends on no frame before it.

        For links that lose frames: a decoder that has refused a frame goes on with the next new start. One costs about three bytes,
        and what the codec knew of earlier tokens.
        """
        with self._turn:
            self._restarting = True

    def _frame(self, values, quality):
        step = self._step(quality)
        try:
            payload = self._codec._encode_tokens(values, quality, step.state) if len(values) else b""
            frame, checksum = self._written(len(values), payload, step)
        except BaseException:
            step.undo()
            raise
        self._go_on(step, checksum)
        return frame

    def _step(self, quality):
        """Where the next frame begins."""
        state = self._codec._new_state() if self._restarting else self._state
        return _Step(state, quality, self._chain.restarts + 1 if self._restarting else 0)

    def _written(self, tokens, payload, step):
        """The frame of a payload, and its checksum."""
        announced = step.quality if step.restart or step.quality != self._announced else None
        return _core.frame_write(tokens, payload, announced, self._chain.before, step.restart)

    def _go_on(self, step, checksum):
        """Behind a frame."""
        self._state, self._chain, self._restarting = step.state, Chain(checksum, step.restart or self._chain.restarts), False
        self._quality = self._announced = step.quality


class Decoder(_End):
    """Tokens of the frames of one `Encoder`, in their order. Made by `Codec.decoder`.

    Copies (`fork`, `copy.copy`) go on on their own; pickling carries the codec along. For one thread at a time.
    """

    def __init__(self, codec):
        super().__init__(codec, None)

    def decode(self, frame, max_tokens=None, max_bytes=None):
        """Tokens of the next frame.

        Parameters
        ----------
        frame : bytes-like
            Exactly one frame.
        max_tokens, max_bytes : int, optional
            What it may decode to at most, as in `Codec.decode`.

        Returns
        -------
        ndarray
            float32 [tokens, channels].

        Raises
        ------
        CorruptStreamError
            The bytes are no frame of this codec, or not the next one of the row: the frame before was lost, or this one is repeated.
            The decoder is then as it was before: the right frame decodes, and so does a new start (`Encoder.restart`).
        LimitError
            The frame claims more than a frame holds, or than is wanted.
        """
        with self._turn:
            return self._tokens(self._read(bytes_of(frame), max_tokens, max_bytes))

    def _read(self, data, max_tokens=None, max_bytes=None):
        """The next frame, which takes all of the data."""
        read = self._chain.read(data)
        if read.end != len(data):
            raise CorruptStreamError(f"byte {read.end}: {len(data) - read.end} bytes after the frame")
        check_decoded_size(read.tokens, self._codec.channels, len(data), max_tokens, max_bytes)
        return read

    def _tokens(self, frame):
        """Of a frame that follows the last one."""
        step = self._step(frame)
        try:
            values = self._values(frame, step)
        except BaseException:
            step.undo()
            raise
        self._go_on(step, frame)
        return values

    def _step(self, frame):
        """Where a frame begins."""
        codec = self._codec
        quality = self._quality if frame.quality is None else frame.quality
        if quality is None:
            raise CorruptStreamError("byte 0: the first frame states no quality; it continues another row")
        if not codec.min_quality <= quality <= codec.max_quality:
            raise CorruptStreamError(f"the frame states quality {quality}, the codec has {codec.min_quality} to {codec.max_quality}")
        return _Step(codec._new_state() if frame.restart else self._state, quality, frame.restart)

    def _values(self, frame, step):
        if frame.tokens:
            return self._codec._decode_tokens(frame.payload, frame.tokens, step.quality, step.state)
        if len(frame.payload):
            raise CorruptStreamError(f"a frame of no tokens holds {len(frame.payload)} bytes of them")
        return np.empty((0, self._codec.channels), np.float32)

    def _go_on(self, step, frame):
        """Behind a frame."""
        self._state, self._chain, self._quality = step.state, self._chain.after(frame), step.quality


def check_decoded_size(tokens, channels, coded_bytes, max_tokens=None, max_bytes=None):
    """Refuse what would decode to more than a caller wants, or expects from so few bytes.

    Raises
    ------
    LimitError
        The message says how to ask for more.
    """
    if max_tokens is not None and tokens > max_tokens:
        raise LimitError(f"{coded_bytes} bytes claim {tokens} tokens: more than max_tokens={max_tokens}")
    size = 4 * tokens * channels
    limit = DECODED_BYTES + DECODED_BYTES_A_BYTE * coded_bytes if max_bytes is None else max_bytes
    if size > limit:
        raise LimitError(f"{coded_bytes} bytes claim {tokens} tokens, {size} bytes of float32; give max_bytes={size} to decode them, the limit is {limit}")

"""Stream headers and frames: the container of coded hidden states (``docs/format.md``).

A *stream* is a header and frames, row after row; a *frame* is self-delimiting and checksummed, and over a live link frames are
sent without the header. What the payload of a frame means is the codec's affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rdcodec import _core
from rdcodec.arguments import MOST, integer
from rdcodec.errors import CorruptStreamError, LimitError, RdcodecError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rdcodec.types import Bytes

__all__ = [
    *("CHAIN_START", "DTYPES", "MAX_FRAME_TOKENS", "Chain", "Frame", "Header"),
    *("bytes_of", "read_frame", "read_frames", "read_header", "row_frames", "write_frame", "write_header"),
]

DTYPES = ("float32", "float16", "bfloat16")
MAX_FRAME_TOKENS = 4096
MIN_FRAME_BYTES = 4
CHAIN_START = 2**32 - 1
"""What the checksum of the first frame of a row begins with, and of a new start; that of a later one begins with the checksum before."""


class Header(NamedTuple):
    """What a stream holds: an array [rows, tokens, channels], or [tokens, channels] when it is not `batched`.

    Attributes
    ----------
    dtype : str
        ``"float32"``, ``"float16"`` or ``"bfloat16"``: that of the array that was coded.
    codec_id : bytes
        8 bytes that stand for everything the decoder depends on.
    channels : int
        1 to 65,536.
    rows : int
        Sequences in the batch; 1 without a batch axis.
    tokens : int
        Of each row; at most 2**31 in all rows together.
    batched : bool
        Whether the array has a batch axis.
    """

    dtype: str
    codec_id: bytes
    channels: int
    rows: int
    tokens: int
    batched: bool


class Frame(NamedTuple):
    """A frame as read.

    Attributes
    ----------
    tokens : int
        0 to 4096.
    quality : int or None
        None where the quality of the frame before goes on.
    payload : bytes
    end : int
        Offset of the byte behind the frame.
    checksum : int
        What the checksum of the next frame of the row begins with.
    restart : int
        0, or the number of a new start of the row.
    """

    tokens: int
    quality: int | None
    payload: bytes
    end: int
    checksum: int
    restart: int


def write_header(header: Header) -> bytes:
    """The bytes of a stream header.

    Parameters
    ----------
    header : Header

    Returns
    -------
    bytes

    Raises
    ------
    LimitError
        The channels or tokens are beyond the limits.
    RdcodecError
        An unknown dtype, a codec id that has not 8 bytes, or several rows without a batch axis.

    Examples
    --------
    >>> from rdcodec.stream import Header, read_header, write_header
    >>> data = write_header(Header("float16", b"8 bytes.", channels=576, rows=1, tokens=12, batched=False))
    >>> len(data)
    21
    >>> header, offset = read_header(data)
    >>> header.channels, header.tokens, offset
    (576, 12, 21)
    """
    if header.dtype not in DTYPES:
        raise RdcodecError(f"dtype: expected one of {', '.join(DTYPES)}, got {header.dtype!r}")
    sizes = [_uint64(getattr(header, name), name) for name in ("channels", "rows", "tokens")]
    return _core.header_write(DTYPES.index(header.dtype), header.batched, header.codec_id, *sizes)


def read_header(data: Bytes) -> tuple[Header, int]:
    """Read the header at the start of a stream.

    Parameters
    ----------
    data : bytes-like

    Returns
    -------
    header : Header
    offset : int
        Of the byte behind the header.

    Raises
    ------
    UnsupportedVersionError
        A later version of the format.
    LimitError
        Claims of sizes beyond the limits.
    CorruptStreamError
        Anything else that no encoder writes; the message gives the byte offset.
    """
    dtype, batched, codec_id, channels, rows, tokens, end = _core.header_read(data)
    return Header(DTYPES[dtype], codec_id, channels, rows, tokens, batched), end


def write_frame(tokens: int, payload: Bytes, quality: int | None = None, before: int = CHAIN_START, restart: int = 0) -> bytes:
    """The bytes of a frame.

    Parameters
    ----------
    tokens : int
        0 to 4096.
    payload : bytes-like
        At most 2**26 bytes.
    quality : int, optional
        Within int32; given in the first frame after a start, and where it changes.
    before : int
        Checksum of the frame before it in the row.
    restart : int
        The number of a new start in its row, 1 for the first; its frame has a quality and does not depend on the one before.

    Returns
    -------
    bytes

    Raises
    ------
    LimitError
        Too many tokens or bytes.
    RdcodecError
        A quality beyond int32, a checksum or a number beyond uint32, or a new start without a quality.

    Examples
    --------
    >>> from rdcodec.stream import read_frame, write_frame
    >>> frame = write_frame(1, b"abc", quality=-2)
    >>> frame.hex()
    '070303616263892e'
    >>> read_frame(frame)
    Frame(tokens=1, quality=-2, payload=b'abc', end=8, checksum=11913, restart=0)
    >>> second = write_frame(1, b"def", before=read_frame(frame).checksum)
    >>> read_frame(second, before=read_frame(frame).checksum).payload
    b'def'
    """
    quality = None if quality is None else integer("quality", quality, -(2**31), 2**31 - 1, "an integer within int32")
    return _core.frame_write(_uint64(tokens, "tokens"), payload, quality, _uint32(before, "before"), _uint32(restart, "restart"))


def read_frame(data: Bytes, offset: int = 0, before: int = CHAIN_START) -> Frame:
    """Read the frame that begins at a byte offset.

    Parameters
    ----------
    data : bytes-like
    offset : int
    before : int
        Checksum of the frame before it in the row.

    Returns
    -------
    Frame

    Raises
    ------
    LimitError
        Claims of sizes beyond the limits.
    CorruptStreamError
        The data end too early, the checksum does not match (the frame is damaged, or another one than the next of its row), or no
        encoder writes such a frame; the message gives the byte offset.
    """
    return Frame(*_core.frame_read(data, integer("offset", offset, -MOST, MOST), _uint32(before, "before"), 0))


class Chain(NamedTuple):
    """Where the frames of a row have come to.

    Attributes
    ----------
    before : int
        Checksum of the last frame, which that of the next one begins with.
    restarts : int
        Number of the last new start.
    """

    before: int = CHAIN_START
    restarts: int = 0

    def read(self, data: Bytes, offset: int = 0) -> Frame:
        """The next frame, which begins at a byte offset; errors as of `read_frame`, and for a new start that was there before."""
        return Frame(*_core.frame_read(data, offset, self.before, self.restarts))

    def after(self, frame: Frame) -> Chain:
        """The chain behind a frame."""
        return Chain(frame.checksum, frame.restart or self.restarts)


def read_frames(data: Bytes, header: Header, offset: int) -> Iterator[tuple[int, Frame]]:
    """An iterator of the frames of a stream, each as the number of its row and the frame; one frame at a time is in memory.

    Parameters
    ----------
    data : bytes-like
        The whole stream.
    header : Header
    offset : int
        Of the byte behind the header.

    Raises
    ------
    CorruptStreamError, LimitError
        As `read_frame`; the frames of a row do not add up to its tokens, or something follows the last one. What the bytes cannot hold
        in any case is refused at once.
    """
    data = bytes_of(data)
    least = MIN_FRAME_BYTES * header.rows * -(-header.tokens // MAX_FRAME_TOKENS)
    if least > len(data) - offset:
        raise CorruptStreamError(
            f"byte {len(data)}: the data end too early, the frames of {header.rows * header.tokens} tokens take {least} bytes"
        )
    return _frames(data, header, offset)


def row_frames(data: bytes | memoryview, tokens: int, offset: int = 0, chain: Chain | None = None) -> Iterator[Frame]:
    """An iterator of the frames of one row, or of those behind a chain, which add up to so many tokens; errors as of `read_frames`, but
    nothing need end behind them."""
    chain = chain or Chain()
    while tokens:
        frame = chain.read(data, offset)
        if not 0 < frame.tokens <= tokens:
            raise CorruptStreamError(f"frame at byte {offset}: {frame.tokens} tokens where 1 to {tokens} are left")
        yield frame
        chain, offset, tokens = chain.after(frame), frame.end, tokens - frame.tokens


def _frames(data, header, offset):
    for row in range(header.rows if header.tokens else 0):
        for frame in row_frames(data, header.tokens, offset):
            yield row, frame
            offset = frame.end
    if offset != len(data):
        raise CorruptStreamError(f"byte {offset}: {len(data) - offset} bytes after the last frame")


def bytes_of(data: Bytes) -> bytes | memoryview:
    """A view of the bytes of a bytes-like object, whatever its items are; a copy where they do not lie side by side."""
    if type(data) is bytes:
        return data
    view = memoryview(data)
    return view.cast("B") if view.c_contiguous else memoryview(view.tobytes())


def _uint32(value, name):
    return integer(name, value, 0, 2**32 - 1, "0 to 2**32 - 1")


def _uint64(value, name):
    return integer(name, value, 0, MOST, "0 to 2**63 - 1", LimitError)

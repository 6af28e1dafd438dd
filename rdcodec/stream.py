"""Stream headers and frames: the container of coded hidden states (``docs/format.md``).

A *stream* is a header and frames, row after row; a *frame* is self-delimiting and checksummed, and over a live link frames are
sent without the header. What the payload of a frame means is the codec's affair.
"""

from typing import NamedTuple

from rdcodec import _core
from rdcodec.errors import LimitError, RdcodecError

__all__ = ["DTYPES", "MAX_FRAME_TOKENS", "Frame", "Header", "read_frame", "read_header", "write_frame", "write_header"]

DTYPES = ("float32", "float16", "bfloat16")
MAX_FRAME_TOKENS = 4096


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
    """A frame as read: `tokens`, the `quality` or None where it goes on, the `payload` bytes, and the offset of its `end`."""

    tokens: int
    quality: int | None
    payload: bytes
    end: int


def write_header(header):
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


def read_header(data):
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


def write_frame(tokens, payload, quality=None):
    """The bytes of a frame.

    Parameters
    ----------
    tokens : int
        0 to 4096.
    payload : bytes-like
        At most 2**26 bytes.
    quality : int, optional
        Within int32; given in the first frame after a start, and where it changes.

    Returns
    -------
    bytes

    Raises
    ------
    LimitError
        Too many tokens or bytes.
    RdcodecError
        A quality beyond int32.

    Examples
    --------
    >>> from rdcodec.stream import read_frame, write_frame
    >>> frame = write_frame(1, b"abc", quality=-2)
    >>> frame.hex()
    '070303616263892e'
    >>> read_frame(frame)
    Frame(tokens=1, quality=-2, payload=b'abc', end=8)
    """
    if quality is not None and not -(2**31) <= quality < 2**31:
        raise RdcodecError(f"quality: expected an integer within int32, got {quality}")
    return _core.frame_write(_uint64(tokens, "tokens"), payload, quality)


def read_frame(data, offset=0):
    """Read the frame that begins at a byte offset.

    Parameters
    ----------
    data : bytes-like
    offset : int

    Returns
    -------
    Frame

    Raises
    ------
    LimitError
        Claims of sizes beyond the limits.
    CorruptStreamError
        The data end too early, the checksum does not match, or no encoder writes such a frame; the message gives the byte offset.
    """
    return Frame(*_core.frame_read(data, offset))


def _uint64(value, name):
    if not 0 <= value < 2**63:
        raise LimitError(f"{name}: expected 0 to 2**63 - 1, got {value}")
    return value

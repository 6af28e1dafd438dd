"""A walk through a stream that needs no codec: headers, lengths and checksums."""

from rdcodec.errors import CorruptStreamError
from rdcodec.stream import read_frame, read_header

__all__ = ["read_stream"]


def read_stream(data):
    """The header of a stream and its frames.

    Parameters
    ----------
    data : bytes

    Returns
    -------
    header : Header
    end : int
        Of the header.
    frames : list of Frame
        Of all rows, one after the other.

    Raises
    ------
    CorruptStreamError, UnsupportedVersionError, LimitError
        A checksum does not match, the frames of a row do not add up to its tokens, or something follows the last one.
    """
    header, end = read_header(data)
    frames, offset = [], end
    for _ in range(header.rows if header.tokens else 0):
        left = header.tokens
        while left:
            frame = read_frame(data, offset)
            if not 0 < frame.tokens <= left:
                raise CorruptStreamError(f"byte {offset}: a frame of {frame.tokens} tokens where 1 to {left} are left")
            frames.append(frame)
            left -= frame.tokens
            offset = frame.end
    if offset != len(data):
        raise CorruptStreamError(f"byte {offset}: {len(data) - offset} bytes after the last frame")
    return header, end, frames

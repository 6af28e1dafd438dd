"""What a compressed split costs."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

__all__ = ["Meter"]

_ADDING = Lock()


@dataclass(repr=False)
class Meter:
    """Counts of a split point since it was opened, those of all threads; padding costs nothing and is not counted.

    Attributes
    ----------
    channels : int
    tokens : int
        Tokens coded.
    bytes : int
        Bytes of their frames, frame headers and checksums included. The stream header, 20 bytes or so once a
        connection, is not in it.
    encode_seconds, decode_seconds : float
        Time from the model's tensor to the bytes, and back.
    """

    channels: int
    tokens: int = 0
    bytes: int = 0
    encode_seconds: float = 0.0
    decode_seconds: float = 0.0

    def add(self, tokens: int, size: int, encode_seconds: float, decode_seconds: float) -> None:
        """Count a frame; any thread may."""
        with _ADDING:
            self.tokens += tokens
            self.bytes += size
            self.encode_seconds += encode_seconds
            self.decode_seconds += decode_seconds

    def __repr__(self):
        rate = f", {self.bits_per_token:.1f} bits a token, {self.ratio:.1f} times smaller than float16" if self.tokens else ""
        return f"<Meter: {self.tokens:,} tokens of {self.channels} channels, {self.bytes:,} bytes{rate}>"

    @property
    def bits_per_token(self) -> float:
        """float : real bits a token; nan before the first token."""
        return 8 * self.bytes / self.tokens if self.tokens else float("nan")

    @property
    def bits_per_element(self) -> float:
        """float : real bits a channel of a token."""
        return self.bits_per_token / self.channels

    @property
    def ratio(self) -> float:
        """float : how many times smaller than float16."""
        return 16 / self.bits_per_element

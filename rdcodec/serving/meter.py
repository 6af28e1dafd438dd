"""What a text over a link costs: bytes and time, where both go."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

__all__ = ["LinkMeter"]


@dataclass
class LinkMeter:
    """Counts of one text at its head.

    Attributes
    ----------
    sent_tokens, said_tokens : int
        Tokens whose states went up, prompts included; tokens that came down.
    frame_bytes, bytes_up, bytes_down : int
        Of the frames; of the messages with them, and of those that came back.
    head_seconds, codec_seconds, link_seconds, tail_seconds : float
        In the head's blocks; coding at both ends; on the way; in the tail's blocks. The tail's own clock says what it took.
    """

    sent_tokens: int = 0
    said_tokens: int = 0
    frame_bytes: int = 0
    bytes_up: int = 0
    bytes_down: int = 0
    head_seconds: float = 0.0
    codec_seconds: float = 0.0
    link_seconds: float = 0.0
    tail_seconds: float = 0.0
    began: float = field(default_factory=perf_counter)

    @property
    def seconds(self) -> float:
        """float : since the text began."""
        return perf_counter() - self.began

    @property
    def bits_per_token(self) -> float:
        """float : of frames; nan before the first."""
        return 8 * self.frame_bytes / self.sent_tokens if self.sent_tokens else float("nan")

    @property
    def tokens_per_second(self) -> float:
        """float : that came down."""
        return self.said_tokens / self.seconds

    @property
    def shares(self) -> dict[str, float]:
        """dict of str to float : parts of the time in head, codec, link and tail, which make 1."""
        times = {"head": self.head_seconds, "codec": self.codec_seconds, "link": self.link_seconds, "tail": self.tail_seconds}
        whole = sum(times.values())
        return {name: seconds / whole if whole else 0.0 for name, seconds in times.items()}

    def figures(self) -> dict[str, Any]:
        """dict : all of it, by name."""
        counts = {name: value for name, value in vars(self).items() if name != "began"}
        rates = {"bits_per_token": self.bits_per_token, "tokens_per_second": self.tokens_per_second}
        return {**counts, **rates, "seconds": self.seconds, "shares": self.shares}

    def __str__(self) -> str:
        shares = " ".join(f"{name} {share:.0%}" for name, share in self.shares.items())
        return (
            f"{self.said_tokens} tokens, {self.tokens_per_second:.1f}/s | {self.bits_per_token:.0f} bits/token |"
            f" {self.bytes_up} bytes up, {self.bytes_down} down | {shares}"
        )

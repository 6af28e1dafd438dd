"""A link between two machines as numbers, and how people write these."""

import math
import re
from dataclasses import dataclass

from rdcodec.errors import RdcodecError

__all__ = ["Link", "parse_bandwidth", "parse_seconds"]

MESSAGE_BYTES = 48  # of a message besides its frames: those of gRPC and HTTP/2
HEADER_BYTES, PACKET_BYTES = 52, 1448  # of TCP and IP, and what a packet of 1,500 bytes holds besides
FIRST_PACKETS = 10  # that TCP sends before it has heard anything (RFC 6928)
BANDWIDTHS = {"bit": 1.0, "kbit": 1e3, "mbit": 1e6, "gbit": 1e9}
TIMES = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


@dataclass(frozen=True)
class Link:
    """A link, alike each way.

    Attributes
    ----------
    bits_per_second : float
    round_trip : float
        Seconds.
    message_bytes : int
        Of each message besides what it carries.
    header_bytes : int
        Of each packet.
    """

    bits_per_second: float
    round_trip: float
    message_bytes: int = MESSAGE_BYTES
    header_bytes: int = HEADER_BYTES

    def seconds(self, bits: float) -> float:
        """Seconds of a message of so many bits to the tail, and of a token back."""
        return self.round_trip + self._sending(bits) + self._sending(0)

    def first_seconds(self, bits: float) -> float:
        """Likewise of the first large message of a connection, with which TCP begins slowly."""
        return self.seconds(bits) + self._waiting(self._sending(bits))

    def _sending(self, bits: float) -> float:
        nbytes = bits / 8 + self.message_bytes
        return 8 * (nbytes + self.header_bytes * max(nbytes / PACKET_BYTES, 1)) / self.bits_per_second

    def _waiting(self, sending: float) -> float:
        """Seconds without anything to send but what the other end has yet to confirm: each round trip twice as much may be under way."""
        window = 8 * FIRST_PACKETS * (PACKET_BYTES + self.header_bytes) / self.bits_per_second
        waited = 0.0
        while window < sending and window < self.round_trip:
            waited += self.round_trip - window
            sending -= window
            window *= 2
        return waited


def parse_bandwidth(text: str) -> float:
    """Bits a second of a text.

    Parameters
    ----------
    text : str
        A number and bit, kbit, Mbit or Gbit, alone or with /s.

    Returns
    -------
    float

    Raises
    ------
    RdcodecError
        It is none, or not above 0.

    Examples
    --------
    >>> parse_bandwidth("20Mbit"), parse_bandwidth("1.5 Gbit/s")
    (20000000.0, 1500000000.0)
    """
    return _parsed("bandwidth", text, BANDWIDTHS, "a number above 0 and bit, kbit, Mbit or Gbit, as 20Mbit", least=1e-9)


def parse_seconds(text: str) -> float:
    """Seconds of a text.

    Parameters
    ----------
    text : str
        A number and us, ms or s.

    Returns
    -------
    float

    Raises
    ------
    RdcodecError
        It is none, or below 0.

    Examples
    --------
    >>> parse_seconds("30ms")
    0.03
    """
    return _parsed("time", text, TIMES, "a number and us, ms or s, as 30ms", least=0.0)


def _parsed(name, text, units, expected, least):
    found = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([a-zA-Z]+)(?:/s)?\s*", text)
    try:
        value = float(found[1]) * units[found[2].lower()]
    except (TypeError, ValueError, KeyError):
        value = math.nan
    if not least <= value < math.inf:
        raise RdcodecError(f"{name}: expected {expected}, got {text!r}")
    return value

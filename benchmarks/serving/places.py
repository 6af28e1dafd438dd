"""Where the two ends are: on this machine with a proxy between them, or in two networks with a link of packets."""

from contextlib import contextmanager

from links.packet_link import TAIL, Networks
from links.shaped_link import ShapedLink

__all__ = ["LOOPBACK", "OneMachine", "TwoNetworks"]

LOOPBACK = (None, 0.0)  # bits a second, seconds of a round trip


class OneMachine:
    """TCP that ends at a proxy, which holds the bytes back, or, at loopback speed, goes straight through."""

    host, command = "127.0.0.1", ()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    @contextmanager
    def link(self, port, bits_per_second, round_trip):
        """(address, function that says how many bytes went up) of a server's port."""
        if (bits_per_second, round_trip) == LOOPBACK:
            yield f"127.0.0.1:{port}", lambda: 0
        else:
            with ShapedLink(port, bits_per_second, round_trip / 2) as link:
                yield f"127.0.0.1:{link.port}", lambda: link.up


class TwoNetworks:
    """TCP over packets; bytes are those of packets. From its beginning on this thread is at the head's end.

    Parameters
    ----------
    tbf : bool
        Bandwidth by `tc tbf`.
    """

    host = "0.0.0.0"

    def __init__(self, tbf):
        self._tbf, self._networks = tbf, Networks()

    @property
    def command(self):
        return self._networks.tail_command

    def __enter__(self):
        self._networks.__enter__().enter_head()
        return self

    def __exit__(self, *error):
        self._networks.__exit__(*error)

    @contextmanager
    def link(self, port, bits_per_second, round_trip):
        with self._networks.link(bits_per_second, round_trip / 2, self._tbf):
            yield f"{TAIL}:{port}", lambda: self._networks.sent_bytes

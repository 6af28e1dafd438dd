"""A thin and long link in user space: a TCP proxy on this machine that holds bytes back as a given bandwidth and delay would.

Bandwidth is that of the bytes that TCP carries, without the headers of its packets, and is shared by all connections, each direction
by itself. The link can be cut: at once, or after so many bytes more.

    with ShapedLink(port, bits_per_second=10e6, delay_seconds=0.01) as link:
        connect(f"127.0.0.1:{link.port}")
"""

import queue
import socket
import threading
import time

__all__ = ["ShapedLink"]

CHUNK = 1460  # a packet's worth


class ShapedLink:
    """The proxy, open while the context is.

    Parameters
    ----------
    target : int
        Port on this machine that it passes to.
    bits_per_second : float, optional
        Each way; no limit where it is not given.
    delay_seconds : float
        Each way.

    Attributes
    ----------
    port : int
        To connect to.
    up, down : int
        Bytes that arrived at the target, and that came back.
    connections : int
        That there were.
    """

    def __init__(self, target, bits_per_second=None, delay_seconds=0.0):
        self.target = target
        self.connections = 0
        self._ways = {name: _Way(bits_per_second, delay_seconds) for name in ("up", "down")}
        self._open, self._left, self._lock = set(), None, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def limit(self, bits_per_second):
        """Another bandwidth from now on, each way; None is none."""
        for way in self._ways.values():
            way.bits_per_second = bits_per_second

    @property
    def up(self):
        return self._ways["up"].passed

    @property
    def down(self):
        return self._ways["down"].passed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self.cut()

    def cut(self):
        """Break all connections now; later ones work."""
        with self._lock:
            sockets, self._open = self._open, set()
        for each in sockets:
            _shut(each)

    def cut_after(self, count):
        """Break all connections when so many bytes more have passed, either way; None takes it back."""
        self._left = count

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:  # nobody is there now
                _shut(near)
                continue
            self.connections += 1
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open |= {near, far}
            for source, sink, way in ((near, far, "up"), (far, near, "down")):
                arriving = queue.SimpleQueue()
                threading.Thread(target=self._depart, args=(source, arriving, self._ways[way]), daemon=True).start()
                threading.Thread(target=self._arrive, args=(sink, arriving, self._ways[way]), daemon=True).start()

    def _depart(self, source, arriving, way):
        """Read no faster than the link takes it."""
        while True:
            try:
                data = source.recv(CHUNK)
            except OSError:
                data = b""
            arriving.put((way.departed(len(data)), data))
            if not data:
                return

    def _arrive(self, sink, arriving, way):
        while True:
            at, data = arriving.get()
            _sleep_until(at)
            whole = self._before_cut(data)
            try:
                sink.sendall(whole)
            except OSError:
                whole = b""
            way.passed += len(whole)
            if len(whole) < len(data):
                self.cut()
            if len(whole) < len(data) or not data:
                _shut(sink)
                return

    def _before_cut(self, data):
        """What of some bytes passes yet."""
        with self._lock:
            if self._left is None:
                return data
            passing = data[: self._left]
            self._left = None if len(passing) < len(data) else self._left - len(data)
            return passing


class _Way:
    """One direction: when the last bit has left, and what has passed."""

    def __init__(self, bits_per_second, delay_seconds):
        self.bits_per_second, self.delay_seconds = bits_per_second, delay_seconds
        self.passed, self._free, self._lock = 0, 0.0, threading.Lock()

    def departed(self, count):
        """Wait until so many bytes have left; when they arrive."""
        bits_per_second = self.bits_per_second
        if bits_per_second is None:
            return time.perf_counter() + self.delay_seconds
        with self._lock:
            self._free = max(self._free, time.perf_counter()) + 8 * count / bits_per_second
            free = self._free
        _sleep_until(free)
        return free + self.delay_seconds


def _sleep_until(moment):
    left = moment - time.perf_counter()
    if left > 0:
        time.sleep(left)


def _shut(each):
    try:
        each.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    each.close()

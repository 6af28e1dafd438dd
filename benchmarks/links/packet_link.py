"""Two networks of Linux on this machine with one link between, whose packets are held back as a bandwidth and a delay would.

The programs at both ends see a real link: TCP with its headers, its acknowledgements and its slow start. A network has one interface, and the packets
that leave it are carried to the other by a process that keeps them for as long as they would be under way. It needs the rights of root, and
/dev/net/tun.

    with Networks() as networks:
        subprocess.Popen([*networks.tail_command, "server", "--listen", f"{TAIL}:7420"])
        networks.enter_head()
        with networks.link(bits_per_second=10e6, delay_seconds=0.01):
            connect(f"{TAIL}:7420")

`tc tbf` in place of the process's own bandwidth lets a packet that comes to an idle link pass at once, whatever its size: it is good for long
transfers, and too good for single messages.
"""

import argparse
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["HEAD", "TAIL", "Networks"]

HEAD, TAIL = "10.77.0.1", "10.77.0.2"
DEVICE = "link"
CLONE_NEWNET, TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x40000000, 0x400454CA, 0x0001, 0x1000
MTU, PACKET_BYTES, QUEUED_PACKETS = 1500, 2048, 10_000
TBF = ["burst", "3kb", "limit", "16mb"]


class Networks:
    """The two networks, there while the context is open."""

    def __init__(self):
        self._names = {HEAD: f"rdcodec-head-{os.getpid()}", TAIL: f"rdcodec-tail-{os.getpid()}"}

    @property
    def tail_command(self):
        """list of str : what a command at the tail's end begins with."""
        return ["ip", "netns", "exec", self._names[TAIL]]

    def enter_head(self):
        """Move this thread, and those that it starts from now on, to the head's end."""
        _enter(self._names[HEAD])

    @contextmanager
    def link(self, bits_per_second, delay_seconds, tbf=False):
        """The link while the context is open: bandwidth and delay are alike each way."""
        rate = None if tbf else bits_per_second
        command = [sys.executable, __file__, *self._names.values(), "--bits-per-second", str(rate or 0), "--delay", str(delay_seconds)]
        carrier = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.PIPE)
        try:
            carrier.stdout.readline()
            for (own, name), other in zip(self._names.items(), reversed(self._names)):
                self._tool(name, "ip", "addr", "add", own, "peer", other, "dev", DEVICE)
                self._tool(name, "ip", "link", "set", "dev", DEVICE, "up", "mtu", MTU, "txqueuelen", QUEUED_PACKETS)
                if tbf:
                    self._tool(name, "tc", "qdisc", "add", "dev", DEVICE, "root", "tbf", "rate", f"{bits_per_second:.0f}bit", *TBF)
            yield self
        finally:
            carrier.stdin.close()  # which ends it, and with it both interfaces
            carrier.wait()

    @property
    def sent_bytes(self):
        """int : of packets that left this thread's end."""
        lines = Path("/proc/thread-self/net/dev").read_text().splitlines()
        return next(int(line.split()[9]) for line in lines if line.strip().startswith(f"{DEVICE}:"))

    def __enter__(self):
        for name in self._names.values():
            subprocess.run(["ip", "netns", "add", name], check=True)
            self._tool(name, "ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        for name in self._names.values():
            subprocess.run(["ip", "netns", "del", name], check=True)

    def _tool(self, name, tool, *arguments):
        subprocess.run([tool, "-n", name, *map(str, arguments)], check=True)


def _enter(name):
    """`os.setns` of Python 3.12."""
    with open(f"/run/netns/{name}", "rb") as network:
        if ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"entering the network {name}")


def _interface(name):
    """An interface in a network, by whose file descriptor its packets are read and written."""
    _enter(name)
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", DEVICE.encode(), IFF_TUN | IFF_NO_PI))
    return tun


def carry(ends, bits_per_second, delay_seconds):
    """Carry packets between two interfaces until the standard input ends."""
    others, free = dict(zip(ends, reversed(ends))), dict.fromkeys(ends, 0.0)
    travelling, count = [], 0
    while True:
        wait = max(travelling[0][0] - time.perf_counter(), 0) if travelling else None
        ready, _, _ = select.select([*ends, sys.stdin], [], [], wait)
        if sys.stdin in ready:
            return
        for end in ready:
            packet, now = os.read(end, PACKET_BYTES), time.perf_counter()
            free[end] = max(free[end], now) + (8 * len(packet) / bits_per_second if bits_per_second else 0)
            count += 1
            heapq.heappush(travelling, (free[end] + delay_seconds, count, others[end], packet))
        while travelling and travelling[0][0] <= time.perf_counter():
            *_, sink, packet = heapq.heappop(travelling)
            with suppress(OSError):  # of an end that is not up yet
                os.write(sink, packet)


def main():
    parser = argparse.ArgumentParser(description="Carry packets between the interfaces of two networks.")
    parser.add_argument("networks", nargs=2)
    parser.add_argument("--bits-per-second", type=float, required=True)
    parser.add_argument("--delay", type=float, required=True)
    arguments = parser.parse_args()
    ends = [_interface(name) for name in arguments.networks]
    print("ready", flush=True)
    carry(ends, arguments.bits_per_second, arguments.delay)


if __name__ == "__main__":
    main()

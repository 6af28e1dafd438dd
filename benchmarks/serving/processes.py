"""A server in a process of its own, and what the system says of that process."""

import os
import subprocess
import threading
from pathlib import Path

__all__ = ["ServerProcess"]


class ServerProcess:
    """A command that serves while the context is open, and says at which ports.

    Parameters
    ----------
    command : sequence
    ports : int
        How many it names.

    Attributes
    ----------
    ports : list of int
    """

    def __init__(self, command, ports=1):
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([str(part) for part in command], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        self._log = []
        threading.Thread(target=lambda: self._log.extend(self._process.stderr), daemon=True).start()
        self.ports = [self._port() for _ in range(ports)]

    def _port(self):
        words = self._process.stdout.readline().split()
        if words[:3] != ["listening", "on", "port"]:
            raise RuntimeError(f"the server did not start: {''.join(self._log)}")
        return int(words[3])

    @property
    def resident_bytes(self):
        """int : memory of the process."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

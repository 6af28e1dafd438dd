"""A server in a process of its own, and what the system says of that process."""

import re
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
        found = re.match(r"(?:listening on port |answering at http://127\.0\.0\.1:)(\d+)", self._process.stdout.readline())
        if found is None:
            raise RuntimeError(f"the server did not start: {''.join(self._log)}")
        return int(found[1])

    @property
    def memory(self):
        """dict of str to int : bytes of the process that are `resident`, those of them that are `anonymous`, and the `most` that were resident."""
        status = dict(re.findall(r"(\w+):\s+(\d+) kB", Path(f"/proc/{self._process.pid}/status").read_text()))
        return {name: 1024 * int(status[key]) for name, key in {"resident": "VmRSS", "anonymous": "RssAnon", "most": "VmHWM"}.items()}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

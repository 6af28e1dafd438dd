"""`rdcodec serve` in a process of its own, and what the system says of that process."""

import os
import subprocess
import sys
import threading
from pathlib import Path

__all__ = ["ServerProcess"]


class ServerProcess:
    """A tail that is served while the context is open.

    Parameters
    ----------
    model, codec : str or path
        As of `rdcodec serve`.
    *options : str
        Further ones of it.
    within : sequence of str
        Command that runs it, for example in another network.

    Attributes
    ----------
    port : int
    """

    def __init__(self, model, codec, *options, within=()):
        command = [*within, sys.executable, "-m", "rdcodec.cli", "serve", "--model", model, "--codec", codec, *options]
        self._process = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.log = []
        threading.Thread(target=lambda: self.log.extend(self._process.stderr), daemon=True).start()
        words = self._process.stdout.readline().split()
        if words[:3] != ["listening", "on", "port"]:
            raise RuntimeError(f"the server did not start: {''.join(self.log)}")
        self.port = int(words[-1])

    @property
    def resident_bytes(self):
        """int : memory of the process."""
        return int(Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def kill(self):
        """End it without a word."""
        self._process.kill()
        self._process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

"""One coder in a process of its own: answers requests, a line of JSON each, until its input ends.

`serve` is the process's side and `Worker` the other one. The process lives as long as the run, so that coders can take turns.
"""

import json
import os
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from . import figures
from .coders import CODERS, Task
from .timing import call_times

THREADS_OF = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


class Worker:
    """A coder's process; `kernels` chooses those of rdcodec."""

    def __init__(self, entry, name, threads, kernels=None, python=sys.executable, compressai=None):
        self.name, self.threads = name, threads
        command = [python, str(entry), "--worker", name, "--threads", str(threads)]
        if compressai:
            command += ["--compressai", compressai]
        environment = {**os.environ, **dict.fromkeys(THREADS_OF, str(threads))}
        if kernels:
            environment["RDCODEC_CPU"] = kernels
        environment["PATH"] = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", "")])  # where its ninja is
        self._complaints = tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._complaints, text=True, env=environment
        )
        self.about, self.error = {}, None
        self.about = self._answer() or {}

    def ask(self, **request):
        """The answer's rows; none, with the reason in `error`, if it cannot."""
        if self.error:
            return []
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # the process has ended: the answer says why
        return self._answer() or []

    def _answer(self):
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": self._last_words()}
        self.error = answer.get("error")
        return answer.get("answer")

    def _last_words(self):
        self._complaints.seek(0)
        return (self._complaints.read().strip().splitlines() or ["the process ended"])[-1]

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()
        self._complaints.close()


def serve(name, threads, compressai):
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what compilers of extensions print is no reply
    session = _Session(name, threads, compressai)
    for request in _requests():
        try:
            answer = {"answer": session.about() if request is None else session.answer(**request)}
        except Exception as error:  # whatever a peer raises is the reason why it is left out
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=replies, flush=True)


def _requests():
    """None, which greets, and then what is read."""
    yield None
    yield from map(json.loads, sys.stdin)


class _Session:
    """Keeps what is prepared for the last case, which is asked for again in the next round."""

    def __init__(self, name, threads, compressai):
        self.name, self.threads, self.compressai = name, threads, compressai
        self._key, self._task, self._ways = None, None, None

    def about(self):
        trial = Task(np.zeros(64, np.int32), np.zeros(64, np.uint8), np.ones(1), self.threads, False, self.compressai)
        next(iter(CODERS[self.name].ways(trial)))  # raises where the coder is not installed
        if self.name == "rdcodec":
            from rdcodec import _core

            info = _core.info()
            return {"versions": {"rdcodec": f"{info['version']} ({info['compiler']})"}, "kernels": info["kernels"]}
        return {"versions": {package: _version(package, self.compressai) for package in CODERS[self.name].packages}}

    def answer(self, what, folder, thorough, seconds):
        self._load(folder, thorough)
        if what == "code":
            return [self._measure(way, seconds) for way in self._ways]
        if what == "floats":
            return figures.floats(self._task, seconds)
        return {"rate": figures.rate, "token": figures.token}[what](self._task)

    def _load(self, folder, thorough):
        if self._key == (folder, thorough):
            return
        most = CODERS[self.name].most
        symbols, index, scales = (np.load(Path(folder, f"{part}.npy")) for part in ("symbols", "index", "scales"))
        self._task = Task(symbols[:most], index[:most], scales, self.threads, thorough, self.compressai)
        self._ways = list(CODERS[self.name].ways(self._task))
        self._key = folder, thorough

    def _measure(self, way, seconds):
        coded = way.encode()
        size = way.size(coded)
        came_back = np.array_equal(way.decode(way.fresh(coded)), self._task.symbols)
        if not came_back:
            raise RuntimeError(f"{way.settings}: the symbols do not come back")
        return {
            "settings": way.settings,
            "count": len(self._task.symbols),
            "bytes": size,
            "came_back": came_back,
            "encode_s": min(call_times(way.encode, seconds)),
            "decode_s": min(call_times(way.decode, seconds, lambda: way.fresh(coded))),
        }


def _version(package, unpacked):
    """A package's version, or that of the wheel that was unpacked into a folder."""
    if package == "compressai" and unpacked:
        return next(Path(unpacked).glob(f"{package}-*.dist-info")).name.removesuffix(".dist-info").split("-")[1]
    return version(package)

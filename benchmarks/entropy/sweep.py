"""Which cases are measured, and the run through them."""

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .coders import CODERS
from .mixture import Case, Mixture
from .worker import Worker

KERNELS = ("avx2", "scalar")  # beside the best of the CPU
SIZE = 1_000_000  # symbols of the figures that are asked for
TABLES = 64
BITS = 1.0  # where another quantity is varied


@dataclass(frozen=True)
class Preset:
    """What is varied, and for how long each call is repeated in each round."""

    asked: tuple[float, ...]  # bits of the cases that get all settings of all coders
    bits: tuple[float, ...]
    counts: tuple[int, ...]
    tables: tuple[int, ...]
    size: int
    seconds: float
    rounds: int

    def cases(self):
        """All cases, and whether each is thorough; no case twice."""
        thorough = [Case(bits, self.size, TABLES) for bits in self.asked]
        swept = [Case(bits, self.size, TABLES) for bits in self.bits]
        swept += [Case(BITS, count, TABLES) for count in self.counts]
        swept += [Case(BITS, self.size, tables) for tables in self.tables]
        return dict.fromkeys(thorough, True) | {case: False for case in swept if case not in thorough}


FULL = Preset(
    asked=(0.1, 1.0, 4.0),
    bits=(0.05, 0.2, 0.5, 2.0, 8.0),
    counts=(64, 576, 4096, 65_536, 10_000_000),
    tables=(1, 4, 16, 256, 1024, 4096),
    size=SIZE,
    seconds=0.05,
    rounds=6,
)
QUICK = Preset(asked=(0.1, 1.0), bits=(4.0,), counts=(64, 576), tables=(1, 300), size=12_000, seconds=0.002, rounds=1)


class Sweep:
    """A run: `rows` of coders, `figures` of rdcodec alone, and the reasons why coders are `left_out`."""

    def __init__(self, preset, entry, pythons, compressai):
        self.preset = preset
        self.rows, self.figures, self.left_out, self.versions = [], [], {}, {}
        self._workers = list(self._start(entry, pythons, compressai))

    def run(self):
        with tempfile.TemporaryDirectory() as folder:
            for at, (case, thorough) in enumerate(self.preset.cases().items(), 1):
                print(f"{at}/{len(self.preset.cases())}: {case.count:,} symbols, {case.bits:g} bits, {case.tables} tables", file=sys.stderr)
                self._run_case(case, thorough, Path(folder, str(at)))
        for worker in self._workers:
            worker.close()

    def _start(self, entry, pythons, compressai):
        """The processes of all coders that can be had, rdcodec's other kernels among them."""
        wanted = [(name, threads, None) for name, coder in CODERS.items() for threads in coder.threads]
        wanted += [("rdcodec", 1, kernels) for kernels in KERNELS]
        seen = set()
        for name, threads, kernels in wanted:
            print(f"starting {name}, {threads} threads, {kernels or 'best kernels'}", file=sys.stderr)
            worker = Worker(entry, name, threads, kernels, pythons.get(name, sys.executable), compressai)
            about = name, threads, worker.about.get("kernels")
            if worker.error or about in seen:
                self._leave_out(worker, " ".join(filter(None, (name, kernels))))
                continue
            seen.add(about)
            self.versions |= worker.about["versions"]
            yield worker

    def _leave_out(self, worker, name):
        if worker.error:
            self.left_out[name] = worker.error
        worker.close()

    def _run_case(self, case, thorough, folder):
        mixture = Mixture(case)
        folder.mkdir()
        for part in ("symbols", "index", "scales"):
            np.save(folder / f"{part}.npy", getattr(mixture, part))
        ideal = _Ideal(mixture)
        for worker, request in self._turns(case, thorough):
            rows = worker.ask(what=request, folder=str(folder), thorough=thorough, seconds=self.preset.seconds)
            target = self.rows if request == "code" else self.figures
            for row in rows:
                described = self._described(worker, case, thorough, request, row)
                _keep(target, described | {"ideal_bits": ideal(row.get("count", case.count))})
            if worker.error:
                self.left_out.setdefault(f"{worker.name}, {worker.threads} threads, {case}", worker.error)
                worker.error = None
        for part in folder.iterdir():
            os.remove(part)

    def _turns(self, case, thorough):
        """Who is asked for what, in turn, so that a drift of the machine's clock meets all alike."""
        best = [worker for worker in self._workers if worker.name == "rdcodec" and worker.about["kernels"] == self._best_kernels()]
        for _ in range(self.preset.rounds):
            yield from ((worker, "code") for worker in self._workers)
            if thorough:
                yield from ((worker, "floats") for worker in best)
                yield from ((worker, request) for worker in best if worker.threads == 1 for request in ("rate", "token"))

    def _best_kernels(self):
        return next(worker.about["kernels"] for worker in self._workers if worker.name == "rdcodec")

    def _described(self, worker, case, thorough, request, row):
        about = {"what": request, "coder": worker.name, "threads": worker.threads, "kernels": worker.about.get("kernels")}
        asked = {"bits": case.bits, "tables": case.tables, "asked_count": case.count, "thorough": thorough}
        return {**about, **asked, "count": case.count, **row}


class _Ideal:
    """Ideal bits of the first symbols of a mixture, each number of symbols counted once."""

    def __init__(self, mixture):
        self._mixture, self._known = mixture, {}

    def __call__(self, count):
        if count not in self._known:
            self._known[count] = self._mixture.ideal_bits(count)
        return self._known[count]


def _keep(rows, row):
    """Add a row, or the shorter of its times to the row of an earlier round."""
    identity = {name: value for name, value in row.items() if not name.endswith("_s")}
    for other in rows:
        if all(other.get(name) == value for name, value in identity.items()):
            other.update({name: min(other[name], value) for name, value in row.items() if name.endswith("_s")})
            return
    rows.append(row)

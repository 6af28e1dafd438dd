"""Figures of a training as lines of JSON, and for TensorBoard where that is installed."""

import importlib.util
import json

from rdcodec.files import replace_file

__all__ = ["Log", "first_validation"]


class Log:
    """Writes OUT/log.jsonl, a line a step and a line for each quality validated, and OUT/tensorboard.

    Parameters
    ----------
    out : pathlib.Path
    start : int
        Step that training begins with; what an interrupted run wrote of this step and later ones is dropped, as is what it left
        damaged.
    """

    def __init__(self, out, start):
        self._path = out / "log.jsonl"
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.exists() else []
        replace_file(self._path, b"".join(line for line in lines if line.endswith(b"\n") and _is_before(line, start)))
        self._board = None
        if importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(out / "tensorboard", purge_step=start)

    def step(self, step, figures):
        """Figures of a step, a dict."""
        self._write(step, figures, "train", figures)

    def validation(self, step, points):
        """List of `Point`."""
        for point in points:
            figures = point._asdict()
            self._write(step, {"validation": figures}, f"validation/quality {point.quality}", figures)

    def _write(self, step, entry, group, scalars):
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **entry}) + "\n")
        if self._board is not None:
            for name, value in scalars.items():
                self._board.add_scalar(f"{group}/{name}", value, step)

    def close(self):
        if self._board is not None:
            self._board.close()


def first_validation(out):
    """Figures from before a training, a list of dict, as `Log` wrote them to a folder."""
    entries = [json.loads(line) for line in (out / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    return [entry["validation"] for entry in entries if entry["step"] == 0 and "validation" in entry]


def _is_before(line, start):
    """Whether a line is of a step before this one."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(entry, dict) and isinstance(entry.get("step"), int) and entry["step"] < start

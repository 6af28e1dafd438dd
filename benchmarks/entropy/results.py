"""Questions to the rows of a run."""

from .sweep import BITS, TABLES


class Results:
    """The rows of a run; every answer is of the best of a coder's settings, for each direction its own."""

    def __init__(self, result):
        self.rows, self.figures = result["rows"], result["figures"]
        self.size = result["preset"]["size"]
        self.asked = result["preset"]["asked"]
        self.kernels = next((row["kernels"] for row in self.rows if row["coder"] == "rdcodec"), None)

    def lines(self):
        """Everything that a curve may be of: coder, threads, kernels; rdcodec's best first."""
        return list(dict.fromkeys((row["coder"], row["threads"], row["kernels"]) for row in self.rows))

    def at(self, coder, threads=1, kernels=None, bits=BITS, count=None, tables=TABLES):
        """The rows of a coder in a case."""
        kernels = kernels or (self.kernels if coder == "rdcodec" else None)
        key = coder, threads, kernels, bits, count or self.size, tables
        names = "coder", "threads", "kernels", "bits", "asked_count", "tables"
        return [row for row in self.rows if tuple(row[name] for name in names) == key]

    def best(self, direction, *line, **case):
        """The fastest row of a case, or None."""
        return min(self.at(*line, **case), key=lambda row: row[f"{direction}_s"] / row["count"], default=None)

    def speed(self, direction, *line, **case):
        """Millions of symbols a second, or None."""
        row = self.best(direction, *line, **case)
        return row and row["count"] / row[f"{direction}_s"] / 1e6

    def figure(self, what, threads=1, bits=BITS):
        """What rdcodec alone was asked for."""
        return [row for row in self.figures if (row["what"], row["threads"], row["bits"]) == (what, threads, bits)]

    def points(self, direction, line, varied):
        """Where a curve goes over `bits`, `count` or `tables`: the quantity and the speed."""
        fixed = {"bits": BITS, "asked_count": self.size, "tables": TABLES}
        varied = "asked_count" if varied == "count" else varied
        others = {name: value for name, value in fixed.items() if name != varied}
        values = {row[varied] for row in self.rows if all(row[name] == value for name, value in others.items())}
        cases = [{**fixed, varied: value} for value in sorted(values)]
        speeds = [self.speed(direction, *line, bits=c["bits"], count=c["asked_count"], tables=c["tables"]) for c in cases]
        return [(case[varied], speed) for case, speed in zip(cases, speeds) if speed]

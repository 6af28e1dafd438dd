"""What pictures have in common."""

from io import BytesIO
from itertools import groupby

__all__ = ["COLOURS", "FLOOR", "curves", "new_figure", "plain_ticks"]

COLOURS = (
    *("#c1272d", "#0000a7", "#008176", "#b8860b", "#7b3fa0", "#5a9bd4"),
    *("#d8572a", "#5a7d2a", "#a0557b", "#555555", "#00a6a6", "#caa472"),
)
FLOOR = 1e-4  # nats: less than that is as good as nothing, and is drawn at the lower edge
FAR = 300  # ratio of the largest to the smallest value


def new_figure(width, height):
    """A figure of this size in inches, which notebooks show as it is, without pyplot.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'rdcodec[plot]'") from error

    class Picture(Figure):
        def _repr_png_(self):
            file = BytesIO()
            self.savefig(file, format="png")
            return file.getvalue()

    return Picture(figsize=(width, height), dpi=150, layout="constrained")


def plain_ticks(axis):
    """500, 1,000, 2,000, 5,000 ... on a logarithmic axis in place of powers of ten; fewer where what is drawn reaches far."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > FAR * low else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axis.set_minor_formatter(NullFormatter())


def curves(rows):
    """(method, its rows by rate), in the order in which the methods come."""
    order = {row.method: i for i, row in reversed(list(enumerate(rows)))}
    ordered = sorted(rows, key=lambda row: (order[row.method], row.bits_per_token))
    return [(method, list(group)) for method, group in groupby(ordered, key=lambda row: row.method)]

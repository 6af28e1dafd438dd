"""What pictures have in common."""

__all__ = ["new_figure", "plain_ticks"]


def new_figure(width, height):
    """A figure of this size in inches.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("plots need matplotlib: pip install 'rdcodec[plot]'") from error
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def plain_ticks(axis):
    """500, 1,000, 2,000, 5,000 ... on a logarithmic axis in place of powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axis.set_minor_formatter(NullFormatter())

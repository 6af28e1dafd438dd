"""What pictures have in common."""

__all__ = ["new_figure", "plain_ticks"]

FAR = 300  # ratio of the largest to the smallest value


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
    """500, 1,000, 2,000, 5,000 ... on a logarithmic axis in place of powers of ten; fewer where what is drawn reaches far."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_data_interval()
    axis.set_major_locator(LogLocator(subs=(1,) if high > FAR * low else (1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    axis.set_minor_formatter(NullFormatter())

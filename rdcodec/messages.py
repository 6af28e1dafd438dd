"""What came from a file, in messages: it may be anything."""

__all__ = ["first_line", "printable", "shown"]

MOST_SHOWN = 200


def shown(value):
    """A value, at most 200 printable characters."""
    if isinstance(value, (list, tuple, dict)):  # which may be as deep and as long as they like
        return f"a {type(value).__name__} of {len(value)}"
    return _cut(repr(value))


def printable(text):
    """One line of at most 200 characters, those that cannot be printed escaped."""
    return _cut(repr(" ".join(str(text).split()))[1:-1])


def first_line(error):
    """Of what a library says, or the name of its error where it says nothing."""
    return printable(next(iter(str(error).strip().splitlines()), type(error).__name__))


def _cut(text):
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."

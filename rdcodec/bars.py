"""Progress bars of other libraries."""

import sys
from contextlib import contextmanager
from functools import partialmethod
from threading import RLock

__all__ = ["bars_in_terminals", "without_bars"]

_WITHOUT = RLock()  # what one thread finds of tqdm, and puts back, is not what another one put there for a while


@contextmanager
def without_bars():
    """No bar of tqdm, of any thread, that is made meanwhile. Threads come here one after the other.

    Its own switch, an environment variable, is read when it is imported, which may be long ago.
    """
    try:
        from tqdm import tqdm
    except ImportError:  # there are none
        yield
        return
    with _WITHOUT:
        usual = vars(tqdm)["__init__"]  # as it stands there, which may be more than a function
        tqdm.__init__ = partialmethod(tqdm.__init__, disable=True)
        try:
            yield
        finally:
            tqdm.__init__ = usual


@contextmanager
def bars_in_terminals():
    """Bars where stderr is a terminal alone: in a file, each of their steps is a line."""
    if sys.stderr.isatty():
        yield
        return
    with without_bars():
        yield

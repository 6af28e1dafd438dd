"""Ctrl-C: a line says what is kept, and how to go on."""

from contextlib import contextmanager
from functools import wraps

import typer

from rdcodec.cli.output import say

__all__ = ["STOPPED", "resumable", "stoppable"]

STOPPED = 130  # exit status, as shells have it for Ctrl-C
NOTHING = "nothing was written, and what was there before is as it was"


def stoppable(command):
    """A command that ends at Ctrl-C with a line: files are written in one step at its end, so that there are none, unless it says otherwise."""

    @wraps(command)
    def stopping(*args, **options):
        try:
            return command(*args, **options)
        except KeyboardInterrupt as stop:
            say(f"rdcodec: stopped; {str(stop) or NOTHING}", stderr=True)
            raise typer.Exit(STOPPED) from stop

    return stopping


@contextmanager
def resumable(out):
    """Around work that keeps what it has done in a folder, from which ``--resume`` goes on."""
    try:
        yield
    except KeyboardInterrupt as stop:
        raise KeyboardInterrupt(f"{out} keeps what was done: the same command with --resume goes on from there") from stop

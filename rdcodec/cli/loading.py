"""Loading a model without the chatter of its libraries."""

import sys

from rich.markup import escape

from rdcodec.bars import without_bars
from rdcodec.cli.output import console

__all__ = ["load_quietly"]


def load_quietly(name, load=None):
    """`rdcodec.load_model`, or `load(name)`, with a line of its own in place of the libraries' bars and advice.

    Without a terminal it is a plain line.

    Raises
    ------
    ImportError, FileNotFoundError, RdcodecError
        As `load_model`.
    """
    terminal = console(stderr=True)
    if not terminal.is_terminal:
        print(f"loading {name}", file=sys.stderr, flush=True)
    with terminal.status(f"loading {escape(name)}"):
        from rdcodec.models import load_model

        _silence()
        with without_bars():
            return load_model(name) if load is None else load(name)


def _silence():
    try:
        import huggingface_hub
        from transformers.utils import logging
    except ImportError:  # load_model says what is missing
        return
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    huggingface_hub.logging.set_verbosity_error()  # it is tried again and again, which the error says in the end

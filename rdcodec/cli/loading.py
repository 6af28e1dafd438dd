"""Loading a model without the chatter of its libraries."""

import os

from rich.markup import escape

from rdcodec.cli.output import console

__all__ = ["load_quietly"]


def load_quietly(name, load=None):
    """`rdcodec.load_model`, or `load(name)`, with a line of its own in place of the libraries' bars and advice.

    Raises
    ------
    ImportError, FileNotFoundError, RdcodecError
        As `load_model`.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # the bar of GGUF files, which knows no other switch
    with console(stderr=True).status(f"loading {escape(name)}"):
        from rdcodec.models import load_model

        _silence()
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

"""Loading a model without the chatter of its libraries."""

import os

from rich.markup import escape

from rdcodec.cli.output import console
from rdcodec.errors import RdcodecError

__all__ = ["load_quietly", "read_texts"]


def load_quietly(name):
    """`rdcodec.load_model`, with a line of its own in place of the libraries' bars and advice.

    Raises
    ------
    RdcodecError
        There is no such model, or its files are of no use; the first line of what the libraries say about it.
    """
    os.environ.setdefault("TQDM_DISABLE", "1")  # the bar of GGUF files, which knows no other switch
    with console(stderr=True).status(f"loading {escape(name)}"):
        from rdcodec.models import load_model

        _silence()
        try:
            return load_model(name)
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise RdcodecError(f"model {name}: {str(error).strip().splitlines()[0]}") from error


def _silence():
    try:
        from transformers.utils import logging
    except ImportError:  # load_model says what is missing
        return
    logging.set_verbosity_error()
    logging.disable_progress_bar()


def read_texts(paths):
    """Contents of text files.

    Raises
    ------
    RdcodecError
        A file is not UTF-8.
    """
    texts = []
    for path in paths:
        try:
            texts.append(path.read_text(encoding="utf-8"))
        except UnicodeDecodeError as error:
            raise RdcodecError(f"{path}: expected UTF-8 text, byte {error.start} is not") from error
    return texts

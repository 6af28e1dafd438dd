"""Texts of files and data sets."""

from pathlib import Path

from rdcodec.errors import RdcodecError
from rdcodec.messages import first_line, printable

__all__ = ["read_texts"]

DATASET = "hf:"


def read_texts(sources):
    """Texts of files, and of data sets of the Hugging Face hub or of its libraries' local formats.

    Parameters
    ----------
    sources : list of str or path
        Paths of files, or ``hf:NAME[:CONFIGURATION[:SPLIT]]``, whose column "text" makes one text.

    Raises
    ------
    RdcodecError
        A file is not UTF-8; a data set cannot be loaded, or has no such column.
    ImportError
        A data set is asked for, and `datasets` is not installed.
    """
    return [_dataset_text(str(source)) if str(source).startswith(DATASET) else _file_text(Path(source)) for source in sources]


def _file_text(path):
    try:
        return path.read_text(encoding="utf-8-sig")  # a byte-order mark is no part of the text
    except UnicodeDecodeError as error:
        mark = path.stat().st_size - len(error.object)
        raise RdcodecError(f"{path}: expected UTF-8 text, byte {mark + error.start} is not") from error


def _dataset_text(source):
    try:
        import datasets
    except ImportError as error:
        raise ImportError(f"{source} is a data set, which needs datasets: pip install 'rdcodec[train]'") from error
    name, configuration, split = (source.removeprefix(DATASET).split(":") + ["", ""])[:3]
    datasets.disable_progress_bars()
    try:
        rows = datasets.load_dataset(name, configuration or None, split=split or "train")
    except Exception as error:  # whatever the hub, the network or a file format throws
        raise RdcodecError(f"{source}: {first_line(error)}") from error
    if "text" not in rows.column_names:
        raise RdcodecError(f"{source}: expected a column text, got {printable(', '.join(rows.column_names))}")
    return "\n".join(rows["text"])

"""Hidden states on disk, compressed: read anywhere, grown safely (``docs/store.md``)."""

from importlib import import_module
from typing import TYPE_CHECKING

from rdcodec.store.documents import Document, Documents
from rdcodec.store.joining import join
from rdcodec.store.states import States
from rdcodec.store.store import Store
from rdcodec.store.writer import Writer

if TYPE_CHECKING:
    from rdcodec.store.dataset import as_dataset
    from rdcodec.store.passes import capture
    from rdcodec.store.shuffle import Shuffled

_LAZY = {  # which need more than NumPy
    "Shuffled": "rdcodec.store.shuffle",
    "as_dataset": "rdcodec.store.dataset",
    "capture": "rdcodec.store.passes",
}

__all__ = ["Document", "Documents", "Shuffled", "States", "Store", "Writer", "as_dataset", "capture", "join"]

if not TYPE_CHECKING:  # checkers see what is imported above, and nothing else

    def __getattr__(name):
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return value

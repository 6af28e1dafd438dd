"""Hidden states on disk, compressed: read anywhere, grown safely (``docs/store.md``)."""

from importlib import import_module

from rdcodec.store.documents import Document, Documents
from rdcodec.store.joining import join
from rdcodec.store.states import States
from rdcodec.store.store import Store
from rdcodec.store.writer import Writer

_LAZY = {  # which need more than NumPy
    "Shuffled": "rdcodec.store.shuffle",
    "as_dataset": "rdcodec.store.dataset",
    "capture": "rdcodec.store.passes",
}

__all__ = ["Document", "Documents", "States", "Store", "Writer", "join", *_LAZY]


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LAZY[name]), name)
    return value

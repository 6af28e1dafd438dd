"""Hidden states on disk, compressed: read anywhere, grown safely (``docs/store.md``)."""

from rdcodec.store.documents import Document, Documents
from rdcodec.store.states import States
from rdcodec.store.store import Store
from rdcodec.store.writer import Writer

__all__ = ["Document", "Documents", "States", "Store", "Writer"]

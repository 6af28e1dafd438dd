"""Models cut at a layer: where (registry), running either part, and coding what passes between them."""

from .compress import compress_at
from .meter import Meter
from .parts import head_states, run_tail
from .registry import Site, Split, find_site, known_architectures, register_split

__all__ = [
    "Meter",
    "Site",
    "Split",
    "compress_at",
    "find_site",
    "head_states",
    "known_architectures",
    "register_split",
    "run_tail",
]

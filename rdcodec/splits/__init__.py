"""Models cut at a layer: where (registry), running either part, and coding what passes between them."""

from rdcodec.splits.compress import compress_at
from rdcodec.splits.layouts import FeatureMaps, Tokens
from rdcodec.splits.meter import Meter
from rdcodec.splits.parts import head_states, run_head, run_tail
from rdcodec.splits.registry import Site, Split, find_site, known_architectures, register_split

__all__ = [
    "FeatureMaps",
    "Meter",
    "Site",
    "Split",
    "Tokens",
    "compress_at",
    "find_site",
    "head_states",
    "known_architectures",
    "register_split",
    "run_head",
    "run_tail",
]

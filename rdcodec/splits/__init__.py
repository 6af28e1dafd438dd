"""Models cut at a layer: where (registry), running either part, and coding what passes between them."""

from rdcodec.extras import need

need("hf", "torch", "transformers")

from rdcodec.splits.compress import compress_at
from rdcodec.splits.layouts import FeatureMaps, Streams, Tokens
from rdcodec.splits.lengths import longest_input
from rdcodec.splits.meter import Meter
from rdcodec.splits.parts import head_states, run_head, run_tail
from rdcodec.splits.registry import Site, find_site, known_architectures, register_split
from rdcodec.splits.split import Split
from rdcodec.splits.wrappers import unwrapped

__all__ = [
    "FeatureMaps",
    "Meter",
    "Site",
    "Split",
    "Streams",
    "Tokens",
    "compress_at",
    "find_site",
    "head_states",
    "known_architectures",
    "longest_input",
    "register_split",
    "run_head",
    "run_tail",
    "unwrapped",
]

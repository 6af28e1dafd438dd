"""Two machines, one model: the head of a language model on one, its tail on another, coded hidden states between them."""

from rdcodec.serving.head import Head, HeadSession
from rdcodec.serving.parts import Part, load_head, load_tail, part_of
from rdcodec.serving.sampling import Sampler, Sampling
from rdcodec.serving.tail import Step, Tail, TailSession

__all__ = [
    "Head",
    "HeadSession",
    "Part",
    "Sampler",
    "Sampling",
    "Step",
    "Tail",
    "TailSession",
    "load_head",
    "load_tail",
    "part_of",
]

"""Training of learned codecs: hidden states kept on disk, the distortion of the model's output, the loop, and the recipe."""

from rdcodec.training.distortion import TailDistortion
from rdcodec.training.loop import Point, Reconstruction, train
from rdcodec.training.recipe import FAMILIES, Trained, TrainedPoint, train_codec
from rdcodec.training.settings import Settings, Tradeoff
from rdcodec.training.states import Batch, StateCache

__all__ = [
    "FAMILIES",
    "Batch",
    "Point",
    "Reconstruction",
    "Settings",
    "StateCache",
    "TailDistortion",
    "Tradeoff",
    "Trained",
    "TrainedPoint",
    "train",
    "train_codec",
]

"""Training of learned codecs: hidden states kept on disk, the distortion of the model's output, and the loop."""

from rdcodec.training.distortion import TailDistortion
from rdcodec.training.loop import Point, Reconstruction, train
from rdcodec.training.settings import Settings
from rdcodec.training.states import Batch, StateCache

__all__ = ["Batch", "Point", "Reconstruction", "Settings", "StateCache", "TailDistortion", "train"]

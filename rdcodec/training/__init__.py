"""Training of learned codecs: hidden states kept on disk, the distortion of the model's output, the loop, and the recipe; and of
models, with a codec in them."""

from rdcodec.extras import need

need("hf", "torch", "transformers")

from rdcodec.training.distortion import TailDistortion
from rdcodec.training.loop import Point, Reconstruction, train
from rdcodec.training.recipe import FAMILIES, Trained, TrainedPoint, train_codec
from rdcodec.training.settings import Settings, Tradeoff
from rdcodec.training.states import Batch, StateCache
from rdcodec.training.tuning import Tuned, TuneSettings, load_tuned, save_merged, save_tuned, tune

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
    "TuneSettings",
    "Tuned",
    "load_tuned",
    "save_merged",
    "save_tuned",
    "train",
    "train_codec",
    "tune",
]

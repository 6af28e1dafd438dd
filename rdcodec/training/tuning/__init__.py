"""Models tuned with a codec in the loop."""

from rdcodec.training.tuning.folder import Tuned, load_tuned, save_merged, save_tuned
from rdcodec.training.tuning.run import tune
from rdcodec.training.tuning.settings import TuneSettings

__all__ = ["TuneSettings", "Tuned", "load_tuned", "save_merged", "save_tuned", "tune"]

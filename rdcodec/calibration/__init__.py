"""Calibration: a `TransformCodec` in closed form from a model and its inputs, without training."""

from rdcodec.extras import need

need("hf", "torch", "transformers")

from rdcodec.calibration.adaptation import adapt
from rdcodec.calibration.calibration import calibrate, calibrate_inputs
from rdcodec.calibration.windows import default_tokens

__all__ = ["adapt", "calibrate", "calibrate_inputs", "default_tokens"]

"""rdcodec: transformer hidden states as few real bits, decoded to the same symbols on every machine.

Importing the package needs NumPy alone; what needs PyTorch or transformers is imported when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from rdcodec.errors import (
    CodecMismatchError,
    CorruptStreamError,
    LimitError,
    ModelMismatchWarning,
    RdcodecError,
    UnsupportedVersionError,
)

if TYPE_CHECKING:
    from rdcodec.calibration import adapt, calibrate, calibrate_inputs
    from rdcodec.codecs import Codec, TransformCodec
    from rdcodec.models import load_model
    from rdcodec.splits import compress_at
    from rdcodec.store import Store

__version__ = "0.1.0"

_LAZY = {
    "Codec": "rdcodec.codecs",
    "TransformCodec": "rdcodec.codecs",
    "compress_at": "rdcodec.splits",
    "adapt": "rdcodec.calibration",
    "calibrate": "rdcodec.calibration",
    "calibrate_inputs": "rdcodec.calibration",
    "load_model": "rdcodec.models",
    "Store": "rdcodec.store",
}

__all__ = [
    "CodecMismatchError",
    "CorruptStreamError",
    "LimitError",
    "ModelMismatchWarning",
    "RdcodecError",
    "UnsupportedVersionError",
    "__version__",
    "adapt",
    "calibrate",
    "calibrate_inputs",
    "compress_at",
    "load_model",
    "Codec",
    "Store",
    "TransformCodec",
]

if not TYPE_CHECKING:  # checkers see what is imported above, and nothing else

    def __getattr__(name):
        if name not in _LAZY:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_LAZY[name]), name)
        return value

    def __dir__():
        return sorted(__all__)

"""What is put side by side on a link, by the names that both ends give to it."""

from pathlib import Path

from rdcodec import Codec
from rdcodec.codecs import IntegerCodec, RawCodec
from rdcodec.evaluation.baselines.codebook import CodebookCodec

__all__ = ["BASELINES", "RAW", "codec_of"]

RAW = "raw float16"
BASELINES = {
    RAW: RawCodec,
    "int8, a scale a token": lambda channels: IntegerCodec(channels, 8),
    "hivemind 8-bit": lambda channels: CodebookCodec(channels, "uniform"),  # its look-up table travels with every message
}


def codec_of(method, channels):
    """The codec of a baseline's name, or of a folder."""
    return BASELINES[method](channels) if method in BASELINES else Codec.from_pretrained(Path(method))

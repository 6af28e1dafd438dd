"""What is put side by side on a link, by the names that both ends give to it."""

from pathlib import Path

from rdcodec import Codec
from rdcodec.codecs import IntegerCodec, RawCodec

__all__ = ["BASELINES", "HIVEMIND", "RAW", "codec_of"]

RAW, INT8, HIVEMIND = "raw float16", "int8, a scale a token", "hivemind 8-bit"
BASELINES = [RAW, INT8]


def codec_of(method, channels):
    """The codec of a baseline's name, or of a folder."""
    if method == RAW:
        return RawCodec(channels)
    if method == INT8:
        return IntegerCodec(channels, 8)
    if method == HIVEMIND:
        from serving.hivemind_codec import HivemindCodec

        return HivemindCodec(channels)
    return Codec.from_pretrained(Path(method))

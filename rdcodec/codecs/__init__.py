"""Codec families under one contract."""

from rdcodec.codecs.base import Codec
from rdcodec.codecs.block_transform import BlockTransformCodec
from rdcodec.codecs.blockquant import IntegerCodec, MXFP4Codec
from rdcodec.codecs.globalstep import GlobalStepCodec
from rdcodec.codecs.learned import (
    ContextCodec,
    DirectAccessCodec,
    FactorisedHyperpriorCodec,
    FourierHyperpriorCodec,
    LearnedCodec,
)
from rdcodec.codecs.link import Decoder, Encoder, State
from rdcodec.codecs.origin import Origin
from rdcodec.codecs.raw import RawCodec
from rdcodec.codecs.rows import decode_rows, encode_rows, transmit_rows
from rdcodec.codecs.transform import TransformCodec

__all__ = [
    "BlockTransformCodec",
    "Codec",
    "ContextCodec",
    "Decoder",
    "DirectAccessCodec",
    "Encoder",
    "FactorisedHyperpriorCodec",
    "FourierHyperpriorCodec",
    "GlobalStepCodec",
    "IntegerCodec",
    "LearnedCodec",
    "MXFP4Codec",
    "Origin",
    "RawCodec",
    "State",
    "TransformCodec",
    "decode_rows",
    "encode_rows",
    "transmit_rows",
]

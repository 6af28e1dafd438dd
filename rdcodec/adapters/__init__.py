"""Codecs in the places that other programs leave for one: blocks of bounded size, tensors kept for the backward pass, hivemind."""

from rdcodec.adapters.blocks import BlockCodec, BlockStatistics
from rdcodec.adapters.hivemind import hivemind_compression
from rdcodec.adapters.saved_states import saved_states

__all__ = ["BlockCodec", "BlockStatistics", "hivemind_compression", "saved_states"]

"""What a codec knows of the model that it was fitted to, and whether another model is that one.

The weights before the split make the states that a codec was fitted to. Their fingerprint is over the signs of some rows of each
matrix: it is the same for 16-bit copies of a model, whatever file it comes from, and another one after any training to speak of.
"""

import hashlib
import warnings
import weakref

import numpy as np
import torch

from rdcodec.codecs.base import Codec
from rdcodec.codecs.origin import Origin
from rdcodec.errors import ModelMismatchWarning, RdcodecError
from rdcodec.splits.registry import find_site

__all__ = ["blocks_fingerprint", "check_codec", "check_place", "layer_of", "origin_of"]

ROWS = 4  # of each matrix
DIGEST_BYTES = 8


def origin_of(model, layer):
    """Model and split point as a codec keeps them.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int

    Returns
    -------
    Origin or None
        None where the weights cannot be looked at: they are on a disk, or packed.
    """
    site = find_site(model, layer)
    digest = _digest(_weights_before(site))
    return None if digest is None else Origin(site.base.config.get_text_config().model_type, digest)


def blocks_fingerprint(blocks):
    """Fingerprint of some blocks, as an origin's: str of 16 hexadecimal digits, None where their weights cannot be looked at."""
    return _digest(weight for block in blocks for weight in block.parameters() if _is_matrix(weight))


def _digest(weights):
    digest = hashlib.blake2b(digest_size=DIGEST_BYTES)
    try:
        for weight in weights:
            digest.update(repr(tuple(weight.shape)).encode())
            digest.update(_signs(weight))
    except (RuntimeError, NotImplementedError):
        return None
    return digest.hexdigest()


def _is_matrix(weight):
    return weight.dim() > 1 and weight.is_floating_point()


@torch.no_grad()
def _signs(weight):
    rows = np.linspace(0, len(weight) - 1, min(ROWS, len(weight))).round().astype(int)
    chosen = torch.stack([weight[int(row)] for row in rows]).float()
    return np.packbits(torch.signbit(chosen).cpu().numpy()).tobytes()


def _weights_before(site):
    """Matrices of floats, in the order of the model, up to the block: embeddings and the blocks before it, or all of them."""
    weights, block = list(site.base.parameters()), {id(weight) for weight in site.block.parameters()}
    of_block = [number for number, weight in enumerate(weights) if id(weight) in block] or [len(weights)]  # none of one that was emptied
    return filter(_is_matrix, weights[: of_block[-1] + 1 if site.is_last else of_block[0]])


_WARNED: weakref.WeakKeyDictionary[torch.nn.Module, set[bytes]] = weakref.WeakKeyDictionary()


def layer_of(codec, layer=None, name="codec"):
    """int : `layer`, or that which the codec was fitted to.

    Raises
    ------
    TypeError
        It is no codec.
    RdcodecError
        There is no layer, and the codec was fitted to none.
    """
    if not isinstance(codec, Codec):
        raise TypeError(f"{name}: expected a Codec, got {type(codec).__name__}")
    layer = codec.layer if layer is None else layer
    if layer is None:
        raise RdcodecError(f"layer: expected one, since the {name} was fitted to none")
    return layer


def check_codec(model, layer, codec, any_layer=False, name="codec"):
    """Hold a codec against the place where it is to be used.

    Parameters
    ----------
    model : transformers.PreTrainedModel
    layer : int
    codec : Codec
    any_layer : bool
        Whether a codec of another layer may be used.
    name : str
        Of the codec, in errors.

    Returns
    -------
    Site

    Raises
    ------
    RdcodecError
        The codec has other channels, or is one of another layer.

    Warns
    -----
    ModelMismatchWarning
        The codec was fitted to another model; once for a codec and a model.
    """
    site = check_place(model, layer, codec, any_layer, name)
    own = layer if codec.layer is None else codec.layer
    seen = _WARNED.setdefault(site.base, set())
    if codec.origin is None or own != layer or codec.codec_id in seen:
        return site
    seen.add(codec.codec_id)
    here = origin_of(model, layer)
    if here is not None and here != codec.origin:
        warnings.warn(
            f"the codec {codec.codec_id.hex()} was fitted to a model {codec.origin}, this one is {here} up to layer {layer}:"
            " rates and losses may be other than its own",
            ModelMismatchWarning,
            stacklevel=4,
        )
    return site


def check_place(model, layer, codec, any_layer=False, name="codec"):
    """As `check_codec`, of a model whose weights before the split are elsewhere: only channels and layer."""
    site = find_site(model, layer)
    if codec.channels != site.channels:
        raise RdcodecError(f"{name}: expected {site.channels} channels as the model has, got {codec.channels}")
    own = layer if codec.layer is None else codec.layer
    if own != layer and not any_layer:
        raise RdcodecError(
            f"{name}: expected one of layer {layer}, got one of layer {own}: its losses are those of that layer;"
            " any_layer=True uses it all the same"
        )
    return site

"""Pipelines over several machines, on the parallelism that transformers has, with frames between their stages: `compress_pipeline`."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import transformers

from rdcodec.arguments import integer
from rdcodec.errors import RdcodecError
from rdcodec.serving.peers import all_alike
from rdcodec.serving.stage import CodedStage
from rdcodec.splits import find_site, unwrapped
from rdcodec.splits.compiled import refuse_compiled
from rdcodec.splits.fingerprint import check_place
from rdcodec.splits.hooks import on_every_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rdcodec.codecs import Codec
    from rdcodec.serving.stage import StageMeter
    from rdcodec.types import Model

__all__ = ["compress_pipeline", "pipeline_layers"]

ENGINE = "transformers.distributed.pipeline_parallel"
FIRST_VERSION = "5.24"
MOST_LOGITS = 2**24


@contextmanager
def compress_pipeline(
    model: Model, codecs: Sequence[Codec], quality: int | None = None, best_logits: int | None = None
) -> Iterator[StageMeter]:
    """Send frames between the stages of a pipeline while the context is open, in place of raw hidden states.

    The model is one that transformers split over the processes of `torch.distributed`; each of them opens the context with the
    same codecs. Forward passes and `generate()` are called on all of them alike, as ever, and what they compute is what
    `compress_at` computes at these layers in one process. Each row of a batch has an encoder and a decoder at each boundary, which
    go on with the cache that their prompt began with, as those of `compress_at`; padding is not sent.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Loaded with ``DistributedConfig(pp_size=...)``, or split by `apply_pipeline_parallelism`.
    codecs : sequence of Codec
        One a boundary, in the order of the stages: of the layers that `pipeline_layers` names.
    quality : int, optional
        Of all boundaries; each codec's default where it is not given.
    best_logits : int, optional
        Logits of a position that come back from the last stage to all; the others are minus infinity. With 1 the
        most probable token is the same, and drawing from the k best is with k of them or more. All, raw, where it is not given, which takes more
        bytes than the hidden states.

    Yields
    ------
    StageMeter
        Of this process.

    Raises
    ------
    RdcodecError
        The release of transformers has no pipelines, or the model is none; a part of it is compiled; there is not one codec a
        boundary, or one is of another layer or width; the quality is out of range; the processes were given different codecs; during
        a forward pass, as `compress_at`.
    CorruptStreamError, LimitError
        During a forward pass: what came from the stage before is not what it should have sent.
    """
    layers = pipeline_layers(model)
    refuse_compiled(model)
    model = cast("Model", unwrapped(model))
    stage, codecs = model._pp_stage, list(codecs)
    if len(codecs) != len(layers):
        raise RdcodecError(f"codecs: expected {len(layers)}, one for each of the layers {layers}, got {len(codecs)}")
    for i, (layer, codec) in enumerate(zip(layers, codecs)):
        check_place(model, layer, codec, name=f"codecs[{i}]")
        codec.encoder(quality)  # refuses a quality here, not in the middle of a forward pass
    if best_logits is not None:
        best_logits = integer("best_logits", best_logits, 1, MOST_LOGITS)
    _agree(stage, codecs, best_logits)
    incoming, outgoing = [None, *codecs, None][stage.pp_rank : stage.pp_rank + 2]
    coded = CodedStage(stage, _own_blocks(model), incoming, outgoing, quality, best_logits)
    model._pp_stage = coded
    try:
        with on_every_call(model, coded.enter, coded.leave):
            yield coded.meter
    finally:
        model._pp_stage = stage
        coded.prompts.close()


def pipeline_layers(model: Model) -> list[int]:
    """The layers at which a pipeline is cut.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        As of `compress_pipeline`.

    Returns
    -------
    list of int
        The first block of each stage but the first: one a boundary, in the order of the stages.

    Raises
    ------
    RdcodecError
        The release of transformers has no pipelines, or the model is none.
    """
    if importlib.util.find_spec(ENGINE) is None:
        raise RdcodecError(f"transformers: expected {FIRST_VERSION} or later, which has pipelines, got {transformers.__version__}")
    model = unwrapped(model)
    stage = getattr(model, "_pp_stage", None)
    if stage is None or stage.pp_size < 2:
        raise RdcodecError(
            "model: expected stages on 2 processes or more, as from_pretrained(..., distributed_config=DistributedConfig(pp_size=N))"
            " makes them under torchrun, got a whole model"
        )
    blocks = len(find_site(model, 0).blocks)
    return [stage.layer_range_for_rank(rank, blocks)[0] for rank in range(1, stage.pp_size)]


def _own_blocks(model):
    return range(*model._pp_stage.layer_range_for_rank(model._pp_stage.pp_rank, len(find_site(model, 0).blocks)))


def _agree(stage, codecs, best_logits):
    said = json.dumps([[codec.codec_id.hex() for codec in codecs], best_logits])
    if not all_alike(stage, hashlib.blake2b(said.encode(), digest_size=8).digest()):
        raise RdcodecError(f"codecs: expected the same on all processes, and the same best_logits; rank {stage.pp_rank} has {said}")

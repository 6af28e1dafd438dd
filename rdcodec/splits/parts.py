"""The two parts of a model on their own: what runs before the split point and what runs after it.

They stay in the thread that calls them: others may run the same model, whole or in parts, at the same time. Within `compress_at`
they are passes of the model too, but that the part which begins or ends at a block does so before its input is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from rdcodec.errors import RdcodecError
from rdcodec.splits.compiled import refuse_compiled
from rdcodec.splits.hooks import before, block_input, replaced_input, skipped, stopped_at
from rdcodec.splits.registry import find_site

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.types import Model

__all__ = ["head_states", "run_head", "run_tail"]


def head_states(
    model: Model, layer: int, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None, **inputs: Any
) -> torch.Tensor:
    """Hidden states that enter block `layer`; the blocks from there on are not run. At n_layers, the last hidden state.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture, in evaluation mode.
    layer : int
        0 to n_layers, which is the last hidden state, behind the final norm where there is one.
    input_ids : torch.Tensor
        int [batch, tokens]; pixel values for models of images.
    attention_mask : torch.Tensor, optional
        [batch, tokens], 0 where a token is padding.
    **inputs
        Further arguments of the model's forward.

    Returns
    -------
    torch.Tensor
        [batch, tokens, channels] in the model's element type, without gradient. The places of a feature map are tokens, row
        by row.

    Raises
    ------
    RdcodecError
        The architecture is unknown, a part of the model is compiled, or the layer is out of range.
    """
    site = _site(model, layer)
    inputs = {site.model.main_input_name: input_ids, **_given(attention_mask), **inputs}
    with torch.no_grad():
        reached = stopped_at(site.place, lambda: site.model(**inputs))
    return _states(site, reached)


def run_head(model: Model, layer: int, h: torch.Tensor) -> torch.Tensor:
    """Hidden states that enter block `layer` of a model that begins with given ones: only the blocks before it are run.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture, in evaluation mode.
    layer : int
        0 to n_layers.
    h : torch.Tensor
        [batch, tokens, channels], the input of block 0; gradients flow to it. Feature maps must be square.

    Returns
    -------
    torch.Tensor
        [batch, tokens, channels]

    Raises
    ------
    RdcodecError
        The architecture is unknown, a part of the model is compiled, the layer is out of range or the decoder's, the blocks use
        the token ids besides h, or h does not have the shape of the model's own state.
    """
    first, site = _site(model, 0), find_site(model, layer)
    if first.split is not site.split:
        raise RdcodecError(f"layer: expected one of the encoder's {len(first.blocks)}, got {layer}, which is the decoder's")
    inputs = _shape_of(site, h, {})
    if site.model.config.is_encoder_decoder:  # it asks for tokens of the decoder, which it does not get to
        inputs["decoder_input_ids"] = torch.zeros(len(h), 1, dtype=torch.int64, device=h.device)

    def run():
        with before(first.place, _giving(site, h)):  # within: of block 0, h is what is reached
            site.model(**inputs)

    return _states(site, stopped_at(site.place, run))


def run_tail(model: Model, layer: int, h: torch.Tensor, attention_mask: torch.Tensor | None = None, **inputs: Any) -> torch.Tensor:
    """Output of a model that goes on from given hidden states: only blocks `layer` and later are run.

    The model's own code does it, so positions, masks and heads are its own.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        Of a known architecture, in evaluation mode.
    layer : int
        0 to n_layers.
    h : torch.Tensor
        [batch, tokens, channels], as `head_states` gives them; gradients flow to it. Feature maps must be square.
    attention_mask : torch.Tensor, optional
        [batch, tokens], 0 where a token is padding.
    **inputs
        Further arguments of the model's forward, for example `position_ids` or `logits_to_keep`; of an encoder and a decoder
        what goes into the other one. With `input_ids` it knows its own tokens: some blocks use them besides h (Gemma 3n), and
        some classifiers pool at the last one that is no padding. They are embedded, and `h` takes that one's place.

    Returns
    -------
    torch.Tensor
        The logits, [batch, tokens, vocabulary] for a language model, [batch, classes] for a classifier; the last hidden
        state of a model without head.

    Raises
    ------
    RdcodecError
        The architecture is unknown, a part of the model is compiled, the layer is out of range, h does not have the shape of the
        model's own state, or the blocks use token ids that are not given.
    """
    site = _site(model, layer)
    if h.dim() != 3 or h.shape[-1] != site.channels:
        raise RdcodecError(f"h: expected [batch, tokens, {site.channels}], got shape {tuple(h.shape)}")
    inputs = {**_shape_of(site, h, inputs), **_given(attention_mask), **inputs}
    with skipped(site.skipped), before(site.place, _giving(site, h)):
        output = site.model(**inputs)
    return output.logits if "logits" in output else output.last_hidden_state


def _site(model, layer):
    refuse_compiled(model)
    return find_site(model, layer)


def _states(site, reached):
    if reached is None:
        raise RdcodecError(f"model: {type(site.model).__name__} never ran block {site.layer}")
    return site.layout.to_tokens(block_input(*reached))


def _giving(site, h):
    """A hook by which a block begins with h."""

    def begin(block, args, kwargs):
        own = block_input(args, kwargs)
        return replaced_input(args, kwargs, site.layout.from_tokens(h, own).to(own))

    return begin


def _shape_of(site, h, inputs):
    """Arguments that give a forward pass the shape of h, unless it has the tokens themselves."""
    if site.split.needs_tokens and "input_ids" not in inputs:
        raise RdcodecError(f"input_ids: the blocks of {type(site.model).__name__} use them besides h; give those of its tokens")
    shaped = site.split.inputs(site.model, h)
    return {name: value for name, value in shaped.items() if name.replace("inputs_embeds", "input_ids") not in inputs}


def _given(attention_mask):
    return {} if attention_mask is None else {"attention_mask": attention_mask}

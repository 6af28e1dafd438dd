"""A tuned model on disk: what was trained, and beside it the codec that it was trained with."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load, save

from rdcodec.codecs import Codec
from rdcodec.codecs.fields import Choice, Integer, Text, check_config
from rdcodec.codecs.origin import Origin, origin_from
from rdcodec.errors import RdcodecError, UnsupportedVersionError
from rdcodec.files import replace_file
from rdcodec.messages import first_line
from rdcodec.splits.fingerprint import check_codec, origin_of
from rdcodec.splits.registry import find_site
from rdcodec.training.tuning.settings import METHODS, PARTS
from rdcodec.training.tuning.weights import block_weights, check_plain, need_peft, old_names
from rdcodec.unpacked import without_quantisation

if TYPE_CHECKING:
    from typing import Any

    from rdcodec.types import Model, PathLike, Tokenizer

__all__ = ["Tuned", "load_tuned", "save_merged", "save_tuned", "with_origin"]

VERSION = 1
TUNED_FILE = "tuned.json"
WEIGHTS_FILE = "weights.safetensors"
FIELDS = {
    "format_version": Integer(1, 2**31 - 1),
    "codec_id": Text("[0-9a-f]{16}"),
    "layer": Integer(0, 2**31 - 1),
    "part": Choice(PARTS),
    "method": Choice(METHODS),
}


@dataclass(frozen=True)
class Tuned:
    """A model and the codec that it was tuned with.

    Attributes
    ----------
    model : peft.PeftModel or transformers.PreTrainedModel
        The former around a model with adapters, the latter where they are merged or there are none.
    codec : Codec
        Its default quality is one that the model was tuned at.
    layer : int
        Split point.
    part, method : str
        As in `TuneSettings`.
    base : Origin or None
        The model before it was tuned.
    before, after : list of Point
        Held-out figures of a training, at each quality.
    """

    model: Any
    codec: Codec
    layer: int
    part: str
    method: str
    base: Origin | None
    before: Sequence = ()
    after: Sequence = ()

    def merged(self) -> Tuned:
        """The same with adapters merged into the weights of the model, which is changed."""
        if not hasattr(self.model, "merge_and_unload"):
            return self
        model = self.model.merge_and_unload()
        return with_origin(Tuned(model, self.codec, self.layer, self.part, self.method, self.base, self.before, self.after))


def with_origin(tuned):
    """A tuned head makes other states than those before: the codec's model is the tuned one then."""
    if tuned.part != "tail":
        tuned.codec.origin = origin_of(tuned.model, tuned.layer)
    return tuned


def save_tuned(tuned: Tuned, directory: PathLike) -> None:
    """Write adapters or weights and the codec into one folder; what `load_tuned` reads first is written last.

    Parameters
    ----------
    tuned : Tuned
        Not merged.
    directory : str or path
        Made if it does not exist.

    Raises
    ------
    RdcodecError
        Its adapters are merged: then it is a model as any other, for `save_merged`.
    """
    directory = Path(directory)
    if tuned.method == "lora" and not hasattr(tuned.model, "merge_and_unload"):
        raise RdcodecError("tuned: its adapters are merged, expected to be saved by save_merged")
    directory.mkdir(parents=True, exist_ok=True)
    if tuned.method == "lora":
        tuned.model.save_pretrained(directory, save_embedding_layers=False)
    else:
        weights = block_weights(find_site(tuned.model, tuned.layer), tuned.part)
        replace_file(directory / WEIGHTS_FILE, save({name: weight.detach().contiguous() for name, weight in weights.items()}))
    codec = copy.copy(tuned.codec)
    codec.origin = tuned.base
    codec.save_pretrained(directory)
    fields = {
        "format_version": VERSION,
        "codec_id": codec.codec_id.hex(),
        "layer": tuned.layer,
        "part": tuned.part,
        "method": tuned.method,
        **({} if tuned.base is None else {"base": tuned.base._asdict()}),
    }
    replace_file(directory / TUNED_FILE, (json.dumps(fields, indent=2) + "\n").encode())


def save_merged(tuned: Tuned, tokenizer: Tokenizer, directory: PathLike) -> Tuned:
    """Write a plain model of merged weights with its tokenizer to a folder, and its codec to the folder `codec` in it.

    Parameters
    ----------
    tuned : Tuned
        Its model is merged by this.
    tokenizer : transformers.PreTrainedTokenizerBase
    directory : str or path
        Made if it does not exist.

    Returns
    -------
    Tuned
        Merged.
    """
    merged = tuned.merged()
    without_quantisation(merged.model).save_pretrained(directory)
    tokenizer.save_pretrained(directory)
    merged.codec.save_pretrained(Path(directory) / "codec")
    return merged


def load_tuned(directory: PathLike, model: Model, merge: bool = False) -> Tuned:
    """Load what `save_tuned` wrote, into the model that was tuned.

    Parameters
    ----------
    directory : str or path
    model : transformers.PreTrainedModel
        As it was before it was tuned; it is changed.
    merge : bool
        Merge adapters into the weights: a plain model, as fast as before.

    Returns
    -------
    Tuned
        In evaluation mode.

    Raises
    ------
    FileNotFoundError
        A file is missing.
    ImportError
        There are adapters, and `peft` is not installed.
    UnsupportedVersionError
        The folder is of a later version.
    RdcodecError
        The folder's codec is another one than the model was tuned with; the model is another one, in a wrapper or with adapters; a file
        is damaged.
    """
    directory = Path(directory)
    fields, base = _read(directory / TUNED_FILE)
    codec = Codec.from_pretrained(directory)
    if codec.codec_id.hex() != fields["codec_id"]:
        raise RdcodecError(
            f"{directory}: the model was tuned with the codec {fields['codec_id']}, the folder holds {codec.codec_id.hex()}:"
            " apart they are worth little"
        )
    check_plain(model)
    layer = fields["layer"]
    site = check_codec(model, layer, codec)
    here = origin_of(model, layer)
    if None not in (base, here) and base != here:
        raise RdcodecError(f"model: expected {base} up to layer {layer}, which was tuned, got {here}")
    if fields["method"] == "lora":
        need_peft()
        model = _with_adapters(directory, site.model)
    else:
        _load_weights(directory / WEIGHTS_FILE, block_weights(site, fields["part"]))
    tuned = with_origin(Tuned(model.eval(), codec, layer, fields["part"], fields["method"], base))
    return tuned.merged() if merge else tuned


def _read(path):
    """Fields of a folder, and the `Origin` of the model before it was tuned, None where it is not known."""
    if not path.is_file():
        raise FileNotFoundError(f"{path.parent} holds no tuned model: {path.name} is missing")
    try:
        found = json.loads(path.read_bytes())
        fields = check_config(FIELDS, found)
        base = origin_from(found["base"]) if "base" in found else None
    except (ValueError, RecursionError) as error:
        raise RdcodecError(f"{path}: damaged: {first_line(error)}") from error
    if fields["format_version"] > VERSION:
        raise UnsupportedVersionError(f"{path}: format_version {fields['format_version']}, this release reads up to {VERSION}")
    return fields, base


def _with_adapters(directory, model):
    from peft import PeftModel

    try:
        with old_names():
            return PeftModel.from_pretrained(model, str(directory))
    except Exception as error:  # whatever the library makes of damaged files, and of adapters of another shape
        raise RdcodecError(f"{directory}: adapters that do not suit the model: {first_line(error)}") from error


@torch.no_grad()
def _load_weights(path, weights):
    try:
        found = load(path.read_bytes())
    except Exception as error:  # whatever the library makes of a damaged file
        if isinstance(error, OSError):
            raise
        raise RdcodecError(f"{path}: damaged: {first_line(error)}") from error
    shapes = [{name: tuple(tensor.shape) for name, tensor in tensors.items()} for tensors in (found, weights)]
    if shapes[0] != shapes[1]:
        wrong = next(name for name in shapes[0] | shapes[1] if shapes[0].get(name) != shapes[1].get(name))
        raise RdcodecError(f"{path}: {wrong}: expected shape {shapes[1].get(wrong)} as the model has, got {shapes[0].get(wrong)}")
    for name, weight in weights.items():
        weight.copy_(found[name])

"""Hidden states of a text or of other inputs, computed once and read from disk at every step of the training."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.lib.format import open_memmap

from rdcodec.arrays import read_array
from rdcodec.calibration.gradients import check_gradients
from rdcodec.calibration.inputs import check_one_input, input_states
from rdcodec.calibration.output import head_inputs
from rdcodec.calibration.windows import all_windows, windows_of
from rdcodec.errors import RdcodecError
from rdcodec.modes import frozen
from rdcodec.progress import ProgressLines
from rdcodec.splits import find_site, unwrapped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rdcodec.types import Array, Model, PathLike, Progress, Tokenizer

__all__ = ["Batch", "StateCache"]

KEY_FILE = "key.json"
WINDOWS = 4  # at a time through the model
HELD_OUT = 1 / 16  # of the windows ...
HELD_OUT_MOST = 16 * 512  # tokens
SEED = 31


class Batch(NamedTuple):
    """Some windows of a `StateCache`.

    Attributes
    ----------
    states : torch.Tensor
        float32 [windows, tokens, channels], hidden states at the split point.
    finals : torch.Tensor
        float32 [windows, tokens, width], what enters the output head of the uncompressed model; [windows, width] of a classifier,
        and its logits if it pools within its head or behind it.
    ids : torch.Tensor
        int64 [windows, tokens], the tokens themselves; [windows, 0] of inputs that are no text.
    """

    states: torch.Tensor
    finals: torch.Tensor
    ids: torch.Tensor

    def to(self, device: torch.device | str) -> Batch:
        """The same on a device."""
        return Batch(*(part.to(device, non_blocking=True) for part in self))


class StateCache:
    """Hidden states at a split point and final hidden states of all windows of texts, or of other inputs, in memory-mapped files.

    The final states stand for the distributions that the uncompressed model predicts: one matrix product makes these, while
    their log-probabilities, over a vocabulary of 50,000, would take 200 kB a token instead of 2 kB.

    Attributes
    ----------
    folder : pathlib.Path
    key : dict
        What the states depend on; equal keys, equal states.
    train, held_out : ndarray
        int64, indices of the windows to train on and of those to validate on; the same for equal keys.
    """

    def __init__(self, folder: PathLike, key: dict[str, Any]) -> None:
        self.folder = folder
        self.key = key
        self._states, self._finals, self._ids = _maps(folder)
        held_out = min(self.windows_of(HELD_OUT_MOST), max(1, round(len(self._ids) * HELD_OUT)))
        shuffled = np.random.default_rng(SEED).permutation(len(self._ids))
        self.held_out, self.train = np.sort(shuffled[:held_out]), np.sort(shuffled[held_out:])

    @classmethod
    def open(
        cls,
        folder: PathLike,
        model: Model,
        tokenizer: Tokenizer,
        texts: str | Sequence[str],
        layer: int,
        autocast: bool = False,
        progress: Progress | None = None,
    ) -> StateCache:
        """The cache of these states below a folder, computed if it is not there.

        Each key has a folder of its own, which appears in one step when all of it is written.

        Parameters
        ----------
        folder : path
            Made if it does not exist; caches of other models, layers and texts may lie there as well.
        model : transformers.PreTrainedModel
            With an output head over a vocabulary.
        tokenizer : transformers.PreTrainedTokenizerBase
        texts : str or list of str
        layer : int
            Split point, 0 to n_layers, which is the last hidden state.
        autocast : bool
            Compute in bfloat16 where PyTorch's autocast does so, which is faster on GPUs and on CPUs with AVX512-BF16.
        progress : callable, optional
            Called as ``progress(stage, fraction)`` with a name and 0 to 1; without it, a line on stderr now and then.

        Returns
        -------
        StateCache

        Raises
        ------
        RdcodecError
            The architecture is unknown, the model has no output head, the layer is out of range, or the texts make fewer
            than two windows.
        """
        model = unwrapped(model)
        find_site(model, layer)
        check_one_input(model)
        rows, _ = all_windows(model, tokenizer, texts)
        if len(rows) < 2:
            raise RdcodecError(f"texts: expected at least 2 windows of {rows.shape[1]} tokens, they make {len(rows)}")
        key = {"window": rows.shape[1], "ids": _digest(rows.numpy())}
        return cls._opened(folder, model, rows, rows, layer, autocast, key, progress)

    @classmethod
    def open_inputs(
        cls, folder: PathLike, model: Model, inputs: torch.Tensor, layer: int, autocast: bool = False, progress: Progress | None = None
    ) -> StateCache:
        """As `open`, for inputs of any kind.

        Parameters
        ----------
        folder, model, layer, autocast, progress
            As for `open`, but the model has an output head over classes.
        inputs : torch.Tensor
            [inputs, ...], what the model takes as its main input: float32 [images, channels, height, width] for models of images.

        Returns
        -------
        StateCache

        Raises
        ------
        RdcodecError
            The architecture is unknown, the model has no output head, the layer is out of range, or there are fewer than two
            inputs.
        """
        model = unwrapped(model)
        find_site(model, layer)
        check_one_input(model)
        if len(inputs) < 2:
            raise RdcodecError(f"inputs: expected at least 2, got {len(inputs)}")
        key = {"shape": list(inputs.shape), "inputs": _digest(inputs.contiguous().numpy())}
        ids = torch.empty(len(inputs), 0, dtype=torch.int64) if inputs.is_floating_point() else inputs.long()
        return cls._opened(folder, model, inputs, ids, layer, autocast, key, progress)

    @classmethod
    def _opened(cls, folder, model, inputs, ids, layer, autocast, key, progress):
        check_gradients(model, layer, inputs)
        key = {**_model_key(model, layer, autocast), **key}
        target = Path(folder) / _digest(json.dumps(key, sort_keys=True).encode())[:16]
        if not (target / KEY_FILE).is_file():
            _build(target, key, model, layer, inputs, ids, autocast, progress or ProgressLines())
        return cls(target, key)

    def read(self, index: Array) -> Batch:
        """Windows by their indices.

        Parameters
        ----------
        index : ndarray
            int64 [windows]

        Returns
        -------
        Batch
            In memory, on the CPU.

        Raises
        ------
        IndexError
            There is no such window.
        """
        return Batch(*(torch.from_numpy(part[index]) for part in (self._states, self._finals, self._ids)))

    def windows_of(self, tokens: int) -> int:
        """int : how many windows make at least so many tokens."""
        return windows_of(tokens, self._states)

    @property
    def is_text(self) -> bool:
        """bool : whether there are token ids."""
        return self._ids.shape[1] > 0


def _files(folder):
    return [Path(folder) / name for name in ("states.npy", "finals.npy", "ids.npy")]


def _maps(folder):
    """The arrays of a cache, which is as it was written.

    Raises
    ------
    RdcodecError
        A file is damaged.
    """
    try:
        states, finals, ids = (read_array(file, mapped=True) for file in _files(folder))
        types = [array.dtype for array in (states, finals, ids)]
        if types != [np.float32, np.float32, np.int64] or states.ndim != 3 or finals.ndim not in (2, 3) or ids.ndim != 2:
            raise RdcodecError("expected states and finals of float32 and ids of int64")
        if not (2 <= len(states) == len(finals) == len(ids)) or ids.shape[1] not in (0, states.shape[1]):
            raise RdcodecError(f"expected arrays of the same windows, got shapes {states.shape}, {finals.shape}, {ids.shape}")
    except (OSError, RdcodecError) as error:
        raise RdcodecError(f"{folder}: damaged states, to be computed again when the folder is gone: {error}") from error
    return states, finals, ids


def _model_key(model, layer, autocast):
    """What the states depend on besides the inputs. For a text, token ids stand for it and for the tokenizer."""
    return {
        "model": model.name_or_path,
        "weights": _fingerprint(model),
        "layer": layer,
        "dtype": "autocast to bfloat16" if autocast else str(model.dtype).removeprefix("torch."),
    }


def _fingerprint(model):
    hash_ = hashlib.sha256(model.config.to_json_string().encode())
    for name, tensor in model.state_dict().items():
        hash_.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        hash_.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return hash_.hexdigest()


def _digest(data):
    return hashlib.sha256(data).hexdigest()


def _build(target, key, model, layer, inputs, ids, autocast, report):
    """Write a cache beside its place and move it there: what is there is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    try:
        with frozen(model):
            _write_states(temporary, model, layer, inputs, autocast, report)
        np.save(_files(temporary)[2], ids.numpy())
        (temporary / KEY_FILE).write_text(json.dumps(key, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(target, ignore_errors=True)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


@torch.no_grad()
def _write_states(folder, model, layer, inputs, autocast, report):
    files, maps = _files(folder), None
    for start in range(0, len(inputs), WINDOWS):
        part = inputs[start : start + WINDOWS].to(model.device)
        with torch.autocast(part.device.type, torch.bfloat16, enabled=autocast):
            states = input_states(model, layer, part)
            arrays = states, head_inputs(model, layer, states, part)
        if maps is None:
            maps = [open_memmap(file, "w+", np.float32, (len(inputs), *array.shape[1:])) for file, array in zip(files, arrays)]
        for written, array in zip(maps, arrays):
            written[start : start + WINDOWS] = array.float().cpu().numpy()
        report("states", min(1.0, (start + WINDOWS) / len(inputs)))
    for written in maps:
        written.flush()

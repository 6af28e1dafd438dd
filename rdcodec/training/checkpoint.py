"""Checkpoints of a training: one file, replaced in one step."""

import copy
import os
from pathlib import Path

import torch

from rdcodec.errors import RdcodecError
from rdcodec.messages import printable, shown

__all__ = ["checkpoint_path", "load_checkpoint", "restore", "save_checkpoint"]

ENTRIES = {"run": dict, "step": int, "steps": int, "module": dict, "optimizer": dict}


def checkpoint_path(out, resume):
    """Path of the checkpoint in a folder.

    Raises
    ------
    RdcodecError
        There is one, and it is not to be resumed from.
    """
    path = Path(out) / "checkpoint.pt"
    if path.exists() and not resume:
        raise RdcodecError(f"out: {path} exists; resume from it, or choose another folder")
    return path


def save_checkpoint(path, checkpoint):
    """Write a dict of tensors and plain values; until all of it is written the file before it stays."""
    temporary = path.with_name(f".{path.name}")
    torch.save(checkpoint, temporary)
    os.replace(temporary, path)


def load_checkpoint(path, run):
    """A checkpoint of the same run.

    Parameters
    ----------
    path : pathlib.Path
    run : dict
        What the checkpoint must have been made with, as its entry "run".

    Raises
    ------
    RdcodecError
        The file is no checkpoint, or of another run.
    """
    checkpoint = _read(path)
    for name, kind in ENTRIES.items():
        found = checkpoint.get(name) if isinstance(checkpoint, dict) else None
        if not isinstance(found, kind) or isinstance(found, bool):
            raise RdcodecError(f"{path}: expected a checkpoint of a training, got one whose {name} is no {kind.__name__}")
    made_with = checkpoint["run"]
    for name in made_with | run:
        if not _same(made_with.get(name), run.get(name)):
            with_ = f"{name if name in run else shown(name)}={shown(made_with.get(name))}"
            raise RdcodecError(f"{path}: made with {with_}, to be resumed with {shown(run.get(name))}")
    steps = checkpoint["steps"] if run.get("steps") is None else run["steps"]
    if not (1 <= checkpoint["steps"] == steps and 0 <= checkpoint["step"] <= steps):
        raise RdcodecError(f"{path}: expected a step of {steps}, got {checkpoint['step']} of {checkpoint['steps']}")
    return checkpoint


def restore(module, optimizer, checkpoint):
    """Put a checkpoint's tensors into a module and its AdamW; after an error both are as they were.

    Raises
    ------
    RdcodecError
        They are of another module, or not such as a training leaves.
    """
    before = copy.deepcopy(module.state_dict()), copy.deepcopy(optimizer.state_dict())
    try:
        module.load_state_dict(checkpoint["module"])
        optimizer.load_state_dict(checkpoint["optimizer"])
        _check_restored(module, optimizer, before[1])
    except Exception as error:  # PyTorch does not check types, so that others become whatever comes of them
        module.load_state_dict(before[0])
        optimizer.load_state_dict(before[1])
        raise RdcodecError(f"module: the checkpoint is of another one: {printable(error)}") from error


def _check_restored(module, optimizer, before):
    """Finite weights, moments of their shapes, and the settings that the optimizer was made with, but for its learning rates."""
    for name, value in module.state_dict().items():
        if not torch.isfinite(value).all():
            raise RdcodecError(f"{name} holds values that are not finite")
    for group, expected in zip(optimizer.state_dict()["param_groups"], before["param_groups"], strict=True):
        for name in (group | expected).keys() - {"lr"}:
            if not _same(group.get(name), expected.get(name)):
                raise RdcodecError(f"the optimizer's {name} is {shown(group.get(name))}, expected {shown(expected.get(name))}")
    for weight, state in optimizer.state.items():
        moments = [state[name] for name in ("exp_avg", "exp_avg_sq")] if state else []
        if any(value.shape != weight.shape or not torch.isfinite(value).all() for value in moments):
            raise RdcodecError("the optimizer's moments do not suit the weights")
        if state and not 0 <= float(state["step"]) < 2**53:
            raise RdcodecError(f"the optimizer's step is {float(state['step'])}")


def _same(found, expected):
    """Whether a value of a file, which may be anything, is this plain one."""
    if isinstance(expected, (list, tuple)):
        return type(found) is type(expected) and len(found) == len(expected) and all(map(_same, found, expected))
    kinds = (int, float) if type(expected) in (int, float) else (type(expected),)
    return type(found) in kinds and found == expected


def _read(path):
    with open(path, "rb") as file:
        try:
            return torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # bytes of a damaged file become whatever the unpickler of PyTorch makes of them
            raise RdcodecError(f"{path}: expected a checkpoint of a training, got something else or a damaged one") from error

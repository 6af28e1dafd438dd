"""Options of both ends of a link, and what they are turned into."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError

__all__ = ["Dtype", "Insecure", "TokenFile", "need_serving", "read_token", "shared_codec"]

Dtype = Annotated[str, typer.Option("--dtype", help="Element type of the model: float32, float16 or bfloat16; alike at both ends.")]
Insecure = Annotated[bool, typer.Option("--insecure", help="Speak plain text with other machines, too: anyone between can read it.")]
TokenFile = Annotated[
    Optional[Path], typer.Option("--token-file", help="File with the bearer token that heads must give.", show_default=False)
]


def need_serving():
    """The parts of the extra `serve`.

    Raises
    ------
    ImportError
        One is missing; the message says how to install it.
    """
    try:
        import rdcodec.serving

        return rdcodec.serving
    except ModuleNotFoundError as error:
        raise ImportError(f"{error.name} is not installed: pip install 'rdcodec[serve]'") from error


def read_token(path):
    """The token in a file, None where there is no file."""
    if path is None:
        return None
    token = path.read_text(encoding="utf-8").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise RdcodecError(f"{path}: expected a token of printable ASCII characters")
    return token


def shared_codec(folder, layer):
    """The codec of a link, and the layer: the codec's own where none is named."""
    codec = Codec.from_pretrained(folder)
    layer = codec.layer if layer is None else layer
    if layer is None:
        raise RdcodecError(f"{folder}: a codec of family {codec.family!r} belongs to no layer of a model; give --layer K")
    return codec, layer

"""What the commands that write stores share."""

from pathlib import Path

from rdcodec.cli.output import say
from rdcodec.codecs import Codec
from rdcodec.errors import RdcodecError
from rdcodec.store import Store
from rdcodec.store.description import read_description
from rdcodec.store.exemplars import exemplars_of

__all__ = ["check_new", "chosen_exemplars", "read_codecs", "say_packed"]


def check_new(path, resume):
    """Refuse, before the work begins, a path that is taken."""
    if path.exists() and not resume:
        raise FileExistsError(f"{path} exists: give --resume to go on with it, or another --out")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist")


def read_codecs(options):
    """Codecs by the names of their places, of ``DIR`` or ``NAME=DIR``."""
    codecs = {}
    for option in options:
        name, _, folder = option.rpartition("=") if not Path(option).is_dir() else ("", "", option)
        codec = Codec.from_pretrained(folder)
        name = name or (f"layer{codec.layer}" if codec.layer is not None else "states")
        if name in codecs:
            raise RdcodecError(f"--codec: two for the place {name}; name them, NAME=DIR")
        codecs[name] = codec
    return codecs


def chosen_exemplars(path, sources, tokens):
    """Those of the store at the path, if one is there, by the names of their places; otherwise about so many tokens of the sources."""
    if path.exists():
        return {place.name: place.exemplars for place in read_description(path).places}
    return exemplars_of(sources, tokens) if tokens else None


def say_packed(path):
    """Say, and return, what a store takes."""
    store = Store.open(path)
    elements = len(store) * sum(place.codec.channels for place in store.description.places)
    rate = 8 * store.bytes / elements if elements else None
    facts = {"tokens": len(store), "documents": len(store.documents), "bytes": store.bytes, "bits_per_element": rate}
    bits = f", {rate:.3f} bits an element" if elements else ""
    say(f"{path}: {len(store)} tokens, {len(store.documents)} documents, {store.bytes} bytes{bits}")
    return facts

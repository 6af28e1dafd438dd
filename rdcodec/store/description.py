"""What holds for a whole store, in its file store.json: its places with a codec each, element type, and whether there are token ids."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from rdcodec.codecs import Codec
from rdcodec.codecs.fields import Choice, Integer, Text, check_config, check_field
from rdcodec.codecs.limits import MOST_CONFIG_BYTES
from rdcodec.errors import LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.messages import printable, shown
from rdcodec.store.container import MAX_GROUP_TOKENS
from rdcodec.store.names import CODECS, DESCRIPTION_FILE
from rdcodec.store.paths import local_copy, path_of
from rdcodec.stream import DTYPES

__all__ = ["Description", "Place", "describe", "read_description", "write_description"]

VERSION = 1
GROUP_TOKENS = 512
MAX_PLACES = 4096
NAME = "[A-Za-z0-9_.-]{1,100}"
_FIELDS = {"dtype": Choice(DTYPES), "group_tokens": Integer(1, MAX_GROUP_TOKENS), "token_ids": Choice((False, True))}
_PLACE = {"name": Text(NAME), "codec": Text("[0-9a-f]{16}"), "channels": Integer(1, 65536), "quality": Integer(-(2**31), 2**31 - 1)}


class Place(NamedTuple):
    """Where states come from: one of the arrays of a store.

    Attributes
    ----------
    name : str
    codec : Codec
    quality : int
        Of states that are added.
    """

    name: str
    codec: Codec
    quality: int

    def fields(self):
        return {"name": self.name, "codec": self.codec.codec_id.hex(), "channels": self.codec.channels, "quality": self.quality}


class Description(NamedTuple):
    """What holds for a whole store.

    Attributes
    ----------
    dtype : str
        Of the states that were coded: "float32", "float16" or "bfloat16".
    group_tokens : int
        Of a group, at most.
    token_ids : bool
        Whether each token's id stands beside its states.
    places : tuple of Place
    """

    dtype: str
    group_tokens: int
    token_ids: bool
    places: tuple

    @property
    def parts(self):
        """int : of a group: a place each, token ids, documents."""
        return len(self.places) + self.token_ids + 1

    @property
    def store_id(self):
        """bytes : 8 bytes of BLAKE2b over all of this: shards of stores that are described alike can be exchanged."""
        return hashlib.blake2b(json.dumps(self.fields(), sort_keys=True).encode(), digest_size=8).digest()

    def fields(self):
        own = {"version": VERSION, "dtype": self.dtype, "group_tokens": self.group_tokens, "token_ids": self.token_ids}
        return {**own, "places": [place.fields() for place in self.places]}


def describe(codecs, dtype="float16", quality=None, group_tokens=GROUP_TOKENS, token_ids=False):
    """The `Description` of arguments of `Writer.create`, each of which is checked."""
    if isinstance(codecs, Codec):
        codecs = {f"layer{codecs.layer}" if codecs.layer is not None else "states": codecs}
    if not isinstance(codecs, dict) or not 1 <= len(codecs) <= MAX_PLACES:
        raise RdcodecError(f"codecs: expected a codec, or a dict of name to codec of 1 to {MAX_PLACES}, got {shown(codecs)}")
    for name, codec in codecs.items():
        check_field("codecs: a name", Text(NAME), name)
        if not isinstance(codec, Codec):
            raise RdcodecError(f"codecs: {name}: expected a codec, got {type(codec).__name__}")
    given = check_config(_FIELDS, {"dtype": dtype, "group_tokens": group_tokens, "token_ids": token_ids})
    wanted = quality if isinstance(quality, dict) else dict.fromkeys(codecs, quality)
    places = tuple(Place(name, codec, _quality(codec, wanted.get(name))) for name, codec in codecs.items())
    return Description(**given, places=places)


def _quality(codec, quality):
    """The one that a codec makes of it, or its error."""
    codec.encoder(quality)
    return codec.default_quality if quality is None else int(quality)


def write_description(description, folder):
    """Codecs first: what store.json names is there."""
    for codec in {place.codec.codec_id: place.codec for place in description.places}.values():
        codec.save_pretrained(Path(folder) / CODECS / codec.codec_id.hex())
    fields = {"store_id": description.store_id.hex(), **description.fields()}
    (Path(folder) / DESCRIPTION_FILE).write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")


def read_description(folder):
    """The `Description` in a store's folder, with its codecs.

    Raises
    ------
    FileNotFoundError
        The folder holds no store.
    UnsupportedVersionError
        It is one of a later version.
    RdcodecError
        store.json or a codec is damaged, or they do not belong together.
    """
    path = path_of(folder) / DESCRIPTION_FILE
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no store: {DESCRIPTION_FILE} is missing")
    fields = _read_fields(path)
    try:
        _check_version(fields)
        given = check_config(_FIELDS, fields)
        places = _places(fields.get("places"), path.parent / CODECS)
        check_field("store_id", Text("[0-9a-f]{16}"), fields.get("store_id"))
    except RdcodecError as error:
        raise type(error)(f"{path}: {error}") from error
    description = Description(**given, places=places)
    if description.store_id.hex() != fields["store_id"]:
        raise RdcodecError(f"{path}: the fields make store {description.store_id.hex()}, expected {fields['store_id']}: one was changed")
    return description


def _read_fields(path):
    if path.stat().st_size > MOST_CONFIG_BYTES:
        raise LimitError(f"{path}: expected at most {MOST_CONFIG_BYTES} bytes, got {path.stat().st_size}")
    try:
        fields = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise RdcodecError(f"{path}: expected JSON, but {printable(error)}") from error
    if type(fields) is not dict:
        raise RdcodecError(f"{path}: expected an object, got {shown(fields)}")
    return fields


def _check_version(fields):
    version = fields.get("version")
    check_field("version", Integer(1, 2**31), version)
    if version > VERSION:
        raise UnsupportedVersionError(f"version {version}, this release reads up to {VERSION}")


def _places(listed, codecs):
    if type(listed) is not list or not 1 <= len(listed) <= MAX_PLACES:
        raise RdcodecError(f"places: expected a list of 1 to {MAX_PLACES}, got {shown(listed)}")
    places, loaded = [], {}
    for fields in listed:
        fields = check_config(_PLACE, fields)
        name, codec_id = fields["name"], fields["codec"]
        if name in [place.name for place in places]:
            raise RdcodecError(f"places: the name {name} stands twice")
        if codec_id not in loaded:
            with local_copy(codecs / codec_id) as folder:
                loaded[codec_id] = Codec.from_pretrained(folder)
        codec = loaded[codec_id]
        if codec.codec_id.hex() != codec_id or codec.channels != fields["channels"]:
            raise RdcodecError(f"places: {name}: expected codec {codec_id} of {fields['channels']} channels, got {codec!r}")
        check_field(f"places: {name}: quality", Integer(codec.min_quality, codec.max_quality), fields["quality"])
        places.append(Place(name, codec, fields["quality"]))
    return tuple(places)

"""What holds for a whole store, in its file store.json: its places with a codec each, element type, and whether there are token ids."""

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

from rdcodec.codecs import Codec
from rdcodec.codecs.fields import Choice, Integer, Text, check_config, check_field
from rdcodec.codecs.limits import MOST_CONFIG_BYTES
from rdcodec.errors import CorruptStreamError, LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.messages import printable, shown
from rdcodec.store.container import MAX_GROUP_TOKENS
from rdcodec.store.exemplars import Exemplars
from rdcodec.store.names import CODECS, DESCRIPTION_FILE, EXEMPLARS
from rdcodec.store.paths import local_copy, path_of
from rdcodec.stream import DTYPES, Chain

__all__ = ["Description", "Place", "describe", "read_description", "write_description"]

VERSION = 2  # that with exemplars; a store without them is of version 1
GROUP_TOKENS = 512
MAX_PLACES = 4096
MOST_FRAME_BYTES = 2**26 + 64
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
    exemplars : Exemplars or None
    """

    name: str
    codec: Codec
    quality: int
    exemplars: Exemplars | None = None

    @property
    def chain(self):
        """Chain : that the frames of a group go on from."""
        return self.exemplars.chain if self.exemplars else Chain()

    def decoder(self):
        """A `Decoder` for the frames of a group."""
        return self.exemplars.decoder() if self.exemplars else self.codec.decoder()

    def encoder(self):
        """An `Encoder` for those."""
        return self.decoder().encoder() if self.exemplars else self.codec.encoder(self.quality)

    def fields(self):
        own = {"name": self.name, "codec": self.codec.codec_id.hex(), "channels": self.codec.channels, "quality": self.quality}
        return {**own, "exemplars": self.exemplars.digest} if self.exemplars else own


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

    @property
    def version(self):
        """int : of its bytes."""
        return VERSION if any(place.exemplars for place in self.places) else 1

    def fields(self):
        own = {"version": self.version, "dtype": self.dtype, "group_tokens": self.group_tokens, "token_ids": self.token_ids}
        return {**own, "places": [place.fields() for place in self.places]}


def describe(codecs, dtype="float16", quality=None, group_tokens=GROUP_TOKENS, token_ids=False, exemplars=None):
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
    shown_before = exemplars if isinstance(exemplars, dict) else dict.fromkeys(codecs, exemplars)
    places = []
    for name, codec in codecs.items():
        level = _quality(codec, wanted.get(name))
        places.append(Place(name, codec, level, _exemplars(name, codec, level, shown_before.get(name))))
    places = tuple(places)
    return Description(**given, places=places)


def _quality(codec, quality):
    """The one that a codec makes of it, or its error."""
    codec.encoder(quality)
    return codec.default_quality if quality is None else int(quality)


def _exemplars(name, codec, quality, states):
    """Of states; None of none, and what is coded already as it is."""
    if states is None or isinstance(states, Exemplars):
        return states
    try:
        return Exemplars.coded(codec, quality, states)
    except (RdcodecError, TypeError) as error:
        raise type(error)(f"exemplars: {name}: {error}") from error


def write_description(description, folder):
    """Codecs first: what store.json names is there."""
    for codec in {place.codec.codec_id: place.codec for place in description.places}.values():
        codec.save_pretrained(Path(folder) / CODECS / codec.codec_id.hex())
    for place in description.places:
        if place.exemplars:
            (Path(folder) / EXEMPLARS).mkdir(exist_ok=True)
            _exemplars_file(Path(folder), place.exemplars.digest).write_bytes(place.exemplars.frame)
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
        places = _places(fields.get("places"), path.parent)
        check_field("store_id", Text("[0-9a-f]{16}"), fields.get("store_id"))
    except RdcodecError as error:
        raise type(error)(f"{path}: {error}") from error
    description = Description(**given, places=places)
    if description.version != fields["version"]:
        raise RdcodecError(f"{path}: version: expected {description.version}, as its places are, got {fields['version']}")
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


def _places(listed, folder):
    if type(listed) is not list or not 1 <= len(listed) <= MAX_PLACES:
        raise RdcodecError(f"places: expected a list of 1 to {MAX_PLACES}, got {shown(listed)}")
    places, loaded = [], {}
    for given in listed:
        fields = check_config(_PLACE, given)
        name, codec_id = fields["name"], fields["codec"]
        if name in [place.name for place in places]:
            raise RdcodecError(f"places: the name {name} stands twice")
        if codec_id not in loaded:
            with local_copy(folder / CODECS / codec_id) as copy:
                loaded[codec_id] = Codec.from_pretrained(copy)
        codec = loaded[codec_id]
        if codec.codec_id.hex() != codec_id or codec.channels != fields["channels"]:
            raise RdcodecError(f"places: {name}: expected codec {codec_id} of {fields['channels']} channels, got {codec!r}")
        check_field(f"places: {name}: quality", Integer(codec.min_quality, codec.max_quality), fields["quality"])
        exemplars = None if "exemplars" not in given else _read_exemplars(folder, codec, given["exemplars"])
        places.append(Place(name, codec, fields["quality"], exemplars))
    return tuple(places)


def _exemplars_file(folder, digest):
    return folder / EXEMPLARS / f"{digest}.frame"


def _read_exemplars(folder, codec, digest):
    check_field("places: exemplars", Text("[0-9a-f]{16}"), digest)
    file = _exemplars_file(folder, digest)
    if not file.is_file() or file.stat().st_size > MOST_FRAME_BYTES:
        raise RdcodecError(f"{file}: expected a file of at most {MOST_FRAME_BYTES} bytes")
    exemplars = Exemplars(codec, file.read_bytes())
    if exemplars.digest != digest:
        raise CorruptStreamError(f"{file}: expected exemplars {digest}, got {exemplars.digest}")
    return exemplars

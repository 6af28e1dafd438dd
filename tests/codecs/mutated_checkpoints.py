"""Checkpoints changed at random, of every family: what is loaded from them works, all else is an RdcodecError.

    python tests/codecs/mutated_checkpoints.py --cases 10000 --seed 1

prints how many were refused, how many made a working codec, the slowest case and the largest memory, and ends with a traceback
at the first case that is neither.
"""

import argparse
import json
import random
import re
import resource
import tempfile
import time
import warnings
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from block_parts import calibrated_codec
from learned_parts import learned_codec
from safetensors.numpy import load, save

from rdcodec import Codec, CorruptStreamError, LimitError, RdcodecError
from rdcodec.codecs import GlobalStepCodec, IntegerCodec, MXFP4Codec, RawCodec
from rdcodec.codecs.checkpoint import CONFIG_FILE, TENSORS_FILE
from rdcodec.codecs.families import FAMILIES
from rdcodec.codecs.fields import Integer, Integers, Number
from rdcodec.stream import write_frame
from rdcodec.training import FAMILIES as LEARNED

CHANNELS = 20
GOLDEN = Path(__file__).parents[1] / "golden" / "codec"


def transform_codec(blocks=False):
    """As calibration makes it, from states without a model."""
    return calibrated_codec(np.exp(np.random.default_rng(4).normal(0, 1, CHANNELS)), blocks)


MAKERS = {
    "raw": lambda: RawCodec(CHANNELS),
    "raw-zlib": lambda: RawCodec(CHANNELS, "bfloat16", "zlib"),
    "integer": lambda: IntegerCodec(CHANNELS, 5, group=7),
    "mxfp4": lambda: MXFP4Codec(CHANNELS),
    "global-step": lambda: GlobalStepCodec.fit(np.random.default_rng(0).normal(size=(500, CHANNELS)).astype(np.float32), 0.3),
    "transform": transform_codec,
    "block-transform": lambda: transform_codec(blocks=True),
    "golden": lambda: Codec.from_pretrained(GOLDEN),
    **{name: lambda family=family: learned_codec(family, CHANNELS, np.ones(CHANNELS)) for name, family in LEARNED.items()},
}


class Parts(NamedTuple):
    """A checkpoint taken apart, to be changed."""

    config: dict
    tensors: dict


@cache
def saved(name):
    """Bytes of the two files of a codec that is whole."""
    with tempfile.TemporaryDirectory() as folder:
        MAKERS[name]().save_pretrained(folder)
        return tuple((Path(folder) / file).read_bytes() for file in (CONFIG_FILE, TENSORS_FILE))


def parts_of(name):
    config, tensors = saved(name)
    return Parts(json.loads(config), {key: value.copy() for key, value in load(tensors).items()})


def write(parts, folder):
    (folder / CONFIG_FILE).write_text(json.dumps(parts.config))
    (folder / TENSORS_FILE).write_bytes(save({name: np.asarray(value, order="C") for name, value in parts.tensors.items()}))


def load_with_its_own_id(folder):
    """The codec of a folder, its id mended where that alone is wrong: an attacker can do that, too."""
    try:
        return Codec.from_pretrained(folder)
    except RdcodecError as error:
        made = re.search("says codec [0-9a-f]{16}, they make ([0-9a-f]{16})$", str(error))
        if made is None:
            assert type(error).__module__ == "rdcodec.errors" and len(str(error)) < 1500 and str(error).isprintable(), error
            raise
    text = (folder / CONFIG_FILE).read_text()
    (folder / CONFIG_FILE).write_text(re.sub('"codec_id": "[0-9a-f]{16}"', f'"codec_id": "{made[1]}"', text))
    return Codec.from_pretrained(folder)


def use(codec, rng):
    """Code tokens of usual and unusual values, and decode bytes that no encoder wrote: nothing but finite states may come of it."""
    tokens = np.random.default_rng(rng.randrange(2**32)).standard_normal((4, codec.channels)).astype(np.float32)
    tokens[1] *= rng.choice([0, 1e-30, 1e30])
    tokens[2, rng.randrange(codec.channels)] = rng.choice([3e38, -3e38, 1e-44])
    if isinstance(codec, GlobalStepCodec):  # which refuses what int32 steps do not reach
        reach = min(2.0**30 * float(codec.step), float(np.finfo(np.float32).max))
        np.clip(tokens, -reach, reach, out=tokens)
    quality = rng.choice([codec.min_quality, codec.max_quality, rng.randint(codec.min_quality, codec.max_quality)])
    encoder, decoder = codec.encoder(quality), codec.decoder()
    for part in (tokens[:1], tokens[1:]):
        decoded = decoder.decode(encoder.encode(part))
        assert decoded.shape == part.shape and np.isfinite(decoded).all()
    assert np.isfinite(codec.decode(codec.encode(tokens, quality))).all()
    try:
        decoded = codec.decoder().decode(write_frame(2, rng.randbytes(rng.randrange(200)), quality))
        assert decoded.shape == (2, codec.channels) and np.isfinite(decoded).all()
    except (CorruptStreamError, LimitError):
        pass


# ---- changes

VALUES = [
    *(None, True, False, -1, 0, 1, 2, 7, 2.0, 0.5, -0.0, 1e-300, 1e300, float("inf"), float("nan")),
    *(2**15, 2**16, 2**31, -(2**31), 2**63, 2**64, 10**30, -(10**400)),
    *("", "0", "x" * 5000, "\ud800\n\x1b[31m", "transform", [], {}, [0, 0], [1, 2.0], [[]], {"a": [1]}),
]


def change_field(rng, parts):
    """A field of the config, or of what stands around it."""
    inner = rng.random() < 0.7
    fields = parts.config["config"] if inner and type(parts.config.get("config")) is dict else parts.config
    name = rng.choice([*fields, "later"])
    old, how = fields.get(name), rng.random()
    kind = getattr(FAMILIES.get(str(parts.config.get("family")), object), "FIELDS", {}).get(name)
    if how < 0.1:
        fields.pop(name, None)
    elif how < 0.4 and isinstance(kind, (Integer, Number)):
        fields[name] = rng.choice(kind)
    elif how < 0.4 and isinstance(kind, Integers):
        fields[name] = [rng.choice(kind.each) for _ in range(kind.length)]
    elif how < 0.6 and type(old) is int:
        fields[name] = old + rng.choice([-100, -8, -1, 1, 8, 100])
    else:
        fields[name] = rng.choice(VALUES)


def change_elements(rng, parts):
    """Some elements of a tensor, or all, to others of its type: extremes, neighbours, those that its table allows, any bits."""
    name = rng.choice([*parts.tensors])
    tensor = parts.tensors[name]
    if tensor.size == 0:
        return
    at, how = rng.randrange(tensor.size), rng.random()
    if how < 0.7:
        with np.errstate(all="ignore"):
            value = np.float64(rng.choice(elements_for(name, tensor, at, parts))).astype(tensor.dtype)
        tensor.flat[slice(None) if how < 0.3 else at] = value
    else:
        flat = tensor.reshape(-1).view(np.uint8)
        for _ in range(rng.choice([1, 3, 30])):
            flat[rng.randrange(len(flat))] = rng.randrange(256)
        parts.tensors[name] = flat.view(tensor.dtype).reshape(tensor.shape) if tensor.dtype != np.bool_ else tensor


def elements_for(name, tensor, at, parts):
    here, spec, kind = float(tensor.flat[at]), specs_of(parts).get(name), tensor.dtype.kind
    values = [0, 1, here - 3, here - 1, here + 1, here + 3]
    if kind == "f":
        values += [np.nan, np.inf, np.finfo(tensor.dtype).min, np.finfo(tensor.dtype).max]
    elif kind != "b":
        values += [np.iinfo(tensor.dtype).min, np.iinfo(tensor.dtype).max]
    return values + ([spec.least, spec.most] * 3 if spec is not None and spec.least is not None else [])


def specs_of(parts):
    family = FAMILIES.get(str(parts.config.get("family")), object)
    return {spec.name: spec for spec in getattr(family, "SPECS", ())}


def change_tensor(rng, parts):
    """The shape or the type of a tensor, or whether it is there."""
    name = rng.choice([*parts.tensors])
    tensor = parts.tensors[name]
    changes = [
        lambda: tensor[..., None],
        lambda: np.repeat(tensor[None], 2, axis=0),
        lambda: tensor[:0] if tensor.ndim else tensor[None][:0],
        lambda: tensor[:-1] if tensor.ndim else tensor[None],
        lambda: np.concatenate([tensor, tensor[:1]]) if tensor.ndim else np.stack([tensor, tensor]),
        lambda: tensor.T[..., :1] if tensor.ndim else tensor,
        lambda: tensor.ravel()[:1],
        lambda: np.zeros((0, 2**40), tensor.dtype),
        lambda: tensor.astype(rng.choice([np.float64, np.int64, np.uint8, np.int16, np.float16, np.bool_])),
    ]
    how = rng.random()
    if how < 0.15:
        del parts.tensors[name]
    elif how < 0.3:
        parts.tensors[rng.choice(["extra", "predictor.9.weight", "steps.1.table", "x\n\x1b", *parts.tensors])] = tensor
    else:
        with np.errstate(all="ignore"):
            parts.tensors[name] = rng.choice(changes)()


def damage_file(rng, folder):
    """Bytes of a file: cut, changed, put in, or the whole replaced."""
    path = folder / rng.choice([CONFIG_FILE, TENSORS_FILE])
    data = bytearray(path.read_bytes())
    how = rng.random()
    if how < 0.3:
        data = data[: rng.randrange(len(data))]
    elif how < 0.6:
        for _ in range(rng.choice([1, 2, 8])):
            data[rng.randrange(min(len(data), rng.choice([8, 200, len(data)])))] = rng.randrange(256)
    elif how < 0.8:
        at = rng.randrange(len(data))
        put = [rng.randbytes(9), b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"\xff\xfe", b'"config": {},']
        data[at:at] = rng.choice(put)
    else:
        data = with_other_header(data, *rng.choice(HEADERS)) if path.name == TENSORS_FILE else data.replace(b":", b"=", 1)
    path.write_bytes(data)


HEADERS = [(b'"F32"', b'"BF16"'), (b'"I8"', b'"F8_E4M3"'), (b'"U8"', b'"I8"'), (b'"I32"', b'"F32"'), (b'"shape":[', b'"shape":[9,')]


def with_other_header(data, old, new):
    """A file of tensors whose header says something else somewhere."""
    size = int.from_bytes(data[:8], "little")
    header = bytes(data[8 : 8 + size]).replace(old, new, 1)
    return len(header).to_bytes(8, "little") + header + data[8 + size :]


def mutate(rng, folder, name):
    """Write a changed checkpoint of a family."""
    parts = parts_of(name)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        changes = [change_field, *[change_elements] * 3, change_tensor]
        rng.choice(changes if parts.tensors else [change_field])(rng, parts)
    write(parts, folder)
    if rng.random() < 0.15:
        damage_file(rng, folder)


def check_case(seed, folder, names=tuple(MAKERS)):
    """ "refused" or "working"; anything else is an error that this raises."""
    rng = random.Random(seed)
    mutate(rng, folder, rng.choice(names))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            codec = load_with_its_own_id(folder)
        except RdcodecError:
            return "refused"
        use(codec, rng)
    return "working"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--families", default=",".join(MAKERS))
    arguments = parser.parse_args()
    counts, slowest = Counter(), (0.0, None)
    names = tuple(arguments.families.split(","))
    for name in names:
        saved(name)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with tempfile.TemporaryDirectory() as folder:
        for case in range(arguments.cases):
            began = time.perf_counter()
            seed = f"{arguments.seed}.{case}"
            try:
                counts[check_case(seed, Path(folder), names)] += 1
            except BaseException:
                print(f"case {seed}")
                raise
            slowest = max(slowest, (time.perf_counter() - began, seed))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = f"{before / 1024:.0f} MB before, {peak / 1024:.0f} MB at most"
    print(f"{dict(counts)}, slowest {slowest[0]:.3f} s (case {slowest[1]}), {memory}")


if __name__ == "__main__":
    main()

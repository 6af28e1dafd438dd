"""Checkpoints that may come from anywhere: refused by name, before they take memory, or a codec that works."""

import json
import random
import tempfile
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mutated_checkpoints import MAKERS, check_case, load_with_its_own_id, parts_of, saved, specs_of, use, write
from safetensors.numpy import save

from rdcodec import Codec, LimitError, RdcodecError, UnsupportedVersionError
from rdcodec.codecs import ContextCodec, DirectAccessCodec, Origin, TransformCodec
from rdcodec.codecs.checkpoint import CONFIG_FILE, TENSORS_FILE
from rdcodec.codecs.costs import level_costs
from rdcodec.codecs.families import FAMILIES
from rdcodec.codecs.fields import Choice, Integer, Integers, Number
from rdcodec.codecs.limits import check_codebook, check_memory, network_bytes, table_bytes
from rdcodec.entropy import FrequencyTables
from rdcodec.reference import split_tables

WITH_TENSORS = [name for name in MAKERS if name not in ("raw", "raw-zlib", "integer", "mxfp4")]


@pytest.fixture
def changed(tmp_path):
    """changed(name, change): what is said of a checkpoint that ``change(parts)`` was done to, or the codec."""

    def load(name, change):
        parts = parts_of(name)
        change(parts)
        write(parts, tmp_path)
        return load_with_its_own_id(tmp_path)

    return load


def fields_of(name):
    return FAMILIES[parts_of(name).config["family"]].FIELDS


# ---- files


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xfe{\x00}\x00", "expected JSON, but 'utf-8' codec"),
        (b"[" * 100_000, "expected JSON, but maximum recursion depth"),
        (b'{"a":' * 100_000, "expected JSON, but maximum recursion depth"),
        (b"9" * 5000, "expected JSON, but Exceeds the limit"),
        (b'{"family": "raw", "family": "raw"}', "expected JSON, but 'family' stands twice"),
        (b'{"format_version": NaN}', "expected JSON, but NaN is no JSON number"),
        (b'{"format_version": -Infinity}', "expected JSON, but -Infinity is no JSON number"),
        (b"[1]", "expected an object, got a list of 1"),
        (b"{}", "format_version is missing"),
    ],
)
def test_a_config_that_is_none(tmp_path, data, message):
    for file, whole in zip((CONFIG_FILE, TENSORS_FILE), saved("raw"), strict=True):
        (tmp_path / file).write_bytes(whole)
    (tmp_path / CONFIG_FILE).write_bytes(data)
    with pytest.raises(RdcodecError, match=f"the checkpoint is damaged: {message}"):
        Codec.from_pretrained(tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *(("format_version", value, "format_version: expected 1 or a later") for value in (True, -1, 0, 1.0, 1.5, "1", None, [])),
        *(("family", value, "family .*, expected one of") for value in (None, 1, [], {}, "", "object", "x\n\x1b" * 999)),
        *(("codec_id", value, "codec_id: expected 16 hexadecimal digits") for value in (None, 7, "", "0" * 15, "0" * 17, "G" * 16)),
        *(("default_quality", value, "default_quality: expected an integer 0") for value in (None, False, 0.0, 1, "0", 10**30, [0])),
        *(("config", value, "config: expected an object, got") for value in (None, 7, [], "x" * 999)),
    ],
)
def test_what_stands_around_the_config(changed, name, value, message):
    with pytest.raises(RdcodecError, match=message) as refusal:
        changed("integer", lambda parts: parts.config.update({name: value}))
    assert len(str(refusal.value)) < 600 and str(refusal.value).isprintable()


def test_a_later_version_of_any_size(changed):
    with pytest.raises(UnsupportedVersionError, match="format_version 1000.*0000\\.\\.\\., this release reads up to 1"):
        changed("raw", lambda parts: parts.config.update(format_version=10**3000))


@pytest.mark.parametrize("name", MAKERS)
def test_a_codec_in_one_file(tmp_path, name):
    codec = MAKERS[name]()
    codec.default_quality = codec.max_quality
    codec.origin = Origin("llama", "0123456789abcdef")
    codec.export(tmp_path / "codec.rdc")
    loaded = Codec.from_pretrained(tmp_path / "codec.rdc")
    assert type(loaded) is type(codec) and loaded.codec_id == codec.codec_id
    assert (loaded.default_quality, loaded.origin) == (codec.default_quality, codec.origin)


def one_file(metadata):
    """Of no tensors."""
    header = json.dumps({"__metadata__": metadata}).encode()
    return len(header).to_bytes(8, "little") + header


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "expected JSON, but"),
        (bytes(9), "expected JSON, but"),
        (one_file({})[:-1], "expected JSON, but"),
        (one_file({}), "expected a file of `rdcodec export`"),
        (one_file([]), "expected a file of `rdcodec export`"),
        (one_file({"rdcodec": 7}), "expected a file of `rdcodec export`"),
        (one_file({"rdcodec": "{"}), "expected JSON, but"),
        (one_file({"rdcodec": "\ud800"}), "expected JSON, but"),
        (one_file({"rdcodec": "{}"}), "format_version is missing"),
        ((2**20 + 1).to_bytes(8, "little") + bytes(2**20 + 1), "expected a header of at most 1048576 bytes"),
    ],
)
def test_one_file_that_holds_no_codec(tmp_path, data, message):
    (tmp_path / "codec.rdc").write_bytes(data)
    with pytest.raises(RdcodecError, match=message):
        Codec.from_pretrained(tmp_path / "codec.rdc")


def test_a_tensor_whose_name_no_id_takes(tmp_path):
    with pytest.raises(RdcodecError, match="expected names of printable ASCII, got"):
        parts = parts_of("transform")
        write(parts._replace(tensors={**parts.tensors, 'a"b': np.zeros(1, np.uint8)}), tmp_path)
        Codec.from_pretrained(tmp_path)


def test_files_that_are_too_large_to_be_any(tmp_path):
    for file, whole in zip((CONFIG_FILE, TENSORS_FILE), saved("golden"), strict=True):
        (tmp_path / file).write_bytes(whole)
    (tmp_path / CONFIG_FILE).write_bytes(saved("golden")[0] + b" " * 2**20)
    with pytest.raises(LimitError, match="config.json: expected at most 1048576 bytes"):
        Codec.from_pretrained(tmp_path)
    (tmp_path / CONFIG_FILE).write_bytes(saved("golden")[0])
    header = b"{" + b" " * 2**20 + b"}"
    (tmp_path / TENSORS_FILE).write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(LimitError, match="expected a header of at most 1048576 bytes"):
        Codec.from_pretrained(tmp_path)


def header_of(tensors):
    said = {name: {"dtype": of, "shape": shape, "data_offsets": [0, size]} for name, (of, shape, size) in tensors.items()}
    text = json.dumps(said)
    return len(text).to_bytes(8, "little") + text.encode()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"1234567",
        b"\xff" * 8,
        header_of({"mean": ("BF16", [2], 4)}) + b"1234",
        header_of({"mean": ("F8_E4M3", [4], 4)}) + b"1234",
        header_of({"mean": ("F32", [2**40], 4)}) + b"1234",
        header_of({"mean": ("F32", [2**62, 2**62], 4)}) + b"1234",
        header_of({"mean": ("F32", [0, 2**62, 2**62], 0)}),
        header_of({"mean": ("F32", [1] * 99, 4)}) + b"1234",
        header_of({"mean": ("F32", [-1], 4)}) + b"1234",
    ],
)
def test_tensors_that_are_none(tmp_path, data):
    (tmp_path / CONFIG_FILE).write_bytes(saved("global-step")[0])
    (tmp_path / TENSORS_FILE).write_bytes(data)
    with pytest.raises(RdcodecError, match="the checkpoint is damaged: ") as refusal:
        Codec.from_pretrained(tmp_path)
    assert str(refusal.value).isprintable()


# ---- every field of every family


def wrong_values(kind):
    """Values that are not of a kind."""
    yield from ({}, "0.5", 10**39, "x" * 999, True, False, "1", [], [[1, 2]], -(10**30), -1e300, 1e300)
    if not isinstance(kind, Choice):
        yield None
    if not isinstance(kind, Number):
        yield 0.5
    if isinstance(kind, Integer):
        yield from (kind.least - 1, kind.most + 1, float(max(kind.least, 1)), [kind.least])
    if isinstance(kind, Integers):
        yield from ([0], [0, 0, 0], [0, 1.0], [0, True], [0, kind.each.most + 1], [kind.each.least - 1, 0])


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in MAKERS for field in fields_of(name)])
def test_a_field_of_another_type_or_range(changed, name, field):
    kind = fields_of(name)[field]
    for value in wrong_values(kind):
        with pytest.raises(RdcodecError, match=rf"^.*the checkpoint is damaged: {field}: expected ") as refusal:
            changed(name, lambda parts: parts.config["config"].update({field: value}))
        assert len(str(refusal.value)) < 600
    with pytest.raises(RdcodecError, match=f"the checkpoint is damaged: {field}: expected .*, but the config lacks it"):
        changed(name, lambda parts: parts.config["config"].pop(field))


def test_numbers_that_json_has_no_difference_for(changed):
    """A whole number may stand where any number may, but no other way round."""
    assert changed("global-step", lambda parts: parts.config["config"].update(step=1)).step == 1


# ---- every tensor of every family


def wrong_tensors(tensor, spec):
    """Tensors of other types and shapes and, where there is a range, of other values."""
    yield from (tensor.astype(np.float64), tensor[..., None], np.repeat(tensor[None], 3, axis=0), tensor.reshape(-1)[:0])
    if spec is None or tensor.size == 0 or spec.least is None:
        return
    info = np.iinfo(tensor.dtype) if tensor.dtype.kind in "iu" else np.finfo(tensor.dtype)
    values = [spec.least - 1 if spec.least > info.min else None, spec.most + 1 if spec.most < info.max else None]
    values += [np.nan, np.inf, -np.inf] if tensor.dtype.kind == "f" else []
    for value in values:
        if value is not None and not (tensor.dtype.kind == "f" and abs(value) > 1e38):
            wrong = tensor.copy()
            wrong.flat[-1] = value
            yield wrong


@pytest.mark.parametrize(("name", "tensor"), [(name, tensor) for name in WITH_TENSORS for tensor in sorted(parts_of(name).tensors)])
def test_a_tensor_of_another_type_shape_or_range(changed, name, tensor):
    parts = parts_of(name)
    whole = parts.tensors[tensor]
    for wrong in wrong_tensors(whole, specs_of(parts).get(tensor)):
        if (wrong.dtype, wrong.shape) == (whole.dtype, whole.shape) and np.array_equal(wrong, whole):  # an emphasis of no rank
            continue
        with pytest.raises(RdcodecError, match="the checkpoint is damaged: ") as refusal:
            changed(name, lambda parts: parts.tensors.update({tensor: wrong}))
        assert any(part in str(refusal.value) for part in (tensor, tensor.split(".")[0], "counts", "entries"))
    with pytest.raises(RdcodecError):
        changed(name, lambda parts: parts.tensors.pop(tensor))


@pytest.mark.parametrize("name", ["transform", "direct-access"])
@pytest.mark.parametrize(
    ("tensor", "values", "message"),
    [
        ("step_thresholds", lambda t: t[::-1], "step_thresholds: expected sorted values"),
        ("scale_offsets", lambda t: t[::-1], "scale_offsets: expected rising values"),
        ("scale_offsets", lambda t: t * 0, "scale_offsets: expected rising values, got 0 after 0 at position 1"),
        ("word_components", lambda t: t - 1, "word_components: expected values 0 to 19, got -1"),
        ("step_offsets", lambda t: t * 0 + 65, "step_offsets: expected values -64 to 64, got 65 at position 0"),
        ("component_shape", lambda t: t + 200, "counts: expected"),
        ("counts", lambda t: t + 1, "frequencies: the counts ask for another number|table"),
        ("frequencies", lambda t: t * 0, r"frequencies\[0\]: expected at least 1"),
        ("offsets", lambda t: t * 0 + (2**31 - 1), "table 0: the symbols must lie within int32"),
    ],
)
def test_values_that_depend_on_each_other(changed, name, tensor, values, message):
    with pytest.raises(RdcodecError, match=message):
        changed(name, lambda parts: parts.tensors.update({tensor: np.ascontiguousarray(values(parts.tensors[tensor]))}))


def test_matrices_whose_products_are_not_exact_are_named(changed):
    def largest(parts):
        parts.tensors["synthesis"][...] = 2**31 - 1

    with pytest.raises(RdcodecError, match="synthesis: matrix: an exact product needs 58 bits"):
        changed("transform", largest)
    with pytest.raises(RdcodecError, match="analysis and emphasis: matrix: an exact product needs"):
        changed("context", lambda parts: parts.config["config"].update(emphasis_bits=-100))


def test_bands_lie_within_the_channels(changed):
    for edges, message in (([0, 0], "rising values"), ([-1, 20], "values 0 to 20"), ([0, 21], "values 0 to 20")):
        bands = {"band_edges": np.array(edges, np.int32), "band_weights": np.ones(1, np.int32)}
        with pytest.raises(RdcodecError, match=f"band_edges: expected {message}"):
            changed("transform", lambda parts: parts.tensors.update(bands))


@pytest.mark.parametrize("net", ["steps", "latents"])
def test_networks_of_tokens_on_their_own_use_no_context(changed, net):
    """It loaded, and failed at the first token."""

    def use_context(parts):
        weight = parts.tensors[f"{net}.0.weight"]
        parts.tensors[f"{net}.0.weight"] = np.concatenate([weight, weight], axis=1)

    with pytest.raises(RdcodecError, match=f"{net}: expected layers of one tap"):
        changed("direct-access", use_context)


@pytest.mark.slow
def test_the_ends_of_all_ranges_work(changed):
    """Fields and tensors at their least and most, one after the other."""
    depend = {*("channels", "scales", "latents", "emphasis_bits", "precision", "scale_offsets", "word_components")}
    depend |= {"component_exponents", "word_exponents", "component_classes", "referred", "references"}
    for name in WITH_TENSORS:
        family = FAMILIES[parts_of(name).config["family"]]
        ends = [("config", field, end) for field, kind in family.FIELDS.items() if isinstance(kind, Integer) for end in kind]
        ends += [("tensors", spec.name, end) for spec in family.SPECS for end in (spec.least, spec.most) if end is not None]

        for where, field, end in ends:

            def put(parts):
                if where == "config":
                    parts.config["config"][field] = end
                else:
                    parts.tensors[field][...] = end

            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    codec = changed(name, put)
                except RdcodecError:  # it contradicts other fields
                    assert field in depend
                    continue
                use(codec, random.Random(field))


# ---- small files that ask for much


def bomb(parts, codewords):
    """A codebook of zeros, of which 65,536 symbols take a bit."""
    channels = parts.config["config"]["channels"]
    tables = FrequencyTables.from_frequencies(np.array([2**15 - 1, 1], np.uint16), [2], [0], 15)
    block = tables.encode(np.zeros(codewords * channels, np.int32), np.zeros(codewords * channels, np.uint8))
    parts.tensors.update(
        words=np.frombuffer(block, np.uint8),
        word_exponents=np.zeros(codewords, np.uint8),
        component_exponents=np.zeros(channels, np.uint8),
        component_classes=np.zeros(channels, np.uint8),
        word_prior=np.zeros(codewords, np.int32),
        **{f"word_{key}": value for key, value in tables.to_arrays().items() if key != "precision"},
    )


def test_codewords_are_decoded_a_part_at_a_time(changed):
    """1.7 MB of codewords took 1.66 GB: 30 bytes a component on the way to the 2 that are kept."""
    with pytest.raises(LimitError, match="word_prior: expected 1 to 65536 codewords, got 65537"):
        changed("context", lambda parts: bomb(parts, 65537))
    tracemalloc.start()
    codec = changed("context", lambda parts: bomb(parts, 65536))
    size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert codec.codebook.nbytes == 2 * 65536 * 20 and not codec.codebook.any()
    assert peak < 60e6


def test_codebooks_beyond_the_bound():
    check_codebook(4096, 65536)
    with pytest.raises(LimitError, match="words: expected at most 268435456 components in all, got 4097 codewords of 65536"):
        check_codebook(4097, 65536)


def huge(dtype, *shape):
    """A tensor that takes no memory, to be judged by its shape."""
    return np.broadcast_to(np.zeros((), dtype), shape)


@pytest.mark.parametrize("channels", [576, 4096, 8192, 65536])
@pytest.mark.parametrize("family", [TransformCodec, ContextCodec, DirectAccessCodec])
def test_codecs_of_large_models_are_within_the_bounds(family, channels):
    """4,096 codewords, and the networks that training makes."""
    transform = np.int32 if family is TransformCodec else np.int16
    sizes = {"c": channels, "codewords": 4096, "selected": 128, "tables": 400, "frequencies": 400 * 1281}
    sizes |= {"codebook_tables": 256, "codebook_frequencies": 20_000}
    tensors = {
        "analysis": huge(transform, channels, channels),
        "synthesis": huge(transform, channels, channels),
        "words": huge(np.int16, 4096, channels) if family is TransformCodec else huge(np.uint8, 4096 * channels // 4),
        "frequencies": huge(np.uint16, sizes["frequencies"]),
        "predictor.0.weight": huge(np.int8, 192, 2, channels + 129),
        "predictor.1.weight": huge(np.int8, 2 * channels, 1, 192),
    }
    check_memory(family._memory(sizes, tensors), tensors)


def test_a_global_step_for_every_channel_is_within_the_bounds():
    tensors = {"frequencies": huge(np.uint16, 65535 * 1024), "counts": huge(np.uint32, 65535)}
    check_memory({"frequencies": table_bytes(65535 * 1024, 65535)}, tensors)


def test_the_limit_on_memory_names_what_takes_most():
    with pytest.raises(LimitError, match="words: the codec would take 2147483649 bytes, .* its tensors allow 1073741824"):
        check_memory({"words": 2**31, "mean": 1}, {"words": np.zeros(9, np.uint8)})


def test_a_context_codec_of_65536_channels_has_a_network_within_the_bounds():
    """By the sizes of its layers; the weights would take 100 MB."""
    layers = [(192, 2, 65536 + 129), (192, 4, 192), (192, 4, 192), (2 * 65536, 1, 192)]
    assert sum(map(network_bytes, layers)) / 2 < 2**28 / 5


def test_code_lengths_of_many_tables_are_those_of_each():
    rng = np.random.default_rng(0)
    tables = FrequencyTables.from_pmf(rng.dirichlet(np.ones(40), 30), rng.integers(-60, 300, 30))
    arrays, at = tables.to_arrays(), 0
    costs = level_costs(tables, 4)
    assert costs.shape == (26, 256) and costs.dtype == np.uint16
    for table, count in enumerate(arrays["counts"]):
        bits = 14 - np.log2(arrays["frequencies"][at : at + count].astype(float))
        at += count
        if table < 4:
            continue
        expected = np.full(256, bits[-1] + 6)
        for entry, length in enumerate(bits[:-1]):
            symbol = arrays["offsets"][table] + entry
            if 0 <= symbol < 256:
                expected[symbol] = length
        assert np.abs(costs[table - 4] / 256 - expected).max() <= 1 / 256


def test_code_lengths_are_those_of_the_reference():
    """Also in a wide table, whose runs stand in no order and leave a gap."""
    rng = np.random.default_rng(1)
    wide = FrequencyTables.from_frequencies([2**13, 2**13 - 9, 9], [3], [-9], 14, [4, 3, 0], [2], [[40, 16], [0, 8]])
    tables = FrequencyTables.joined([FrequencyTables.from_pmf(rng.dirichlet(np.ones(40), 9), rng.integers(-60, 200, 9)), wide])
    expected = [[table.code_length(symbol, 14) for symbol in range(256)] for table in split_tables(tables.to_arrays())]
    assert np.array_equal(level_costs(tables, 0), expected)


# ---- anything


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_what_loads_works(seed):
    with tempfile.TemporaryDirectory() as folder:
        assert check_case(seed, Path(folder)) in ("refused", "working")


@settings(max_examples=30, deadline=None)
@given(data=st.binary(max_size=300), name=st.sampled_from([CONFIG_FILE, TENSORS_FILE]))
def test_files_of_any_bytes(data, name):
    with tempfile.TemporaryDirectory() as folder:
        for file, whole in zip((CONFIG_FILE, TENSORS_FILE), saved("global-step"), strict=True):
            (Path(folder) / file).write_bytes(data if file == name else whole)
        with pytest.raises(RdcodecError):
            Codec.from_pretrained(folder)


def test_an_attacker_who_mends_the_id_gains_nothing(tmp_path):
    """The id says that files belong together, not who made them."""
    parts = parts_of("golden")
    parts.tensors["mean"][3] = 5
    write(parts, tmp_path)
    with pytest.raises(RdcodecError, match="the files do not belong together"):
        Codec.from_pretrained(tmp_path)
    assert load_with_its_own_id(tmp_path)._tensors()["mean"][3] == 5
    assert save(parts.tensors) == (tmp_path / TENSORS_FILE).read_bytes()

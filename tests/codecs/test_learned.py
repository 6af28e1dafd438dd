"""Checkpoints of learned codecs: what does not fit is refused by name."""

import numpy as np
import pytest
from learned_parts import LATENTS, learned_codec, parts
from safetensors.numpy import load_file

from rdcodec import Codec, CodecMismatchError, RdcodecError
from rdcodec.calibration.tables import with_tables
from rdcodec.codecs import ContextCodec, DirectAccessCodec, FourierHyperpriorCodec
from rdcodec.entropy import WIDE_ARRAYS, FrequencyTables
from rdcodec.net import IntegerNet
from rdcodec.reference import PayloadDecoder
from rdcodec.stream import read_frame
from rdcodec.training import FAMILIES

CHANNELS = 20
DEVIATION = np.ones(CHANNELS)
CONFIG, PARTS = parts(DirectAccessCodec, CHANNELS, DEVIATION)
TENSORS = sorted(PARTS)


@pytest.fixture
def config_tensors():
    return dict(CONFIG), dict(PARTS)


@pytest.mark.parametrize("name", TENSORS)
def test_a_missing_tensor(config_tensors, name):
    config, tensors = config_tensors
    del tensors[name]
    # Without its last weights a network ends earlier, with outputs that do not suit.
    prefix = name.split(".")[0]
    with pytest.raises(RdcodecError, match=rf"lacks the tensor {name}|^{prefix}(\.\d|:)"):
        DirectAccessCodec(config, tensors)


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_of_another_type(config_tensors, name):
    config, tensors = config_tensors
    tensors[name] = tensors[name].astype(np.float64)
    with pytest.raises(RdcodecError, match=f"{name}.*: expected .* got .*float64|{name.split('.')[0]}.*float64"):
        DirectAccessCodec(config, tensors)


@pytest.mark.parametrize("name", [name for name in TENSORS if not name.startswith(("word_f", "words", "frequencies"))])
def test_a_tensor_of_another_shape(config_tensors, name):
    config, tensors = config_tensors
    tensors[name] = np.stack([tensors[name]] * 2)
    with pytest.raises(RdcodecError, match=name.split(".")[0]):
        DirectAccessCodec(config, tensors)


def test_one_entry_too_many(config_tensors):
    config, tensors = config_tensors
    for name in ("component_scale", "unit", "step_thresholds", "component_classes", "counts"):
        longer = {**tensors, name: np.concatenate([tensors[name], tensors[name][:1]])}
        with pytest.raises(RdcodecError, match=f"{name}|offsets"):
            DirectAccessCodec(config, longer)


def test_a_tensor_that_has_no_use(config_tensors):
    config, tensors = config_tensors
    for name in ("bias", "latents.2.bias", "predictor.7.weight"):
        with pytest.raises(RdcodecError, match=f"'{name}': expected no such tensor in a checkpoint of family direct-access"):
            DirectAccessCodec(config, {**tensors, name: np.zeros(3, np.int8)})


def test_values_out_of_range(config_tensors):
    config, tensors = config_tensors
    for name, value, message in (
        ("word_exponents", 200, "word_exponents: expected values 0 to 15, got 200 at position 0"),
        ("word_exponents", 15, "words: codeword 0: expected sums of exponents below 16"),
        ("component_classes", 255, "word_counts: expected"),
        ("unit", 100, "unit"),
        ("predictor.0.shift", 99, "predictor: .*shift"),
        ("word_components", 20, "word_components: expected values 0 to 19, got 20 at position 0"),
        ("component_shape", 2, "counts: expected"),
    ):
        changed = np.full_like(tensors[name], value)
        with pytest.raises(RdcodecError, match=message):
            DirectAccessCodec(config, {**tensors, name: changed})
    damaged = tensors["words"].copy()
    damaged[len(damaged) // 2] ^= 0xFF
    with pytest.raises(RdcodecError):
        DirectAccessCodec(config, {**tensors, "words": damaged})


def test_an_emphasis_beyond_all_measure(config_tensors):
    config, tensors = config_tensors
    with pytest.raises(ValueError, match="an exact product needs"):
        DirectAccessCodec({**config, "emphasis_bits": -30}, tensors)


def test_families_are_told_apart(config_tensors, tmp_path):
    config, tensors = config_tensors
    with pytest.raises(RdcodecError, match="counts: expected"):
        ContextCodec({**config, "latents": 0}, tensors)
    with pytest.raises(
        RdcodecError, match=f"predictor: expected a network of {10 + 1 + LATENTS} inputs and 40 outputs, got {30 + 1 + LATENTS}"
    ):
        FourierHyperpriorCodec(config, tensors)
    h = np.random.default_rng(1).standard_normal((9, CHANNELS)).astype(np.float32)
    one, other = (learned_codec(family, CHANNELS, DEVIATION) for family in (DirectAccessCodec, ContextCodec))
    with pytest.raises(CodecMismatchError):
        other.decode(one.encode(h))
    one.save_pretrained(tmp_path)
    with pytest.raises(RdcodecError, match="family 'direct-access', expected one of context"):
        ContextCodec.from_pretrained(tmp_path)


@pytest.mark.parametrize("family", FAMILIES)
def test_qualities_span_four_to_one(family):
    codec = learned_codec(FAMILIES[family], CHANNELS, DEVIATION)
    h = np.random.default_rng(2).standard_normal((200, CHANNELS)).astype(np.float32)
    sizes = [len(codec.encode(h, quality)) for quality in (-24, 8, 40)]
    assert sizes == sorted(sizes) and sizes[-1] > 4 * sizes[0]


def test_a_coarse_quality_is_emphasised_no_more():
    codec = learned_codec(ContextCodec, CHANNELS, DEVIATION)
    h = np.random.default_rng(3).standard_normal((5, CHANNELS)).astype(np.float32)
    coarse, coarser, fine = (codec.components(h, quality) for quality in (-16, -64, 60))
    np.testing.assert_array_equal(coarse, coarser)
    plain = codec.analysis.multiply(codec.tame(h)[1])
    assert np.abs(fine - plain).max() < 0.05 * np.abs(coarse - plain).max()


def test_checkpoints_hold_integers_alone(tmp_path):
    codec = learned_codec(DirectAccessCodec, CHANNELS, DEVIATION)
    codec.save_pretrained(tmp_path)
    floats = {name for name, tensor in Codec.from_pretrained(tmp_path)._tensors().items() if tensor.dtype.kind == "f"}
    assert floats == {"mean", "word_code_scale"}  # which choose no table


def test_matrices_may_go_while_they_are_used():
    """As when another thread codes at many qualities: it drops what this one has just made."""

    class Dropping(dict):
        def __setitem__(self, quality, matrix):
            super().__setitem__(quality, matrix)
            self.clear()

    codec, h = learned_codec(ContextCodec, CHANNELS, DEVIATION), np.ones((2, CHANNELS), np.float32)
    expected = codec.encode(h)
    codec._emphasised = Dropping()
    assert codec.encode(h) == expected


WIDE = {f"{prefix}{name}" for prefix in ("", "word_") for name in WIDE_ARRAYS}


def with_wide_tables(tensors):
    """Every second table with entries for two symbols each, and those of the codewords with one each."""
    tables, parts = FrequencyTables.from_arrays(tensors), []
    arrays = tables.to_arrays()
    for t, row in enumerate(np.split(arrays["frequencies"].astype(int), np.cumsum(arrays["counts"])[:-1])):
        one, offset = FrequencyTables.from_frequencies(row, [len(row)], [arrays["offsets"][t]], 15), arrays["offsets"][t]
        if t % 2 and len(row) > 2:
            pairs = np.append(np.add.reduceat(row[:-1], np.arange(0, len(row) - 1, 2)), row[-1])
            bits = np.append(np.ones(len(pairs) - 1, int), 0)
            one = FrequencyTables.from_frequencies(pairs, [len(pairs)], [offset], 15, bits, [1], [[0, 2 * len(pairs) - 2]])
        parts.append(one)
    codewords = tensors["word_counts"]
    return {
        **with_tables(tensors, *parts),
        "word_raw_bits": np.zeros(len(tensors["word_frequencies"]), np.uint8),
        "word_run_counts": np.ones(len(codewords), np.uint32),
        "word_runs": np.stack([np.zeros_like(codewords), codewords - 1], axis=1),
    }


@pytest.mark.parametrize("family", [DirectAccessCodec, ContextCodec])
def test_wide_tables_are_saved_loaded_and_coded_with(family, tmp_path):
    config, tensors = parts(family, CHANNELS, DEVIATION)
    codec = family(config, with_wide_tables(tensors))
    codec.save_pretrained(tmp_path)
    again = Codec.from_pretrained(tmp_path)
    assert again.codec_id == codec.codec_id and WIDE <= set(load_file(tmp_path / "codec.safetensors"))
    h = np.random.default_rng(3).normal(size=(30, CHANNELS)).astype(np.float32)
    h[5] *= 400
    frame = codec.encoder().encode(h, quality=8)
    decoded = again.decoder().decode(frame)
    slow = PayloadDecoder(config, codec.tensors, {"predictor": IntegerNet.from_tensors("predictor", tensors)}, family.uses_context)
    np.testing.assert_array_equal(slow.decode(read_frame(frame).payload, 30, 8), decoded)


def test_tables_replace_wide_ones_whole():
    _, tensors = parts(DirectAccessCodec, CHANNELS, DEVIATION)
    plain = FrequencyTables.from_arrays(tensors)
    assert not WIDE_ARRAYS.keys() & with_tables(with_wide_tables(tensors), plain).keys()

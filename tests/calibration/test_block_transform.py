"""Transforms in blocks: what calibration makes of wide states."""

import numpy as np
import pytest

from rdcodec import Codec, calibrate
from rdcodec.calibration import codewords, fit, transforms
from rdcodec.codecs import BlockTransformCodec
from rdcodec.reference import PayloadDecoder
from rdcodec.stream import Chain

pytestmark = pytest.mark.slow

LAYER = 2


@pytest.fixture(scope="module")
def wide_codec(model, tokenizer, text):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transforms, "WIDE", 40)
        return calibrate(model, tokenizer, [text[:40_000]], LAYER, tokens=3000)


def test_wide_states_are_transformed_in_blocks(wide_codec, codec, states):
    assert isinstance(wide_codec, BlockTransformCodec)
    assert wide_codec.tensors["analysis_blocks"].shape == (2, 40, 8)
    sizes = [len(one.encode(states, 24)) for one in (wide_codec, codec)]
    errors = [np.abs(one.decode(one.encode(states, 24)) - states)[1:].mean() for one in (wide_codec, codec)]
    assert sizes[0] < 1.2 * sizes[1] and errors[0] < 1.5 * errors[1]


@pytest.mark.parametrize("quality", [-40, -8, 20])
def test_decoding_is_what_the_document_says(wide_codec, states, quality):
    encoder, decoder, chain = wide_codec.encoder(quality), wide_codec.decoder(), Chain()
    slow = PayloadDecoder(wide_codec.config, wide_codec.tensors, {}, uses_context=False)
    for part in (states[:30], states[5:20]):
        data = encoder.encode(part)
        frame = chain.read(data)
        np.testing.assert_array_equal(slow.decode(frame.payload, len(part), quality), decoder.decode(data))
        chain = chain.after(frame)


def test_synthesis_undoes_analysis(wide_codec):
    np.testing.assert_allclose(wide_codec.analysis.values @ wide_codec.synthesis.values, np.eye(40), atol=1e-3)


def test_a_checkpoint_comes_back(wide_codec, states, tmp_path):
    wide_codec.save_pretrained(tmp_path)
    again = Codec.from_pretrained(tmp_path)
    assert isinstance(again, BlockTransformCodec) and again.encode(states) == wide_codec.encode(states)


def test_floats_go_through_stages_as_through_their_matrix():
    rng = np.random.default_rng(0)
    stages = list(rng.normal(size=(2, 6, 4, 4)))
    made = transforms.BlockTransform(stages, [np.linalg.inv(blocks) for blocks in stages]).in_units(3.0)
    whole = made.components(np.eye(24))
    gradients = rng.normal(size=(5, 2, 24))
    np.testing.assert_allclose(made.norms(), np.linalg.norm(whole, axis=0), rtol=1e-5)
    np.testing.assert_allclose(made.gradients(gradients), gradients @ np.linalg.inv(whole).T, atol=1e-9)


@pytest.mark.parametrize(("channels", "width"), [(4096, 128), (8192, 256), (3584, 112), (5120, 160), (36, 6), (37, 37)])
def test_widths_divide_the_channels(channels, width):
    assert transforms._width(channels) == width


def test_wide_codebooks_have_fewer_codewords():
    counts = np.arange(100)
    assert list(codewords.choose_vocabulary(counts, 3)) == [99, 98, 97]
    assert codewords.most_codewords(576) == 8192 and 2 * 4096 * codewords.most_codewords(4096) < 32e6


def test_leading_features_keep_what_differs():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 40))
    kept = codewords.leading_features(features)
    np.testing.assert_allclose(kept @ kept.T, (features - features.mean(axis=0)) @ (features - features.mean(axis=0)).T, atol=1e-6)


def test_wide_states_are_kept_as_they_are(monkeypatch):
    monkeypatch.setattr(transforms, "WIDE", 8)
    rng = np.random.default_rng(2)
    states, gradients = rng.normal(size=(4, 16, 8)).astype(np.float32), rng.normal(size=(1, 4, 16, 8)).astype(np.float32)
    statistics = fit.Statistics(1, states, gradients, codewords.position_codewords(4, 16))
    assert statistics.x.dtype == statistics.gradient_x.dtype == np.float32

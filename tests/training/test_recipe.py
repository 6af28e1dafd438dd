"""Whole trainings of every family on a tiny model: what comes out codes, and costs what training said."""

import json

import numpy as np
import pytest
import torch

from rdcodec import Codec, RdcodecError
from rdcodec.training import FAMILIES, train_codec

pytestmark = pytest.mark.slow

LAYER = 1
LAMBDAS = [3e-3, 3e-4]
MINUTES = 0.05


@pytest.fixture(scope="module", params=FAMILIES)
def trained(request, model, cache, distortion, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return train_codec(request.param, model, LAYER, cache, distortion, LAMBDAS, MINUTES, out), out


def test_real_bytes_are_what_training_estimates(trained):
    (codec, _, points), _ = trained
    lowest, middle, highest = points
    assert lowest.bits_per_token < middle.bits_per_token < highest.bits_per_token
    # Short windows: the heads of blocks weigh much.
    assert all(abs(bits - estimate) < 0.03 * estimate + 4 for _, estimate, bits in points)


def test_the_codec_codes_and_is_kept(trained, cache, tmp_path):
    (codec, *_), _ = trained
    codec.save_pretrained(tmp_path)
    loaded = Codec.from_pretrained(tmp_path)
    h = cache.read(cache.held_out[:1]).states[0].numpy()
    stream = codec.encode(h)
    assert loaded.encode(h) == stream and loaded.codec_id == codec.codec_id
    coarse, fine = (codec.decode(codec.encode(h, quality)) for quality in (-8, 24))
    assert np.square(fine - h).mean() < np.square(coarse - h).mean() < np.square(h).mean()


def test_bytes_do_not_depend_on_how_tokens_are_grouped(trained, cache):
    (codec, *_), _ = trained
    h = cache.read(cache.held_out[:1]).states[0].numpy()
    whole = codec.decode(codec.encode(h, 4))
    encoder, decoder = codec.encoder(4), codec.decoder()
    parts = [decoder.decode(encoder.encode(part)) for part in np.split(h, [1, 2, 17])]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_both_stages_are_logged(trained):
    (_, validation, _), out = trained
    for stage in ("rate", "joint"):
        entries = [json.loads(line) for line in (out / stage / "log.jsonl").read_text().splitlines()]
        assert any("loss" in entry for entry in entries)
    assert [point.distortion for point in validation] == sorted((point.distortion for point in validation), reverse=True)


def test_resumed_is_as_uninterrupted(trained, model, cache, distortion, tmp_path):
    (codec, *_), out = trained
    again = train_codec(codec.family, model, LAYER, cache, distortion, LAMBDAS, MINUTES, out, resume=True)
    assert again.codec.codec_id == codec.codec_id
    with pytest.raises(RdcodecError, match="checkpoint.pt exists"):
        train_codec(codec.family, model, LAYER, cache, distortion, LAMBDAS, MINUTES, out)


def test_lambdas_beyond_the_qualities_of_a_codec(model, cache, distortion, tmp_path):
    codec, *_ = train_codec("context", model, LAYER, cache, distortion, [1e30, 1e-30], MINUTES, tmp_path)
    h = cache.read(cache.held_out[:1]).states[0].numpy()
    sizes = [len(codec.encode(h, quality)) for quality in (-64, 0, 64)]
    assert sizes == sorted(sizes)


def test_other_families_are_refused(model, cache, distortion, tmp_path):
    with pytest.raises(RdcodecError, match="family: expected one of hyperprior-factorised, .*, got 'transform'"):
        train_codec("transform", model, LAYER, cache, distortion, LAMBDAS, MINUTES, tmp_path)
    with pytest.raises(RdcodecError, match="lambdas: expected one or more"):
        train_codec("context", model, LAYER, cache, distortion, [], MINUTES, tmp_path)


def test_a_distortion_that_does_not_fall_is_refused(model, cache, tmp_path):
    def constant(h_hat, batch):
        return torch.ones(len(h_hat))

    with pytest.raises(RdcodecError, match="distortion: expected one that falls as the rate rises"):
        train_codec("context", model, LAYER, cache, constant, LAMBDAS, MINUTES, tmp_path)

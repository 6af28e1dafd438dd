"""The transform codec: exact, the same for every machine, and what its document says."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from forked import in_child
from link_trials import FAULTS, recovery, trial

from rdcodec import Codec, CorruptStreamError, RdcodecError, TransformCodec
from rdcodec.entropy import FrequencyTables
from rdcodec.stream import read_frame

NEXT_STATE = ((0, 2), (5, 7), (1, 3), (4, 6), (2, 0), (7, 5), (3, 1), (6, 4))


def decoded_by_the_document(codec, payload, tokens, quality):
    """What docs/format.md says of the payload, in plain NumPy."""
    config, t = codec._config(), codec._tensors()
    tables = FrequencyTables.from_frequencies(t["frequencies"], t["counts"], t["offsets"], int(t["precision"]))
    block = tables.decoder(payload, tokens * (config["channels"] + 4))
    gains, words, steps = (block.decode(np.full(tokens, table)) for table in range(3))
    scales = block.decode(3 + steps)
    exponents = t["step_offsets"][steps].astype(int) - quality
    token_scale = config["zero_scale"] - exponents + t["scale_offsets"][scales]
    points, states = [], np.zeros(tokens, int)
    for c in range(config["channels"]):
        scale = np.clip(t["component_scale"][c] + token_scale, 0, config["scales"] - 1)
        table = 3 + len(t["step_offsets"]) + 2 * (int(t["component_shape"][c]) * config["scales"] + scale)
        levels = block.decode(table + states % 2)
        points.append(2 * levels - states % 2 * np.sign(levels))
        states = np.array([NEXT_STATE[state][level % 2] for state, level in zip(states, levels, strict=True)])
    block.finish()
    points = np.stack(points, axis=1)
    inward = np.where(np.abs(points) == 1, *config["inward"])
    y = (16 * points - np.sign(points) * inward) / 16 * (2.0 ** (exponents / 8))[:, None]
    y += t["words"][words] * 2.0 ** -config["word_bits"]
    y = np.clip(np.rint(y * 2.0 ** config["component_bits"]), -(2.0**22), 2.0**22)
    x = y @ t["synthesis"].astype(float) * 2.0 ** -(config["synthesis_bits"] + config["component_bits"])
    return (x + t["mean"].astype(float)) * 2.0 ** gains[:, None]


@pytest.mark.parametrize("quality", [-40, -8, 20])
def test_decoding_is_what_the_document_says(codec, states, quality):
    frame = codec.encoder(quality).encode(states)
    expected = decoded_by_the_document(codec, read_frame(frame).payload, len(states), quality)
    # the document's powers of two may differ from the grid's constants in the last bit, and rounding to integers may follow them
    np.testing.assert_allclose(codec.decoder().decode(frame), expected, rtol=1e-4, atol=1e-3 * np.abs(states[1:]).max())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_process_codes_the_same(codec, states):
    def coded():
        data = codec.encode(states)
        return data, codec.decode(data).tobytes()

    expected = coded()
    assert in_child(coded) == expected


def test_one_codec_serves_every_rate(codec, states):
    sizes, errors = [], []
    for quality in (-24, -12, 0, 12, 24, codec.max_quality):
        data = codec.encode(states, quality)
        sizes.append(len(data))
        errors.append(np.abs(codec.decode(data) - states)[1:].mean())
    assert sizes == sorted(sizes) and errors == sorted(errors, reverse=True)
    assert errors[-1] < 2e-3 * np.abs(states[1:]).mean()


def test_massive_tokens_keep_their_size(codec, states):
    decoded = codec.decode(codec.encode(states, 24))
    assert np.linalg.norm(decoded[0] - states[0]) < 0.1 * np.linalg.norm(states[0])
    assert np.isfinite(codec.decode(codec.encode(states * np.float32(3e33), 8))).all()


def test_tokens_do_not_depend_on_their_frame(codec, states):
    whole = codec.decode(codec.encode(states))
    encoder, decoder = codec.encoder(), codec.decoder()
    for t in range(0, len(states), 7):
        assert np.array_equal(decoder.decode(encoder.encode(states[t : t + 7])), whole[t : t + 7])


def test_a_token_a_frame_costs_little_more(codec, states):
    """The overhead is a few bytes a frame; with 40 channels the relative figure of large models does not apply."""
    block = len(codec.encoder(8).encode(states))
    encoder = codec.encoder(8)
    assert sum(len(encoder.encode(h[None])) for h in states) < block + 7 * len(states)


def test_numpy_and_torch_give_the_same_bytes(codec, states):
    assert codec.encode(torch.from_numpy(states)) == codec.encode(states)


def test_processes_and_thread_counts_give_the_same_bytes_and_floats(codec, states, tmp_path):
    codec.save_pretrained(tmp_path / "codec")
    np.save(tmp_path / "h.npy", np.tile(states, (8, 1)))
    program = (
        "import hashlib, sys; import numpy as np; from rdcodec import Codec;"
        "codec = Codec.from_pretrained(sys.argv[1]); data = codec.encode(np.load(sys.argv[2]));"
        "print(hashlib.sha256(data).hexdigest(), hashlib.sha256(codec.decode(data).tobytes()).hexdigest())"
    )
    outputs = set()
    for threads in ("1", "2", "5"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        command = [sys.executable, "-c", program, str(tmp_path / "codec"), str(tmp_path / "h.npy")]
        outputs.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(outputs) == 1


def test_a_checkpoint_is_the_codec(codec, states, tmp_path):
    codec.save_pretrained(tmp_path)
    again = Codec.from_pretrained(tmp_path)
    assert isinstance(again, TransformCodec)
    assert (again.layer, again.default_quality, again.codec_id) == (codec.layer, codec.default_quality, codec.codec_id)
    assert again.encode(states) == codec.encode(states)


@pytest.mark.parametrize("name", ["words", "component_scale", "feature_weights", "step_offsets", "synthesis"])
def test_tensors_that_do_not_fit_are_refused_by_name(codec, name):
    tensors = codec._tensors()
    with pytest.raises(RdcodecError, match=f"lacks the tensor {name}"):
        TransformCodec(codec._config(), {k: v for k, v in tensors.items() if k != name})
    for bad in (tensors[name].astype(np.float64), tensors[name][..., None], tensors[name][..., :-1]):
        with pytest.raises(RdcodecError):
            TransformCodec(codec._config(), {**tensors, name: bad})


def test_damaged_payloads_are_errors_or_states(codec, states):
    """Behind a valid checksum anything may stand; it must never crash nor decode to other than finite states."""
    payload = bytearray(read_frame(codec.encoder().encode(states[:9])).payload)
    rng, refused = np.random.default_rng(6), 0
    for _ in range(300):
        damaged = bytearray(payload)
        for at in rng.integers(0, len(payload), rng.integers(1, 4)):
            damaged[at] ^= 1 << rng.integers(8)
        damaged = damaged[: rng.integers(1, len(payload) + 1)] if rng.random() < 0.3 else damaged
        try:
            decoded = codec._decode_tokens(bytes(damaged), 9, codec.default_quality, None)
            assert decoded.shape == (9, codec.channels) and np.isfinite(decoded).all()
        except CorruptStreamError:
            refused += 1
    assert refused > 250


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_link_are_found_at_the_next_frame(codec, states, fault):
    rng = np.random.default_rng(FAULTS.index(fault))
    assert sum(trial(codec, states, rng, fault) for _ in range(20)) >= 19
    assert recovery(codec, states, rng)

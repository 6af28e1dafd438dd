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
from rdcodec.reference import PayloadDecoder
from rdcodec.stream import Chain, read_frame


@pytest.mark.parametrize("quality", [-40, -8, 20])
def test_decoding_is_what_the_document_says(codec, states, quality):
    encoder, decoder, chain = codec.encoder(quality), codec.decoder(), Chain()
    slow = PayloadDecoder(codec.config, codec.tensors, {}, uses_context=False)
    for part in (states[:30], np.concatenate([states[25:30], states[5:20]])):
        data = encoder.encode(part)
        frame = chain.read(data)
        np.testing.assert_array_equal(slow.decode(frame.payload, len(part), quality), decoder.decode(data))
        chain = chain.after(frame)


def test_text_refers_to_earlier_tokens(codec, states):
    distances = codec.symbols(np.tile(states, (2, 1)), 24)[0][:, -2 * codec.config["references"] :: 2]
    assert (distances[len(states) + 1 :, 0] == len(states)).mean() > 0.9
    assert (distances[:, 0] <= np.arange(2 * len(states))).all()


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
    tensors = codec.tensors
    with pytest.raises(RdcodecError, match=f"lacks the tensor {name}"):
        TransformCodec(codec.config, {k: v for k, v in tensors.items() if k != name})
    for bad in (tensors[name].astype(np.float64), tensors[name][..., None], tensors[name][..., :-1]):
        with pytest.raises(RdcodecError):
            TransformCodec(codec.config, {**tensors, name: bad})


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
            decoded = codec._decode_tokens(bytes(damaged), 9, codec.default_quality, codec._new_state())
            assert decoded.shape == (9, codec.channels) and np.isfinite(decoded).all()
        except CorruptStreamError:
            refused += 1
    assert refused > 250


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_link_are_found_at_the_next_frame(codec, states, fault):
    rng = np.random.default_rng(FAULTS.index(fault))
    assert sum(trial(codec, states, rng, fault) for _ in range(20)) >= 19
    assert recovery(codec, states, rng)

"""Both ends of a live link: frames in a chain, new starts, calls that happen whole or not at all, copies, pickles, threads."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
import torch
from link_trials import FAULTS, recovery, trial

from rdcodec import CorruptStreamError, LimitError, RdcodecError
from rdcodec.codecs import GlobalStepCodec, RawCodec
from rdcodec.codecs.link import State
from rdcodec.entropy import FrequencyTables
from rdcodec.stream import Chain, Header, write_frame, write_header

TRIALS = 40  # of each fault; the probability that one is missed is 2^-16


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_link_are_found_at_the_next_frame(codec, h, fault):
    rng = np.random.default_rng(FAULTS.index(fault))
    assert sum(trial(codec, h, rng, fault) for _ in range(TRIALS)) >= TRIALS - 1


def test_a_new_start_recovers_a_link(codec, h):
    rng = np.random.default_rng(5)
    assert sum(recovery(codec, h, rng) for _ in range(20)) >= 19


def test_a_new_start_depends_on_nothing_before_it(codec, h):
    encoder, fresh = codec.encoder(), codec.encoder()
    encoder.encode(h[:5])
    encoder.restart()
    again, first = encoder.encode(h[5:9]), fresh.encode(h[5:9])
    read, expected = Chain().read(again), Chain().read(first)
    assert (read.restart, expected.restart, read.payload, read.quality) == (1, 0, expected.payload, expected.quality)
    assert 2 <= len(again) - len(first) <= 3
    assert np.array_equal(codec.decoder().decode(again), codec.decoder().decode(first))


def test_a_receiver_may_join_at_a_new_start(codec, h):
    encoder = codec.encoder()
    frames = [encoder.encode(h[:2]), encoder.encode(h[2:4])]
    encoder.restart()
    frames.append(encoder.encode(h[4:6]))
    late = codec.decoder()
    with pytest.raises(CorruptStreamError, match="damaged or not the next one of its row"):
        late.decode(frames[1])
    assert late.decode(frames[2]).shape == (2, codec.channels)


def test_a_recorded_link_with_a_new_start_decodes_as_a_stream(codec, h):
    encoder = codec.encoder()
    frames = [encoder.encode(h[:3])]
    encoder.restart()
    frames += [encoder.encode(h[3:4]), encoder.encode(h[4:6])]
    header = write_header(Header("float32", codec.codec_id, codec.channels, 1, 6, False))
    decoder = codec.decoder()
    assert np.array_equal(codec.decode(header + b"".join(frames)), np.concatenate([decoder.decode(frame) for frame in frames]))
    with pytest.raises(CorruptStreamError):
        codec.decode(header + frames[0] + frames[2] + frames[1])


# ---- all or nothing


def test_a_refused_frame_leaves_the_decoder_as_it_was(codec, h):
    encoder, decoder, clean = codec.encoder(), codec.decoder(), codec.decoder()
    first, second = encoder.encode(h[:3]), encoder.encode(h[3:9], codec.max_quality // 8)
    assert np.array_equal(decoder.decode(first), clean.decode(first))
    chain = Chain().after(Chain().read(first))
    read = chain.read(second)
    for payload in (read.payload[:-1], read.payload + b"\0", read.payload[:3], b""):
        with pytest.raises(CorruptStreamError):
            decoder.decode(write_frame(read.tokens, payload, codec.min_quality, chain.before))
    with pytest.raises(LimitError):
        decoder.decode(second, max_bytes=0)
    assert np.array_equal(decoder.decode(second), clean.decode(second))


class Failing:
    """Fails in place of a method once it has run, as where memory ends."""

    def __init__(self, method, error):
        self.method, self.error = method, error

    def __call__(self, *args):
        self.method(*args)
        raise self.error


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), RdcodecError("no")])
def test_a_failure_after_coding_leaves_both_ends_as_they_were(codec, h, error, monkeypatch):
    encoder, decoder = codec.encoder(), codec.decoder()
    decoder.decode(encoder.encode(h[:3]))
    expected = encoder.fork().encode(h[3:9], codec.max_quality // 8)
    for end, name, call in (
        (encoder, "_encode_tokens", lambda: encoder.encode(h[3:9], codec.max_quality // 8)),
        (decoder, "_decode_tokens", lambda: decoder.decode(expected)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(codec, name, Failing(getattr(codec, name), error), raising=False)
            with pytest.raises(type(error)):
                call()
    same = encoder.fork()
    encoder.restart()  # a new start that fails is still to come
    with pytest.raises(RdcodecError):
        encoder.encode(np.full_like(h[:1], np.nan))
    twin = encoder.fork()
    assert Chain().read(twin.encode(h[:1])).restart == 1
    assert same.encode(h[3:9], codec.max_quality // 8) == expected
    assert np.array_equal(decoder.decode(expected), decoder_of(codec, h).decode(expected))


def test_states_go_back_to_where_a_call_began():
    state = State()
    state.seen = [1]
    mark, twin = state.mark(), state.copy()
    state.seen.append(2)
    state.more = 3
    state.rollback(mark)
    assert vars(state) == vars(twin) == {"seen": [1]}


def decoder_of(codec, h):
    encoder, decoder = codec.encoder(), codec.decoder()
    decoder.decode(encoder.encode(h[:3]))
    return decoder


# ---- copies and pickles


def pickled(thing):
    return pickle.loads(pickle.dumps(thing))


def torch_saved(thing):
    file = BytesIO()
    torch.save(thing, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


@pytest.mark.parametrize("duplicate", [pickled, torch_saved, copy.copy, copy.deepcopy])
def test_codecs_can_be_copied_and_pickled(codec, h, duplicate):
    twin = duplicate(codec)
    assert type(twin) is type(codec) and twin.codec_id == codec.codec_id and twin.default_quality == codec.default_quality
    data = codec.encode(h)
    assert twin.encode(h) == data and np.array_equal(twin.decode(data), codec.decode(data))
    twin.default_quality = codec.min_quality
    assert codec.encode(h) == data


@pytest.mark.parametrize("duplicate", [pickled, copy.copy, copy.deepcopy, lambda end: end.fork()])
def test_copies_of_ends_go_on_alone(codec, h, duplicate):
    encoder, decoder = codec.encoder(), codec.decoder()
    decoder.decode(encoder.encode(h[:4], codec.max_quality // 8))
    twins = duplicate(encoder), duplicate(decoder)
    frames = [[e.encode(h[4:5]), e.encode(h[5:9])] for e in (encoder, twins[0])]
    assert frames[0] == frames[1]
    values = [[d.decode(frame) for frame in frames[0]] for d in (decoder, twins[1])]
    assert all(np.array_equal(one, other) for one, other in zip(*values))
    twins[0].encode(h[:1])
    again, other = encoder.encode(h[9:10]), duplicate(decoder)
    assert np.array_equal(decoder.decode(again), other.decode(again))


# ---- threads


def test_an_end_is_for_one_thread_at_a_time(codec, h, monkeypatch):
    reached, go_on = threading.Event(), threading.Event()
    encode = codec._encode_tokens

    def slowly(*args):
        reached.set()
        assert go_on.wait(30)
        return encode(*args)

    encoder = codec.encoder()
    monkeypatch.setattr(codec, "_encode_tokens", slowly, raising=False)
    with ThreadPoolExecutor(1) as pool:
        frame = pool.submit(encoder.encode, h[:2])
        assert reached.wait(30)
        for call in (lambda: encoder.encode(h[:1]), encoder.fork, encoder.restart, lambda: pickle.dumps(encoder)):
            with pytest.raises(RdcodecError, match="another thread is using this encoder"):
                call()
        go_on.set()
        assert Chain().read(frame.result()).tokens == 2
    encoder.encode(h[2:3])


def test_a_codec_is_for_all_threads(codec, h):
    expected = codec.encode(h)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(codec.encode, [h] * 16)) == {expected}


# ---- sizes


def test_few_bytes_that_claim_many_tokens():
    rare = FrequencyTables.from_frequencies(np.tile([2**14 - 1, 1], 4096), np.full(4096, 2), np.zeros(4096, int), 14)
    codec = GlobalStepCodec(4096, 1.0, rare)
    zeros = np.zeros((8192, 4096), np.float32)
    data = codec.encode(zeros)
    assert len(data) < 2000
    with pytest.raises(LimitError, match=r"claim 8192 tokens, 134217728 bytes of float32; give max_bytes=134217728 to decode them"):
        codec.decode(data)
    assert np.array_equal(codec.decode(data, max_bytes=134217728), zeros)
    with pytest.raises(LimitError, match="max_tokens=8191"):
        codec.decode(data, max_tokens=8191, max_bytes=2**40)
    frame = codec.encoder().encode(zeros[:4096])
    with pytest.raises(LimitError, match="give max_bytes=67108864"):
        codec.decoder().decode(frame, max_bytes=67108863)
    assert codec.decoder().decode(frame, max_tokens=4096).shape == (4096, 4096)


def test_bytes_are_counted_whatever_the_items_of_a_view(codec, h):
    data = codec.encode(h)
    data += bytes(-len(data) % 4)  # a wrong end, to be counted in bytes
    whole = codec.encode(h)
    assert np.array_equal(codec.decode(memoryview(whole)), codec.decode(whole))
    assert np.array_equal(codec.decode(np.frombuffer(whole, np.uint8)), codec.decode(whole))
    strided = np.repeat(np.frombuffer(whole, np.uint8), 2)[::2]
    assert np.array_equal(codec.decode(strided), codec.decode(whole))
    if len(data) > len(whole):
        with pytest.raises(CorruptStreamError, match=f"byte {len(whole)}: {len(data) - len(whole)} bytes after the last frame"):
            codec.decode(memoryview(data).cast("i"))
    for size in range(1, 5):
        tokens = RawCodec(2 * size).encoder().encode(np.ones((3, 2 * size), np.float32))
        if len(tokens) % 4 == 0:
            assert RawCodec(2 * size).decoder().decode(memoryview(tokens).cast("i")).shape == (3, 2 * size)

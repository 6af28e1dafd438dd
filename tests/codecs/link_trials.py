"""Frames that a link loses, doubles, swaps and replays, and what decoders make of them."""

import numpy as np

from rdcodec import CorruptStreamError

FAULTS = ("lost", "doubled", "swapped", "replayed")


def faulty_order(fault, frames, rng):
    """Numbers of the frames that arrive, the last one of which must be refused, and of the one that is then right."""
    k = int(rng.integers(1, frames - 1))
    before = list(range(k))
    if fault == "lost" or fault == "swapped":
        return [*before, k + 1], k
    if fault == "doubled":
        return [*before, k, k], k + 1
    return [*before, k, int(rng.integers(0, k))], k + 1


def trial(codec, states, rng, fault, frames=6):
    """True if the fault was found at the first frame after it; asserts that everything else is right."""
    encoder, decoder, sent = codec.encoder(), codec.decoder(), []
    for _ in range(frames):
        part = states[int(rng.integers(len(states) - 3)) :][: int(rng.integers(0, 4))]
        quality = int(rng.integers(codec.min_quality // 4, codec.max_quality // 4 + 1)) if rng.random() < 0.3 else None
        sent.append(encoder.encode(part, quality))
    clean = codec.decoder()
    expected = [clean.decode(frame) for frame in sent]
    (*arriving, last), right = faulty_order(fault, frames, rng)
    for k in arriving:
        assert np.array_equal(decoder.decode(sent[k]), expected[k])
    try:
        decoder.decode(sent[last])
    except CorruptStreamError:
        assert np.array_equal(decoder.decode(sent[right]), expected[right])  # for the decoder is as it was before
        return True
    return False


def recovery(codec, states, rng):
    """A frame is lost, the row begins anew; what was sent before is refused from then on."""
    encoder, decoder = codec.encoder(), codec.decoder()
    old = [encoder.encode(states[k : k + 2]) for k in range(3)]
    decoder.decode(old[0])
    for _ in range(2):
        encoder.restart()
        start = int(rng.integers(len(states) - 3))
        new = encoder.encode(states[start : start + 2])
        assert np.array_equal(decoder.decode(new), codec.decoder().decode(new))
        for stale in (*old, new):
            try:
                decoder.decode(stale)
            except CorruptStreamError:
                continue
            return False
        old.append(new)
    after = encoder.encode(states[:1])
    decoder.decode(after)
    return True

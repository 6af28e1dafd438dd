"""Threads share a model: calls of each are as if they were alone."""

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread, current_thread, main_thread

import pytest
import torch
from torch.utils.hooks import RemovableHandle

from rdcodec.codecs import IntegerCodec
from rdcodec.splits import compress_at, head_states, run_head, run_tail
from rdcodec.splits.hooks import before, is_skipped, skipped

THREADS = 8
CALLS = 200


@pytest.fixture(autouse=True)
def often():
    """Threads take turns as often as they can."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def elsewhere(call):
    """What `call()` gives in another thread, while this one waits."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


@torch.no_grad()
def logits_of(model, ids, mask=None):
    return model(ids, attention_mask=mask).logits


def padded(ids, tokens):
    mask = torch.ones_like(ids)
    mask[0, :tokens] = 0
    return mask


def calls_of(model, codec, seed, tiny):
    """Calls of every kind, on inputs of their own: each gives a tensor."""
    ids = torch.randint(2, tiny.vocabulary, (2, 5 + seed % 4), generator=torch.Generator().manual_seed(seed))
    mask = padded(ids, 1 + seed % 3)
    h, first = head_states(model, 2, ids), head_states(model, 0, ids)

    def coded(layer, mask=None):
        with compress_at(model, codec, layer=layer):
            return logits_of(model, ids, mask)

    def generated():
        return model.generate(ids, attention_mask=mask, max_new_tokens=2, do_sample=False, num_beams=2)

    return [
        lambda: logits_of(model, ids),
        lambda: logits_of(model, ids, mask),
        lambda: coded(1),
        lambda: coded(2, mask),
        lambda: head_states(model, 1 + seed % 3, ids, mask),
        lambda: run_head(model, 2, first).detach(),
        lambda: run_tail(model, 2, h, mask).detach(),
        generated,
    ]


def together(threads, calls, work):
    """`work(thread, call)` for all, each thread going its own way through its calls: what each gave."""
    begin = Barrier(threads)

    def run(thread):
        begin.wait()
        return [work(thread, call) for call in range(calls)]

    with ThreadPoolExecutor(threads) as pool:
        return [future.result() for future in [pool.submit(run, thread) for thread in range(threads)]]


@pytest.mark.slow
def test_calls_of_every_kind_at_once(tiny, trail):
    model = tiny.build("llama")
    before = tiny.trace(model)
    calls = [calls_of(model, trail, seed, tiny) for seed in range(THREADS)]
    alone = [[call() for call in own] for own in calls]

    def work(thread, turn):
        kind = (thread + 3 * turn) % len(calls[thread])
        return torch.equal(calls[thread][kind](), alone[thread][kind])

    assert together(THREADS, CALLS, work) == [[True] * CALLS] * THREADS
    assert tiny.trace(model) == before


@pytest.mark.slow
def test_one_lossy_context_for_all_threads(tiny):
    """Each call has its own mask, prompt and rows, and the meter counts them all."""
    model = tiny.build("llama")
    codec = IntegerCodec(tiny.channels, bits=3)
    sizes = [(5 + thread, thread % 4) for thread in range(THREADS)]
    inputs = [torch.randint(2, tiny.vocabulary, (2, tokens), generator=torch.Generator().manual_seed(tokens)) for tokens, _ in sizes]
    masks = [padded(ids, padding) for ids, (_, padding) in zip(inputs, sizes)]

    def call(thread):
        return logits_of(model, inputs[thread], masks[thread])

    def generate(thread):
        out = model.generate(inputs[thread], attention_mask=masks[thread], max_new_tokens=3, do_sample=False, num_beams=2)
        return torch.nn.functional.pad(out, (0, 3))

    with compress_at(model, codec, layer=2) as meter:
        alone = [(call(thread), generate(thread)) for thread in range(THREADS)]
    counted = []
    for kind in (call, generate):
        with compress_at(model, codec, layer=2) as one:
            for thread in range(THREADS):
                kind(thread)
        counted.append((one.tokens, one.bytes))
    assert meter.tokens == sum(tokens for tokens, _ in counted)
    with compress_at(model, codec, layer=2) as meter:
        results = together(THREADS, 20, lambda thread, i: torch.equal((call, generate)[i % 2](thread), alone[thread][i % 2]))
    assert results == [[True] * 20] * THREADS
    assert (meter.tokens, meter.bytes) == tuple(10 * (a + b) for a, b in zip(*counted))


def test_calls_of_other_threads_within_the_context_are_coded(tiny, trail):
    """As with the streamers of transformers, which generate in a thread of their own."""
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    with compress_at(model, trail, layer=1) as meter:
        elsewhere(lambda: logits_of(model, ids, padded(ids, 4)))
    assert meter.tokens == 18


def test_calls_under_way_as_the_context_opens_or_closes_pass(tiny, trail):
    """Their mask was not seen: they are not coded, and no error."""
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    plain = logits_of(model, ids)
    inside, go_on = Event(), Event()
    results = []

    def wait(block, args, kwargs):
        inside.set()
        assert go_on.wait(60)

    def slow():
        with before(model.model.layers[1], wait):
            results.append(logits_of(model, ids))

    thread = Thread(target=slow)
    thread.start()
    assert inside.wait(60)
    with compress_at(model, trail, layer=2) as meter:
        go_on.set()
        thread.join()
        assert meter.tokens == 0
        assert torch.equal(logits_of(model, ids), plain)
    assert meter.tokens == 22 and torch.equal(results[0], plain)
    inside.clear()
    go_on.clear()
    with compress_at(model, trail, layer=2) as meter:
        thread = Thread(target=slow)
        thread.start()
        assert inside.wait(60)
    go_on.set()
    thread.join()
    assert meter.tokens == 0 and torch.equal(results[1], plain)


def test_a_pass_that_ends_while_the_context_closes_is_not_taken_for_the_next(tiny, trail, monkeypatch):
    """PyTorch removes hook after hook: the end of a pass may be unseen already and the next one's block not yet."""
    model = tiny.build("llama")
    ids = tiny.inputs(model)
    more = torch.cat([ids, ids])
    plain, mask = logits_of(model, more, padded(more, 1)), padded(ids, 2)
    inside, go_on, results = Event(), Event(), []

    def wait(block, args, kwargs):
        inside.set()
        assert go_on.wait(60)

    def slow():
        with before(model.model.layers[0], wait):
            logits_of(model, ids, mask)

    def remove(handle):
        removed(handle)
        if current_thread() is main_thread() and not model.model._forward_hooks:
            go_on.set()
            under_way.result()
            results.append(pool.submit(logits_of, model, more, padded(more, 1)).result())

    removed = RemovableHandle.remove
    with ThreadPoolExecutor(1) as pool:
        with compress_at(model, trail, layer=2):
            under_way = pool.submit(slow)
            assert inside.wait(60)
            monkeypatch.setattr(RemovableHandle, "remove", remove)
        monkeypatch.undo()
    assert results and all(torch.equal(logits, plain) for logits in results)


@pytest.mark.parametrize("layer", [1, 3])
def test_parts_do_not_touch_calls_of_others(tiny, layer):
    """Another thread runs the model in the middle of a part."""
    model = tiny.build("gpt2")
    ids = tiny.inputs(model)
    plain, h = logits_of(model, ids), head_states(model, layer, ids)
    seen = []

    def call_elsewhere(block, args, kwargs):
        seen.append(elsewhere(lambda: logits_of(model, ids)))
        seen.append(elsewhere(lambda: run_tail(model, 2, head_states(model, 2, ids)).detach()))

    with before(model.transformer.h[layer - 1], call_elsewhere):
        head_states(model, layer, ids)
    with before(model.transformer.h[layer], call_elsewhere):
        assert torch.equal(run_tail(model, layer, h), plain)
    assert len(seen) == 4 and all(torch.equal(logits, plain) for logits in seen)


def test_threads_leave_skipped_blocks_in_any_order(tiny):
    model = tiny.build("llama")
    blocks = list(model.model.layers)[:2]
    traced = tiny.trace(model)
    entered, leave = Event(), Event()

    def skip():
        with skipped(blocks):
            entered.set()
            assert leave.wait(60) and is_skipped(blocks[0])

    thread = Thread(target=skip)
    with skipped(blocks[:1]):
        thread.start()
        assert entered.wait(60)
        assert is_skipped(blocks[0]) and not is_skipped(blocks[1])
    assert not is_skipped(blocks[0])
    assert tiny.trace(model) != traced
    leave.set()
    thread.join()
    assert tiny.trace(model) == traced

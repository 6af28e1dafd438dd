"""Steps of several sessions in one forward pass."""

import pytest
import torch
from tiny_ends import LAYER, PROMPT, prompts

from rdcodec import RdcodecError
from rdcodec.errors import CorruptStreamError, LimitError
from rdcodec.serving import Head, Sampling, Tail, part_of
from rdcodec.serving.batches import steps_together
from rdcodec.serving.engine import Engine

pytestmark = pytest.mark.slow

TEXTS = [[PROMPT], ["Classes", "A longer one than that"], ["Modules are"]]
NEW = 8


@pytest.fixture(scope="module", params=["llama", "gpt2"])
def ends(request, whole_of, codec_of):
    model, tokenizer = whole_of(request.param)
    part = part_of(model, LAYER, tokenizer)
    return Head(part, codec_of(request.param)), Tail(part, codec_of(request.param))


def started(head, tail, texts, sampling):
    """Sessions of both ends behind the prompt, and the first tokens."""
    here, there = head.session(len(texts)), tail.session(len(texts), sampling)
    tokens = there.step(here.frames(here.states(*prompts(head.part.tokenizer, *texts)))).tokens
    return here, there, tokens


def run(head, tail, step_all, sampling=Sampling(temperature=1, seed=4)):
    """Tokens [rows, new] of each session."""
    sessions = [started(head, tail, texts, sampling) for texts in TEXTS]
    said = [[tokens] for *_, tokens in sessions]
    for _ in range(NEW):
        jobs = [(there, here.frames(here.states(tokens[-1][:, None])), 1) for (here, there, _), tokens in zip(sessions, said)]
        for tokens, step in zip(said, step_all(jobs)):
            tokens.append(step.tokens)
    return [torch.stack(tokens, 1) for tokens in said]


def test_tokens_together_are_those_of_each_alone(ends):
    alone = run(*ends, lambda jobs: [session.step(frames, room) for session, frames, room in jobs])
    together = run(*ends, steps_together)
    assert all(map(torch.equal, alone, together))


def test_one_that_is_wrong_does_not_harm_the_others(ends):
    head, tail = ends
    sessions = [started(head, tail, texts, Sampling()) for texts in TEXTS]
    jobs = [(there, here.frames(here.states(tokens[:, None])), 1) for here, there, tokens in sessions]
    jobs[1] = (jobs[1][0], [[b"no"], jobs[1][1][1]], 1)
    done = steps_together(jobs)
    assert isinstance(done[1], CorruptStreamError) and done[0].tokens.shape == done[2].tokens.shape == (1,)
    jobs = [(there, here.frames(here.states(tokens[:, None])), 0) for here, there, tokens in sessions]
    assert isinstance(steps_together(jobs[:2])[0], LimitError)


def test_caches_of_the_last_tokens_alone_are_refused(whole_of, codec_of):
    model, _ = whole_of("qwen2")
    tail = Tail(part_of(model, LAYER), codec_of("qwen2"))
    Engine(tail).close()
    with pytest.raises(RdcodecError, match="batch: expected 1"):
        Engine(tail, 2)

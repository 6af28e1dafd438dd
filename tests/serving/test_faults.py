"""Links that break and servers that die: the text goes on as if nothing had been."""

import random
import threading

import pytest
import torch
from running import said
from shaped_link import ShapedLink
from tiny_ends import PROMPT, prompts

from rdcodec.serving import Connector, Sampling, ServerLimits, generate, running_server

pytestmark = pytest.mark.slow

NEW = 16
NOBODY = 1  # a port where nobody listens
SAMPLINGS = [Sampling(), Sampling(temperature=0.9, repetition_penalty=1.1, seed=2)]


@pytest.fixture(params=SAMPLINGS, ids=["greedy", "drawn"])
def sampling(request):
    return request.param


@pytest.fixture
def batch(ends):
    return prompts(ends.tokenizer, PROMPT, "Classes")


@pytest.fixture
def expected(ends, connector, batch, sampling):
    return said(ends.head, connector, *batch, NEW, sampling)


def over(link, ends, **more):
    return Connector(f"127.0.0.1:{link.port}", ends.head, **{"step_seconds": 20, "patience_seconds": 60, **more})


def test_a_cut_at_every_frame_boundary(ends, server, batch, sampling, expected):
    with ShapedLink(server.port) as link:
        tokens = []
        for token in generate(ends.head, over(link, ends), *batch, NEW, sampling):
            tokens.append(token)
            link.cut()
    assert torch.equal(torch.tensor(tokens).T, expected) and link.connections == NEW


def test_cuts_inside_of_frames(ends, server, batch, sampling, expected):
    """Some bytes further each time, either way: in the handshake, in steps and in replies."""
    draws = random.Random(5)
    with ShapedLink(server.port) as link:
        for _ in range(6):
            tokens = []
            for token in generate(ends.head, over(link, ends), *batch, NEW, sampling):
                tokens.append(token)
                link.cut_after(draws.randrange(1, 200))
            link.cut_after(None)
            assert torch.equal(torch.tensor(tokens).T, expected)
    assert link.connections > 40


def test_a_server_that_is_started_anew(ends, batch, sampling, expected):
    """It knows nothing of the text, and is sent all of it again."""
    tokens = []
    with ShapedLink(NOBODY) as link:
        texts = generate(ends.head, over(link, ends), *batch, NEW, sampling)
        for _ in range(4):
            with running_server(ends.tail, limits=ServerLimits(grace_seconds=0)) as server:
                link.target = server.port
                tokens += [next(texts) for _ in range(4)]
            link.cut()
    assert torch.equal(torch.tensor(tokens).T, expected)


def test_a_server_that_is_not_there_for_a_while(ends, server, batch, sampling, expected):
    with ShapedLink(server.port) as link:
        texts = generate(ends.head, over(link, ends), *batch, NEW, sampling)
        tokens = [next(texts)]
        link.cut()
        link.target = NOBODY
        threading.Timer(1.0, setattr, (link, "target", server.port)).start()
        tokens += texts
    assert torch.equal(torch.tensor(tokens).T, expected)

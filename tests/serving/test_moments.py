"""Faults of all kinds at moments that are drawn at random: 10 of them, 200 with `--hypothesis-profile=long`."""

import random
import threading
import time
from contextlib import ExitStack

import pytest
import torch
from hypothesis import settings
from running import said
from shaped_link import ShapedLink
from tiny_ends import PROMPT, prompts

from rdcodec.serving import Connector, Sampling, ServerLimits, link, running_server
from rdcodec.serving.protocol import link_pb2

pytestmark = pytest.mark.slow

NEW = 24
NOBODY = 1  # a port where nobody listens
STEP_SECONDS = 1
KINDS = ["cut", "cut inside", "restart", "away", "lost up", "lost down", "twice up", "twice down", "late up", "late down", "slow"]
SAMPLINGS = [Sampling(), Sampling(temperature=0.9, repetition_penalty=1.1, seed=2)]
MOST_MESSAGES, MOST_SECONDS = 8, 0.02  # from one fault to the next
LATE_SECONDS = [0.05, STEP_SECONDS + 0.2]  # a little, and so late that the head has given up on it


class Messages:
    """What happens to the next message each way: one fault at a time."""

    def __init__(self):
        self.up = self.down = None
        self.count = 0

    def passes(self, way, message, put):
        self.count += 1
        fault = getattr(self, way)
        setattr(self, way, None)
        if fault is None:
            put(message)
        elif fault == "twice":
            put(message)
            put(message)
        elif fault != "lost":
            threading.Timer(fault, put, (message,)).start()


@pytest.fixture
def messages(monkeypatch):
    """Faults of the messages of all links that heads open; a stream's end is none of its messages."""
    faults, honest = Messages(), link._Stream

    class Faulty(honest):
        def __init__(self, connector):
            super().__init__(connector)
            self._incoming = Incoming(self._incoming)

        def send(self, up):
            faults.passes("up", up, super().send) if up.HasField("step") else super().send(up)

    class Incoming:
        """The queue between a link and the head."""

        def __init__(self, incoming):
            self.get, self._put = incoming.get, incoming.put

        def put(self, found):
            frames = isinstance(found, link_pb2.Down) and found.HasField("reply")
            faults.passes("down", found, self._put) if frames else self._put(found)

    monkeypatch.setattr(link, "_Stream", Faulty)
    return faults


class Places:
    """A link to servers of which there is one at a time."""

    def __init__(self, stack, ends):
        self._ends, self._stack = ends, stack
        self._server = None
        self.link = stack.enter_context(ShapedLink(NOBODY))
        self.restart()

    def restart(self):
        """Another server takes the place of the one that there was, and knows nothing."""
        if self._server is not None:
            self._server.close()
        self._server = self._stack.enter_context(ExitStack())
        limits = ServerLimits(grace_seconds=0, sessions=4)
        self.link.target = self._server.enter_context(running_server(self._ends.tail, limits=limits)).port

    def away(self, seconds):
        self.link.cut()
        there, self.link.target = self.link.target, NOBODY
        threading.Timer(seconds, setattr, (self.link, "target", there)).start()


class Chaos(threading.Thread):
    """Lets something go wrong from time to time, so often as there are moments."""

    def __init__(self, places, messages, moments):
        super().__init__(daemon=True)
        self._places, self._messages, self._moments = places, messages, moments
        self._draws = random.Random(11)
        self.happened = []

    def run(self):
        for _ in range(self._moments):
            self._wait()
            kind = self._draws.choice(KINDS)
            self.happened.append(kind)
            self._happen(kind)
        self._places.link.limit(None)

    def _wait(self):
        until = self._messages.count + self._draws.randint(0, MOST_MESSAGES)
        while self._messages.count < until:
            time.sleep(0.001)
        time.sleep(self._draws.uniform(0, MOST_SECONDS))

    def _happen(self, kind):
        draws, places = self._draws, self._places
        if kind == "cut":
            places.link.cut()
        elif kind == "cut inside":
            places.link.cut_after(draws.randrange(1, 400))
        elif kind == "restart":
            places.restart()
        elif kind == "away":
            places.away(draws.uniform(0.05, 0.3))
        elif kind == "slow":
            places.link.limit(draws.choice([1e5, None]))
        else:
            fault, way = kind.split()
            setattr(self._messages, way, draws.choice(LATE_SECONDS) if fault == "late" else fault)


def test_faults_at_random_moments(ends, connector, messages, caplog):
    """Of texts, one after the other: all are what they are over a link without faults."""
    batch = prompts(ends.tokenizer, PROMPT, "Classes")
    expected = [said(ends.head, connector, *batch, NEW, sampling) for sampling in SAMPLINGS]
    with ExitStack() as stack:
        places = Places(stack, ends)
        faulty = Connector(f"127.0.0.1:{places.link.port}", ends.head, step_seconds=STEP_SECONDS, patience_seconds=120)
        chaos = Chaos(places, messages, min(settings().max_examples // 5, 200))
        chaos.start()
        texts = 0
        while chaos.is_alive():
            sampling = SAMPLINGS[texts % 2]
            tokens = said(ends.head, faulty, *batch, NEW, sampling)
            assert torch.equal(tokens, expected[texts % 2]), (texts, chaos.happened)
            texts += 1
    lost = [record for record in caplog.records if record.getMessage() == "link lost"]  # a new one may be tried several times
    assert len(lost) >= len(chaos.happened) // 3, "faults of every third kind break a link at the least"

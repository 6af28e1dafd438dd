"""Many sessions at one server for a while: are all tokens right, is its memory flat, and how many tokens a second come against one session?

    python benchmarks/bench_sessions.py --text FILE --codec DIR [--model smollm2-135m] [--sessions 32] [--minutes 20] [--batch 32]

The server is a process of its own. Texts are said once by both ends in this process, step by step, and their frames kept; sessions then send these
as heads do, each a text drawn at random and again another one, from a prompt to a length drawn at random, and compare what comes. So what this
machine computes meanwhile is the tail's part alone, as if the heads were elsewhere.
"""

import argparse
import json
import random
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from serving.processes import ServerProcess

import rdcodec
from rdcodec import Codec
from rdcodec.evaluation import cut_text
from rdcodec.serving import Connector, Head, RemoteSession, Sampling, Tail, part_of

SAMPLE_SECONDS = 2


@dataclass(frozen=True)
class Text:
    """A prompt and what follows it.

    Attributes
    ----------
    prompt_tokens : int
    sampling : Sampling
    steps : list of list of list of bytes
        Frames of each step, as of `HeadSession.frames`.
    tokens : list of int
        The reply to each.
    """

    prompt_tokens: int
    sampling: Sampling
    steps: list
    tokens: list


def said(head, tail, ids, sampling, new):
    """The `Text` of a prompt [1, tokens]."""
    here, there = head.session(), tail.session(1, sampling)
    steps, tokens, given = [], [], ids
    for _ in range(new):
        steps.append(here.frames(here.states(given)))
        given = there.step(steps[-1]).tokens[:, None]
        tokens.append(int(given))
    return Text(ids.shape[1], sampling, steps, tokens)


class Load:
    """Sessions that go on until they are told to end.

    Attributes
    ----------
    tokens, wrong : int
        That came, and those that were not the text's.
    texts, links : int
    errors : list of str
    """

    def __init__(self, connector, texts):
        self.connector, self.texts_known = connector, texts
        self.tokens = self.wrong = self.texts = self.links = 0
        self.errors = []
        self._lock, self._end = threading.Lock(), threading.Event()

    def run(self, sessions, seconds, sample=lambda: None):
        """So many at once for a while; what `sample` says from time to time, and tokens a second."""
        threads = [threading.Thread(target=self._say, args=(random.Random(seed),)) for seed in range(sessions)]
        began, samples = time.perf_counter(), []
        for thread in threads:
            thread.start()
        while (left := began + seconds - time.perf_counter()) > 0:
            time.sleep(min(left, SAMPLE_SECONDS))
            samples.append(sample())
        self._end.set()
        for thread in threads:
            thread.join()
        return samples, self.tokens / (time.perf_counter() - began)

    def _say(self, draws):
        while not self._end.is_set():
            text = draws.choice(self.texts_known)
            count = draws.randint(len(text.steps) // 4, len(text.steps))
            try:
                self._say_text(text, count)
            except Exception as error:
                with self._lock:
                    self.errors.append(f"{type(error).__name__}: {error}")

    def _say_text(self, text, count):
        with RemoteSession(self.connector, text.prompt_tokens + count, sampling=text.sampling) as there:
            for frames, token in zip(text.steps[:count], text.tokens):
                reply = there.step(frames)
                with self._lock:
                    self.tokens += 1
                    self.wrong += list(reply.tokens) != [token]
                if self._end.is_set():
                    break
        with self._lock:
            self.texts += 1
            self.links += there.links


def measured(server, connector, texts, sessions, minutes, one_minutes):
    """Figures of one session, then of many."""
    _, one = Load(connector, texts).run(1, 60 * one_minutes)
    load = Load(connector, texts)
    memory, rate = load.run(sessions, 60 * minutes, lambda: server.memory["resident"] / 2**20)
    quarter = len(memory) // 4
    return {
        "sessions": sessions,
        "minutes": minutes,
        "texts": load.texts,
        "links": load.links,
        "tokens": load.tokens,
        "wrong": load.wrong,
        "errors": load.errors,
        "tokens_per_second": rate,
        "tokens_per_second_of_one": one,
        "memory_mib_by_quarters": [median(memory[i * quarter : (i + 1) * quarter]) for i in range(4)],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="smollm2-135m")
    parser.add_argument("--codec", type=Path, required=True)
    parser.add_argument("--text", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=32)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--one-minutes", type=float, default=0.5, help="of one session, to compare with")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--prompt", type=int, default=32)
    parser.add_argument("--new", type=int, default=48)
    parser.add_argument("--texts", type=int, default=8)
    arguments = parser.parse_args()
    codec = Codec.from_pretrained(arguments.codec)
    model, tokenizer = rdcodec.load_model(arguments.model)
    part = part_of(model, codec.layer, tokenizer)
    head, tail = Head(part, codec), Tail(part, codec)
    windows, _ = cut_text(tokenizer, arguments.text.read_text(encoding="utf-8"), arguments.prompt, arguments.texts)
    samplings = [Sampling() if i % 2 else Sampling(temperature=0.8, top_p=0.95, seed=i) for i in range(len(windows))]
    texts = [said(head, tail, ids[None], sampling, arguments.new) for ids, sampling in zip(windows, samplings)]
    command = [sys.executable, "-m", "rdcodec.cli", "serve", "--model", arguments.model, "--codec", arguments.codec]
    with ServerProcess([*command, "--listen", "127.0.0.1:0", "--batch", arguments.batch]) as server:
        connector = Connector(f"127.0.0.1:{server.ports[0]}", head, step_seconds=300)
        found = measured(server, connector, texts, arguments.sessions, arguments.minutes, arguments.one_minutes)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()

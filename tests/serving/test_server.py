"""Head and tail over gRPC on loopback."""

import json
import logging
import threading
import urllib.request

import grpc
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running import said
from tiny_ends import LAYER, PROMPT, generated, prompts

from rdcodec import RdcodecError
from rdcodec.serving import Connector, LinkMeter, Refused, RemoteSession, Sampling, ServerLimits, generate, running_server
from rdcodec.serving.logs import JsonLines

NEW = 12
DRAWN = Sampling(temperature=0.8, top_k=20, top_p=0.95, seed=11)


@pytest.mark.parametrize("sampling", [Sampling(), DRAWN, Sampling(temperature=1, repetition_penalty=1.3, seed=1)])
def test_text_is_that_of_one_process(ends, connector, server, whole_of, codec_of, sampling):
    (model, tokenizer), codec = whole_of("llama"), codec_of("llama")
    ids, mask = prompts(tokenizer, PROMPT, "Classes")
    meter = LinkMeter()
    tokens = said(ends.head, connector, ids, mask, NEW, sampling, meter=meter)
    assert torch.equal(tokens, generated(model, LAYER, codec, ids, mask, NEW, sampling))
    assert meter.sent_tokens == int(mask.sum()) + 2 * (NEW - 1) and meter.said_tokens == 2 * NEW
    assert meter.bytes_up > meter.frame_bytes > 0 and meter.bytes_down > 0
    assert sum(meter.shares.values()) == pytest.approx(1) and "bits/token" in str(meter)
    assert not len(server.sessions)


def test_rows_end_by_themselves(ends, connector):
    ids, mask = prompts(ends.tokenizer, PROMPT, "Classes")
    first, second = said(ends.head, connector, ids, mask, NEW)
    end = int(first[3])
    stops = [row.tolist().index(end) if end in row else NEW for row in (first, second)]
    assert min(stops) < NEW - 1
    tokens = list(generate(ends.head, connector, ids, mask, NEW, ends={end}))
    assert len(tokens) == min(max(stops) + 1, NEW)
    for row, said_by, stop in zip(zip(*tokens), (first, second), stops):
        assert list(row[: stop + 1]) == said_by[: stop + 1].tolist() and set(row[stop + 1 :]) <= {None}


def test_texts_end_where_the_model_does(ends, connector):
    """128 positions: a prompt of 126 has room for itself, two more tokens, and one that is never sent."""
    ids = torch.randint(1, 256, (1, 126), generator=torch.Generator().manual_seed(0))
    assert said(ends.head, connector, ids, None, NEW).shape == (1, 3)


@pytest.mark.parametrize(("ids", "new"), [(torch.zeros(1, 0, dtype=torch.int64), 3), (torch.ones(1, 3, dtype=torch.int64), 0)])
def test_nothing_to_say(ends, connector, ids, new):
    with pytest.raises(RdcodecError, match="input_ids and max_new_tokens"):
        next(generate(ends.head, connector, ids, max_new_tokens=new))


def test_logits_come_back_where_no_sampling_is_named(ends, connector):
    ids, _ = prompts(ends.tokenizer, PROMPT)
    expected = ends.tail.session().step(frames := ends.head.session().frames(ends.head.session().states(ids))).logits
    with RemoteSession(connector, 128) as there:
        reply = there.step(frames)
    assert reply.logits == expected.numpy().tobytes() and not reply.tokens


@pytest.mark.parametrize("batch", [1, 4])
def test_sessions_at_once(ends, batch, whole_of, codec_of):
    """Eight heads on threads, each with a text of its own and its own draws."""
    (model, tokenizer), codec = whole_of("llama"), codec_of("llama")
    texts = [PROMPT[: 8 + 3 * i] for i in range(8)]
    results = [None] * len(texts)
    with running_server(ends.tail, limits=ServerLimits(batch=batch)) as server:
        connector = Connector(f"127.0.0.1:{server.port}", ends.head, step_seconds=30)

        def run(i):
            ids, mask = prompts(tokenizer, texts[i])
            results[i] = said(ends.head, connector, ids, mask, NEW, Sampling(temperature=1, seed=i))

        threads = [threading.Thread(target=run, args=(i,)) for i in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    for i, text in enumerate(texts):
        ids, mask = prompts(tokenizer, text)
        assert torch.equal(results[i], generated(model, LAYER, codec, ids, mask, NEW, Sampling(temperature=1, seed=i)))


def test_health_and_metrics(ends):
    with running_server(ends.tail, metrics="127.0.0.1:0") as server:
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            health = health_pb2_grpc.HealthStub(channel)
            for service in ("", "rdcodec.serving.v1.Tail"):
                answer = health.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING
        ids, mask = prompts(ends.tokenizer, PROMPT)
        said(ends.head, Connector(f"127.0.0.1:{server.port}", ends.head), ids, mask, NEW)
        with pytest.raises(Refused):
            with RemoteSession(Connector(f"127.0.0.1:{server.port}", ends.head), 10**6) as there:
                there.step([[b""]])
        request = urllib.request.Request(
            f"http://127.0.0.1:{server.metrics_port}/metrics", headers={"Accept": "application/openmetrics-text"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read().decode()
    assert text.endswith("# EOF\n") and f"rdcodec_tokens_total {float(NEW)}\n" in text and "rdcodec_sessions 0.0\n" in text
    assert f"rdcodec_forward_seconds_count {float(NEW)}\n" in text and 'rdcodec_refused_total{status="INVALID_ARGUMENT"} 1.0\n' in text


def test_logs_are_json_lines(ends):
    lines, handler = [], logging.Handler()
    handler.setFormatter(JsonLines())
    handler.emit = lambda record: lines.append(json.loads(handler.format(record)))
    log = logging.getLogger("rdcodec.serving")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        with running_server(ends.tail) as server:
            ids, mask = prompts(ends.tokenizer, PROMPT)
            said(ends.head, Connector(f"127.0.0.1:{server.port}", ends.head), ids, mask, NEW)
        log.error("failed", exc_info=ValueError("with a reason"))
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert [line["event"] for line in lines] == ["listening", "session opened", "session closed", "stopping", "stopped", "failed"]
    assert lines[2]["steps"] == NEW and lines[1]["session"] == lines[2]["session"] and "with a reason" in lines[-1]["error"]

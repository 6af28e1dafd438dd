"""What does not belong together, or would harm others, is refused by a status that names the reason."""

import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc
from running import RawStream, said
from shaped_link import ShapedLink
from tiny_ends import LAYER, PROMPT, prompts, save

from rdcodec import RdcodecError, load_model
from rdcodec.codecs import RawCodec
from rdcodec.serving import (
    ClientSecurity,
    Connector,
    Head,
    Refused,
    RemoteSession,
    Sampling,
    ServerLimits,
    ServerSecurity,
    generate,
    load_head,
    part_of,
    running_server,
    service,
)
from rdcodec.serving.pins import pins_of
from rdcodec.serving.protocol import link_pb2

Status = grpc.StatusCode
NEW = 8


@pytest.fixture(scope="module")
def pins(ends):
    return pins_of(ends.head.part, ends.head.codec)


@pytest.fixture(scope="module")
def prompt(ends):
    return prompts(ends.tokenizer, PROMPT)


@pytest.fixture
def frames(ends, prompt):
    """Of the prompt, and a function that makes those of the next token."""
    here = ends.head.session()
    return SimpleFrames(here, here.frames(here.states(prompt[0])))


class SimpleFrames:
    def __init__(self, session, first):
        self.session, self.first = session, first[0]

    def next(self, reply):
        return self.session.frames(self.session.states(torch.tensor([[*reply.tokens]])))[0]


def at(server, head, **more):
    return Connector(f"127.0.0.1:{server.port}", head, **{"step_seconds": 20, "patience_seconds": 0, **more})


def refusal(connector, ids):
    with pytest.raises(Refused) as caught, RemoteSession(connector, 64, sampling=Sampling()) as there:
        there.step([[b"frames are not looked at yet"]])
    return caught.value


# ---- the handshake


def test_other_models_layers_and_codecs(server, ends, tmp_path, folder_of, whole_of, codec_of, prompt):
    other = load_head(save("llama", tmp_path / "other", seed=6), LAYER)
    refused = refusal(at(server, Head(other, RawCodec(48))), prompt[0])
    assert (
        refused.status is Status.FAILED_PRECONDITION and "model (fingerprint of its blocks)" in refused.reason and "codec" in refused.reason
    )
    elsewhere = Head(load_head(folder_of("llama"), 1), RawCodec(48))
    assert f"layer: the tail has {LAYER}, the head 1" in refusal(at(server, elsewhere), prompt[0]).reason
    raw = Head(ends.head.part, RawCodec(48))
    assert (
        refusal(at(server, raw), prompt[0]).reason
        == f"codec: the tail has {codec_of('llama').codec_id.hex()}, the head {raw.codec.codec_id.hex()}"
    )
    half = Head(part_of(load_model(folder_of("llama"), "bfloat16")[0], LAYER), codec_of("llama"))
    assert refusal(at(server, half), prompt[0]).reason == "element type: the tail has float32, the head bfloat16"


def test_other_protocols(server, pins):
    theirs = link_pb2.Pins(**{**{field.name: value for field, value in pins.ListFields()}, "protocol": 2})
    with RawStream(server.port) as stream:
        stream.outgoing.put(link_pb2.Up(hello=link_pb2.Hello(pins=theirs)))
        assert stream.refused(Status.FAILED_PRECONDITION) == "protocol: the tail has 1, the head 2"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"rows": 0}, "rows and max_tokens"),
        ({"max_tokens": 129}, "rows and max_tokens: expected 1 or more, and 1 to 128"),
        ({"rows": 10**6}, "tokens take"),
        ({"sampling": link_pb2.Sampling(temperature=-1, top_p=1, repetition_penalty=1)}, "temperature: expected 0 to 100"),
        ({"sampling": link_pb2.Sampling(top_p=1, repetition_penalty=2)}, "prompts: a penalty"),
        (
            {"sampling": link_pb2.Sampling(top_p=1, repetition_penalty=2), "prompts": [link_pb2.Prompt(tokens=[256])]},
            "prompts: expected tokens below 256",
        ),
    ],
)
def test_what_cannot_be(server, pins, fields, reason):
    with RawStream(server.port) as stream, pytest.raises(grpc.RpcError) as caught:
        stream.hello(pins, **fields)
    assert caught.value.code() is Status.INVALID_ARGUMENT and reason in caught.value.details()


def test_messages_out_of_order(server, pins, frames):
    with RawStream(server.port) as stream:
        stream.send(0, frames.first)
        assert stream.refused(Status.INVALID_ARGUMENT) == "expected a message hello"
    with RawStream(server.port) as stream:
        stream.hello(pins)
        stream.outgoing.put(link_pb2.Up(hello=link_pb2.Hello(pins=pins)))
        assert stream.refused(Status.INVALID_ARGUMENT) == "expected a message step"
    with RawStream(server.port) as stream:
        stream.outgoing.put(None)
        assert stream.refused(Status.INVALID_ARGUMENT) == "expected a message hello"


def test_no_hello(server, monkeypatch):
    monkeypatch.setattr(service, "HELLO_SECONDS", 0.2)
    with RawStream(server.port) as stream:
        assert stream.refused(Status.DEADLINE_EXCEEDED) == "no hello for 0.2 seconds"


# ---- steps


def test_steps_that_come_twice_or_late(server, pins, frames):
    with RawStream(server.port) as stream:
        stream.hello(pins)
        first = stream.step(0, frames.first)
        assert stream.step(0, frames.first) == first
        following = frames.next(first)
        second = stream.step(1, following)
        assert stream.step(1, following) == second and second.number == 1
        stream.send(0, frames.first)
        assert stream.refused(Status.ABORTED) == "step 0: expected 2"


def test_steps_that_were_lost(server, pins, frames):
    with RawStream(server.port) as stream:
        stream.hello(pins)
        stream.send(1, frames.first)
        assert stream.refused(Status.ABORTED) == "step 1: expected 0"


@pytest.mark.parametrize(
    "damage", [lambda frame: frame[:-1], lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]), lambda frame: b"", lambda frame: frame + b"\0"]
)
def test_damaged_frames_do_no_harm(server, ends, pins, frames, prompt, damage):
    """They are refused, and the session goes on over another stream with the right one."""
    expected = said(ends.head, at(server, ends.head), *prompt, 2)[0].tolist()
    with RawStream(server.port) as stream:
        session = stream.hello(pins).session
        first = stream.step(0, frames.first)
        following = frames.next(first)
        stream.send(1, [damage(following[0])])
        assert stream.refused(Status.INVALID_ARGUMENT).startswith("frames: ")
    with RawStream(server.port) as stream:
        assert stream.hello(pins, session=session, received=1).next == 1
        assert [first.tokens[0], stream.step(1, following).tokens[0]] == expected


def test_frames_that_are_miscounted(server, pins, frames):
    with RawStream(server.port) as stream:
        stream.hello(pins)
        stream.outgoing.put(link_pb2.Up(step=link_pb2.Step(frames=frames.first, counts=[4_000_000_000])))
        assert stream.refused(Status.INVALID_ARGUMENT) == "frames: 1 frames, counted as 4000000000"


def test_more_tokens_than_were_asked_for(server, pins, frames):
    with RawStream(server.port) as stream:
        session = stream.hello(pins, max_tokens=len(PROMPT)).session
        first = stream.step(0, frames.first)
        stream.send(1, frames.next(first))
        assert "expected 1 to 0 tokens a row" in stream.refused(Status.OUT_OF_RANGE)
    with RawStream(server.port) as stream:
        welcome = stream.hello(pins, session=session, received=1)
        assert welcome.next == 0 and welcome.session != session  # which ended


def test_a_session_goes_on_over_one_link_alone(server, pins, frames):
    with RawStream(server.port) as old, RawStream(server.port) as new:
        session = old.hello(pins).session
        first = old.step(0, frames.first)
        assert new.hello(pins, session=session, received=0).next == 1
        assert next(new.call).reply == first  # which was not received
        old.send(1, frames.next(first))
        assert old.refused(Status.ABORTED) == "the session goes on over another link"


def test_oversize_messages(ends, pins):
    with running_server(ends.tail, limits=ServerLimits(message_bytes=1000)) as server, RawStream(server.port) as stream:
        stream.hello(pins)
        stream.send(0, [bytes(2000)])
        assert "larger than max" in stream.refused(Status.RESOURCE_EXHAUSTED)


def test_a_step_that_fails_is_no_secret(server, ends, pins, frames, monkeypatch):
    monkeypatch.setattr(type(ends.tail.session()), "forward", lambda *_: 1 / 0)
    with RawStream(server.port) as stream:
        stream.hello(pins)
        stream.send(0, frames.first)
        assert stream.refused(Status.INTERNAL) == "the step failed: ZeroDivisionError"


# ---- many


def test_a_client_that_floods_and_one_that_does_not_read(ends, server, pins, frames, prompt):
    """Neither harms the others."""
    expected = said(ends.head, at(server, ends.head), *prompt, NEW)
    with RawStream(server.port) as flood, RawStream(server.port) as deaf:
        for stream in (flood, deaf):
            stream.hello(pins)
        for _ in range(3000):
            flood.send(0, frames.first)
        for _ in range(200):
            deaf.send(0, frames.first)
        with ThreadPoolExecutor(4) as pool:
            texts = [pool.submit(said, ends.head, at(server, ends.head), *prompt, NEW) for _ in range(8)]
            assert all(torch.equal(text.result(60), expected) for text in texts)
        flood.call.cancel()
        deaf.call.cancel()


def test_admission(ends, pins):
    """Two sessions at most, and memory for a hundred tokens; those without a link make room."""
    limits = ServerLimits(cache_bytes=100 * ends.tail.bytes_a_token, sessions=2)
    with running_server(ends.tail, limits=limits) as server:
        with RawStream(server.port) as first, RawStream(server.port) as second:
            kept = first.hello(pins, max_tokens=60).session
            with RawStream(server.port) as third, pytest.raises(grpc.RpcError) as caught:
                third.hello(pins, max_tokens=41)
            assert caught.value.code() is Status.RESOURCE_EXHAUSTED and "1 sessions of at most 2 keep" in caught.value.details()
            second.hello(pins, max_tokens=40)
            with RawStream(server.port) as third, pytest.raises(grpc.RpcError) as caught:
                third.hello(pins, max_tokens=1)
            assert caught.value.code() is Status.RESOURCE_EXHAUSTED and "2 sessions of at most 2" in caught.value.details()
            first.call.cancel()
            until(lambda: sum(session.holder is None for session in server.sessions) == 1)
            with RawStream(server.port) as third:
                assert third.hello(pins, max_tokens=60).session
                with RawStream(server.port) as again, pytest.raises(grpc.RpcError) as caught:
                    again.hello(pins, session=kept, max_tokens=60)
                assert caught.value.code() is Status.RESOURCE_EXHAUSTED
        until(lambda: not len(server.sessions) or all(session.holder is None for session in server.sessions))


def test_a_text_waits_for_a_tail_that_is_full(ends, pins, prompt):
    """Its session made room for another one while the link was down."""
    with running_server(ends.tail, limits=ServerLimits(sessions=1)) as server, ShapedLink(server.port) as link:
        expected = said(ends.head, at(server, ends.head), *prompt, NEW)
        texts = generate(ends.head, at(link, ends.head, patience_seconds=30), *prompt, NEW)
        tokens = [next(texts)]
        (session,) = server.sessions
        link.cut()
        with RawStream(server.port) as other:
            until(lambda: session.holder is None)
            other.hello(pins)
            threading.Timer(0.5, other.outgoing.put, (None,)).start()
            tokens += texts
    assert torch.equal(torch.tensor(tokens).T, expected)


def test_idle_sessions(ends, prompt):
    with running_server(ends.tail, limits=ServerLimits(idle_seconds=0.3)) as server:
        texts = generate(ends.head, at(server, ends.head, patience_seconds=20), *prompt, NEW)
        tokens = [next(texts)]
        until(lambda: not len(server.sessions))
        tokens += texts
        assert torch.equal(torch.tensor(tokens).T, said(ends.head, at(server, ends.head), *prompt, NEW))


def test_a_server_that_goes_down_lets_texts_end(ends, prompt):
    context = running_server(ends.tail, limits=ServerLimits(grace_seconds=30))
    server = context.__enter__()
    texts = generate(ends.head, at(server, ends.head), *prompt, NEW)
    tokens = [next(texts)]
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=30)
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        ending = threading.Thread(target=context.__exit__, args=(None, None, None))
        ending.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        watch.cancel()
    refused = refusal(at(server, ends.head), prompt[0])
    assert refused.status is Status.UNAVAILABLE
    tokens += texts
    ending.join(30)
    assert not ending.is_alive() and len(tokens) == NEW


def test_a_tail_that_cannot_be_reached(ends, prompt):
    began = time.monotonic()
    with pytest.raises(Refused) as caught:
        next(generate(ends.head, Connector("127.0.0.1:1", ends.head, patience_seconds=0.5), *prompt))
    assert caught.value.status is Status.UNAVAILABLE and time.monotonic() - began < 30


# ---- who may speak


def test_bearer_tokens(ends, prompt):
    with running_server(ends.tail, security=ServerSecurity(token="secret")) as server:
        assert refusal(at(server, ends.head), prompt[0]).reason == "a bearer token is needed"
        wrong = refusal(at(server, ends.head, security=ClientSecurity(token="secre")), prompt[0])
        assert wrong.status is Status.UNAUTHENTICATED and wrong.reason == "the bearer token is wrong"
        assert said(ends.head, at(server, ends.head, security=ClientSecurity(token="secret")), *prompt, NEW).shape == (1, NEW)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """(certificate, key) for localhost."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files], check=True, capture_output=True
    )
    return folder / "certificate.pem", folder / "key.pem"


def test_tls(ends, certificate, prompt):
    with running_server(ends.tail, security=ServerSecurity(*certificate)) as server:
        known = at(server, ends.head, security=ClientSecurity(authority=certificate[0]))
        assert said(ends.head, known, *prompt, NEW).shape == (1, NEW)
        assert (
            refusal(at(server, ends.head, security=ClientSecurity(tls=True)), prompt[0]).status is Status.UNAVAILABLE
        )  # nobody vouches for it
        assert refusal(at(server, ends.head), prompt[0]).status is Status.UNAVAILABLE  # which speaks plain text


def test_plain_text_stays_on_this_machine(ends):
    for listen in ("0.0.0.0:0", "[::]:0"):
        with pytest.raises(RdcodecError, match="is not this machine: give a certificate"), running_server(ends.tail, listen):
            pass
    with running_server(ends.tail, "0.0.0.0:0", security=ServerSecurity(insecure=True)) as server:
        assert server.port
    with pytest.raises(RdcodecError, match="example.org is not this machine"):
        Connector("example.org:1", ends.head)
    Connector("example.org:1", ends.head, security=ClientSecurity(insecure=True))


@pytest.mark.parametrize("address", ["", "localhost", "localhost:", ":1", "localhost:x", "localhost:65536"])
def test_addresses(ends, address):
    with pytest.raises(RdcodecError, match="address: expected HOST:PORT"):
        Connector(address, ends.head)


def test_an_address_that_is_taken(ends, server):
    with pytest.raises(RdcodecError, match="listening: "), running_server(ends.tail, f"127.0.0.1:{server.port}"):
        pass
    with pytest.raises(RdcodecError, match="both or neither"):
        ServerSecurity(certificate="c.pem")


def until(holds):
    """Wait, at most half a minute, until something holds."""
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)

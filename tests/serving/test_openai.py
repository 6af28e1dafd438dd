"""The local endpoint, as clients of OpenAI's API speak to it."""

import copy
import http.client
import json
import threading

import pytest
from running import said
from tiny_ends import PROMPT, prompts

from rdcodec.serving import Connector, Head, OpenAIServer, Part, Sampling

NEW = 12
TEMPLATE = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"


@pytest.fixture(scope="module")
def endpoint(ends, server):
    """With a template for chats, which the tiny model's tokenizer has none of."""
    tokenizer = copy.deepcopy(ends.tokenizer)
    tokenizer.chat_template = TEMPLATE
    part = ends.head.part
    head = Head(Part(part.site, tokenizer, part.fingerprint, part.longest), ends.head.codec)
    with OpenAIServer(0, head, Connector(f"127.0.0.1:{server.port}", head, patience_seconds=0), "tiny") as found:
        threading.Thread(target=found.serve_forever, daemon=True).start()
        yield found
        found.shutdown()


def ask(endpoint, path, body, method="POST", **headers):
    """(status, body)"""
    connection = http.client.HTTPConnection("127.0.0.1", endpoint.server_port, timeout=60)
    data = body if isinstance(body, bytes) else json.dumps(body)
    connection.request(method, path, data, {"Content-Type": "application/json", **headers})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def asked(endpoint, path, **body):
    status, answer = ask(endpoint, path, body)
    assert status == 200, answer
    return json.loads(answer)


def events(endpoint, path, **body):
    status, answer = ask(endpoint, path, {**body, "stream": True})
    assert status == 200, answer
    *lines, last = [line.removeprefix("data: ") for line in answer.strip().split("\n\n")]
    assert last == "[DONE]"
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def text_of(ends, server):
    """What the two ends say by themselves."""

    def text(prompt, sampling=Sampling()):
        connector = Connector(f"127.0.0.1:{server.port}", ends.head)
        return ends.tokenizer.decode(said(ends.head, connector, *prompts(ends.tokenizer, prompt), NEW, sampling)[0])

    return text


def test_completions(endpoint, ends, text_of):
    expected = text_of(PROMPT)
    for prompt in (PROMPT, [PROMPT], ends.tokenizer(PROMPT)["input_ids"]):
        answer = asked(endpoint, "/v1/completions", prompt=prompt, max_tokens=NEW, temperature=0)
        (choice,) = answer["choices"]
        assert (
            choice == {"index": 0, "text": expected, "logprobs": None, "finish_reason": "length"} and answer["object"] == "text_completion"
        )
        assert answer["usage"] == {"prompt_tokens": len(PROMPT), "completion_tokens": NEW, "total_tokens": len(PROMPT) + NEW}
    drawn = asked(endpoint, "/v1/completions", prompt=PROMPT, max_tokens=NEW, temperature=0.9, top_p=0.9, seed=5)
    assert drawn["choices"][0]["text"] == text_of(PROMPT, Sampling(temperature=0.9, top_p=0.9, seed=5))
    assert asked(endpoint, "/v1/completions", prompt=PROMPT)["usage"]["completion_tokens"] == 16


def test_chats(endpoint, text_of):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Why?"}]}]
    expected = text_of("system: Be brief.\nuser: Why?\n")
    answer = asked(endpoint, "/v1/chat/completions", messages=messages, max_completion_tokens=NEW, temperature=0)
    assert answer["object"] == "chat.completion" and answer["choices"][0]["message"] == {"role": "assistant", "content": expected}
    first, *middle, last = events(endpoint, "/v1/chat/completions", messages=messages, max_tokens=NEW, temperature=0)
    assert first["choices"][0]["delta"] == {"role": "assistant", "content": ""} and last["choices"][0]["finish_reason"] == "length"
    assert "".join(event["choices"][0]["delta"]["content"] for event in middle) == expected
    assert {event["object"] for event in middle} == {"chat.completion.chunk"} and len({event["id"] for event in middle}) == 1


def test_streams_count_tokens_where_asked(endpoint, text_of):
    *pieces, last = events(
        endpoint, "/v1/completions", prompt=PROMPT, max_tokens=NEW, temperature=0, stream_options={"include_usage": True}
    )
    assert "".join(event["choices"][0]["text"] for event in pieces) == text_of(PROMPT)
    assert last["choices"] == [] and last["usage"]["completion_tokens"] == NEW


def test_stops(endpoint, text_of):
    """Not a letter of a stop is shown, wherever its tokens begin and end."""
    expected = text_of(PROMPT)
    stop = expected[4:6]
    for body in ({"stop": stop}, {"stop": ["never", stop]}, {"stop": [stop + "?!", stop]}):
        (choice,) = asked(endpoint, "/v1/completions", prompt=PROMPT, max_tokens=NEW, temperature=0, **body)["choices"]
        assert choice["text"] == expected[: expected.index(stop)] and choice["finish_reason"] == "stop"
    (choice,) = asked(endpoint, "/v1/completions", prompt=PROMPT, max_tokens=NEW, temperature=0, stop=expected[-2:] + "x")["choices"]
    assert choice["text"] == expected and choice["finish_reason"] == "length"


def test_models(endpoint):
    status, answer = ask(endpoint, "/v1/models", b"", "GET")
    assert status == 200 and [model["id"] for model in json.loads(answer)["data"]] == ["tiny"]


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("completions", {}, "prompt"),
        ("completions", {"prompt": ""}, "prompt"),
        ("completions", {"prompt": [256]}, "prompt"),
        ("completions", {"prompt": "a" * 129}, "prompt"),
        ("completions", {"prompt": "a", "n": 2}, "n"),
        ("completions", {"prompt": "a", "max_tokens": 0}, "max_tokens"),
        ("completions", {"prompt": "a", "max_tokens": "9"}, "max_tokens"),
        ("completions", {"prompt": "a", "temperature": -1}, "temperature"),
        ("completions", {"prompt": "a", "temperature": True}, "temperature"),
        ("completions", {"prompt": "a", "seed": -1}, "seed"),
        ("completions", {"prompt": "a", "stop": [""]}, "stop"),
        ("completions", {"prompt": "a", "logprobs": 3}, "logprobs"),
        ("chat/completions", {}, "messages"),
        ("chat/completions", {"messages": [{"role": "user"}]}, "messages"),
        ("chat/completions", {"messages": [{"role": "user", "content": "a"}], "tools": [{}]}, "tools"),
    ],
)
def test_requests_that_are_wrong(endpoint, path, body, param):
    status, answer = ask(endpoint, f"/v1/{path}", body)
    error = json.loads(answer)["error"]
    assert (
        status == 400 and error["param"] == param and error["message"].startswith(f"{param}: ") and error["type"] == "invalid_request_error"
    )


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Length": "1000000000"}, 413),
        (b"{}", {"Host": "example.org"}, 403),
    ],
)
def test_bodies_that_are_wrong(endpoint, body, headers, status):
    found, answer = ask(endpoint, "/v1/completions", body, **headers)
    assert found == status and json.loads(answer)["error"]["message"]


def test_paths_that_are_none(endpoint):
    assert ask(endpoint, "/v1/images", {})[0] == 404 and ask(endpoint, "/", b"", "GET")[0] == 404


def test_a_tail_that_is_gone(ends):
    """Of a stream, too, before its first event."""
    with OpenAIServer(0, ends.head, Connector("127.0.0.1:1", ends.head, patience_seconds=0), "tiny") as endpoint:
        threading.Thread(target=endpoint.serve_forever, daemon=True).start()
        for stream in (False, True):
            status, answer = ask(endpoint, "/v1/completions", {"prompt": "a", "stream": stream})
            assert status == 502 and json.loads(answer)["error"]["message"].startswith("UNAVAILABLE: ")
        status, answer = ask(endpoint, "/v1/chat/completions", {"messages": [{"role": "user", "content": "a"}]})
        assert status == 400 and "has no template for chats" in answer
        endpoint.shutdown()

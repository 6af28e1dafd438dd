"""Head and tail over gRPC on loopback."""

import pytest
import torch
from tiny_ends import LAYER, PROMPT, generated, prompts

from rdcodec.serving import Connector, Head, LinkMeter, Sampling, Tail, generate, part_of, running_server

NEW = 12
DRAWN = Sampling(temperature=0.8, top_k=20, top_p=0.95, seed=11)


@pytest.fixture(scope="module")
def ends(whole_of, codec_of):
    model, tokenizer = whole_of("llama")
    part = part_of(model, LAYER, tokenizer)
    return Head(part, codec_of("llama")), Tail(part, codec_of("llama"))


@pytest.fixture(scope="module")
def server(ends):
    with running_server(ends[1]) as found:
        yield found


@pytest.fixture
def connector(ends, server):
    return Connector(f"127.0.0.1:{server.port}", ends[0], step_seconds=20, patience_seconds=20)


def said(head, connector, ids, mask, sampling=Sampling(), **more):
    return torch.tensor(list(generate(head, connector, ids, mask, NEW, sampling, **more))).T


@pytest.mark.parametrize("sampling", [Sampling(), DRAWN, Sampling(temperature=1, repetition_penalty=1.3, seed=1)])
def test_text_is_that_of_one_process(ends, connector, server, whole_of, codec_of, sampling):
    (model, tokenizer), codec = whole_of("llama"), codec_of("llama")
    ids, mask = prompts(tokenizer, PROMPT, "Classes")
    meter = LinkMeter()
    tokens = said(ends[0], connector, ids, mask, sampling, meter=meter)
    assert torch.equal(tokens, generated(model, LAYER, codec, ids, mask, NEW, sampling))
    assert meter.sent_tokens == int(mask.sum()) + 2 * (NEW - 1) and meter.said_tokens == 2 * NEW
    assert meter.bytes_up > meter.frame_bytes > 0 and meter.bytes_down > 0
    assert sum(meter.shares.values()) == pytest.approx(1) and "bits/token" in str(meter)
    assert not len(server.sessions)

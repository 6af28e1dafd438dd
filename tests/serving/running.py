"""What tests of servers share."""

import queue

import grpc
import pytest
import torch

from rdcodec.serving import Sampling, generate
from rdcodec.serving.protocol import link_pb2, link_pb2_grpc

__all__ = ["RawStream", "said"]


def said(head, connector, ids, mask, new, sampling=Sampling(), **more):
    """Tokens [rows, new] that come over a link."""
    return torch.tensor(list(generate(head, connector, ids, mask, new, sampling, **more))).T


class RawStream:
    """A stream whose messages are written by hand."""

    def __init__(self, port, metadata=None):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.outgoing = queue.SimpleQueue()
        self.call = link_pb2_grpc.TailStub(self.channel).Run(iter(self.outgoing.get, None), metadata=metadata, timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.outgoing.put(None)
        self.channel.close()

    def hello(self, pins, **fields):
        """Say it, with fields that differ, and wait for the welcome."""
        hello = {"rows": 1, "max_tokens": 64, "sampling": link_pb2.Sampling(top_p=1, repetition_penalty=1), **fields}
        self.outgoing.put(link_pb2.Up(hello=link_pb2.Hello(pins=pins, **hello)))
        return next(self.call).welcome

    def send(self, number, frames):
        self.outgoing.put(link_pb2.Up(step=link_pb2.Step(number=number, frames=frames)))

    def step(self, number, frames):
        self.send(number, frames)
        return next(self.call).reply

    def refused(self, status):
        """The reason of a refusal, which comes next."""
        with pytest.raises(grpc.RpcError) as caught:
            next(self.call)
        assert caught.value.code() is status, caught.value
        return caught.value.details()

"""The head's end of a link: steps go up, replies come down, over as many connections as it takes."""

from __future__ import annotations

import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING

import grpc

from rdcodec.serving.addresses import ClientSecurity
from rdcodec.serving.pins import pins_of
from rdcodec.serving.protocol import link_pb2, link_pb2_grpc
from rdcodec.serving.refusals import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from rdcodec.serving.head import Head
    from rdcodec.serving.sampling import Sampling

__all__ = ["Connector", "RemoteSession"]

log = logging.getLogger("rdcodec.serving")

# What a link or a server that went away looks like; anything else is a refusal, which another try would not change.
PASSING = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
}
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


class Connector:
    """How a head reaches its tail.

    Parameters
    ----------
    address : str
        HOST:PORT.
    head : rdcodec.serving.Head
    security : ClientSecurity, optional
    step_seconds : float
        That a reply may take before the link is taken for broken.
    patience_seconds : float
        That a tail which cannot be reached is waited for; 0 gives up at the first fault.
    message_bytes : int
        Of a reply at most.
    """

    def __init__(
        self,
        address: str,
        head: Head,
        security: ClientSecurity = ClientSecurity(),
        step_seconds: float = 60.0,
        patience_seconds: float = 60.0,
        message_bytes: int = 2**26,
    ) -> None:
        self.address, self.security, self.message_bytes = address, security, message_bytes
        self.step_seconds, self.patience_seconds = step_seconds, patience_seconds
        self.pins = pins_of(head.part, head.codec)
        self.channel().close()  # an address that is none is refused here

    def channel(self) -> grpc.Channel:
        """A new connection: one that failed would wait before it tries again."""
        options = [
            ("grpc.max_receive_message_length", self.message_bytes),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.enable_retries", 0),
            ("grpc.http2.bdp_probe", 0),  # whose pings take bytes of every step
        ]
        return self.security.channel(self.address, options)


class RemoteSession:
    """A text in progress at a tail elsewhere.

    It keeps the frames that it sent, so that a link that broke, or a tail that was started anew, goes on where it was.

    Parameters
    ----------
    connector : Connector
    max_tokens : int
        Of a row, prompt included: the tail keeps memory for so many.
    rows : int
    sampling : Sampling, optional
        Logits come back where it is not given.
    prompts : list of list of int, optional
        Where `sampling.needs_prompt`.

    Attributes
    ----------
    bytes_up, bytes_down : int
        Of messages, also those that were sent again.
    links : int
        Connections so far.
    """

    def __init__(
        self,
        connector: Connector,
        max_tokens: int,
        rows: int = 1,
        sampling: Sampling | None = None,
        prompts: Sequence[Sequence[int]] | None = None,
    ) -> None:
        self._connector = connector
        self._hello = link_pb2.Hello(pins=connector.pins, rows=rows, max_tokens=max_tokens)
        if sampling is not None:
            self._hello.sampling.CopyFrom(link_pb2.Sampling(**vars(sampling)))
            if sampling.needs_prompt:
                self._hello.prompts.extend(link_pb2.Prompt(tokens=row) for row in prompts or ())
        self._steps: list[link_pb2.Up] = []
        self._chosen: list[list[int]] = []
        self._stream, self._welcomed = None, False
        self.bytes_up = self.bytes_down = self.links = 0

    def step(self, frames: Sequence[Sequence[bytes]]) -> link_pb2.Reply:
        """Send the next frames of all rows and wait for what the tail says.

        Parameters
        ----------
        frames : list of list of bytes
            As of `HeadSession.frames`.

        Returns
        -------
        link_pb2.Reply

        Raises
        ------
        Refused
            The tail refuses, or was not to be reached for as long as the connector has patience.
        """
        counts = [] if all(len(row) == 1 for row in frames) else [len(row) for row in frames]
        flat = [frame for row in frames for frame in row]
        self._steps.append(link_pb2.Up(step=link_pb2.Step(number=len(self._steps), frames=flat, counts=counts)))
        reply = self._until_it_works(self._exchange)
        self._chosen.append(list(reply.tokens))
        return reply

    def open(self) -> None:
        """Reach for the tail now, which takes time that the head can use; `step` does so where this was not called."""
        if self._stream is None:
            self._greet()

    def close(self) -> None:
        """Say that the text has come to its end: the tail forgets it."""
        if self._stream is not None:
            self._stream.finish(self._connector.step_seconds)
            self._stream, self._welcomed = None, False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _until_it_works(self, attempt):
        pause, deadline = FIRST_PAUSE, time.monotonic() + self._connector.patience_seconds
        while True:
            try:
                return attempt()
            except grpc.RpcError as error:
                self._drop()
                if not self._may_pass(error.code()) or time.monotonic() > deadline:
                    raise Refused(error.code(), error.details()) from error
                log.warning(
                    "link lost", extra={"fields": {"status": error.code().name, "reason": error.details(), "step": len(self._steps) - 1}}
                )
            time.sleep(pause * random.uniform(0.5, 1))  # heads that lost one tail do not come back all at once
            pause = min(2 * pause, LONGEST_PAUSE)

    def _may_pass(self, status):
        """Whether another try may work; a text in progress also waits for a tail that is full."""
        return status in PASSING or (status is grpc.StatusCode.RESOURCE_EXHAUSTED and bool(self._chosen))

    def _exchange(self):
        """The reply to the last step, over the link that there is or a new one."""
        current = len(self._steps) - 1
        first = current if self._welcomed else self._connect()
        for step in self._steps[first:]:
            self._send(step)
        while True:
            reply = self._receive("reply")
            if reply.number == current:
                return reply
            if reply.number < current and list(reply.tokens) != self._chosen[reply.number]:
                log.warning("the tail chose another token this time", extra={"fields": {"step": reply.number}})

    def _connect(self):
        """Come to a stream that is welcome; the number of the step that the tail wants."""
        self.open()
        welcome = self._receive("welcome")
        self._hello.session, self._welcomed = welcome.session, True
        return welcome.next

    def _greet(self):
        self._stream = _Stream(self._connector)
        self.links += 1
        self._hello.received = len(self._chosen)
        self._send(link_pb2.Up(hello=self._hello))

    def _send(self, up):
        self.bytes_up += up.ByteSize()
        self._stream.send(up)

    def _receive(self, kind):
        down = self._stream.receive(self._connector.step_seconds)
        self.bytes_down += down.ByteSize()
        if down.WhichOneof("kind") != kind:
            raise Refused.precondition(f"the tail sent no {kind}")
        return getattr(down, kind)

    def _drop(self):
        if self._stream is not None:
            self._stream.cut()
            self._stream, self._welcomed = None, False


class _TimedOut(grpc.RpcError):
    """The tail said nothing for too long."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds = seconds

    def code(self):
        return grpc.StatusCode.DEADLINE_EXCEEDED

    def details(self):
        return f"no reply for {self.seconds:g} seconds"


class _Stream:
    """One connection: what is put in is sent, what comes is waited for with a limit."""

    def __init__(self, connector):
        self._outgoing, self._incoming = queue.SimpleQueue(), queue.SimpleQueue()
        self._channel = connector.channel()
        stub = link_pb2_grpc.TailStub(self._channel)
        self._call = stub.Run(iter(self._outgoing.get, None), metadata=connector.security.metadata)
        self._reader = threading.Thread(target=self._read, name="rdcodec-link", daemon=True)
        self._reader.start()

    def _read(self):
        try:
            for down in self._call:
                self._incoming.put(down)
            self._incoming.put(self._call)  # ended without an error, which only `finish` expects
        except grpc.RpcError as error:
            self._incoming.put(error)

    def send(self, up):
        self._outgoing.put(up)

    def receive(self, seconds):
        try:
            found = self._incoming.get(timeout=seconds)
        except queue.Empty:
            raise _TimedOut(seconds) from None
        if isinstance(found, grpc.RpcError):
            raise found
        return found

    def finish(self, seconds):
        """Say goodbye and wait until the other end has heard it."""
        self._outgoing.put(link_pb2.Up(goodbye=link_pb2.Goodbye()))
        self._outgoing.put(None)
        self._reader.join(seconds)
        self.cut()

    def cut(self):
        self._call.cancel()
        self._outgoing.put(None)
        self._channel.close()
        self._reader.join()

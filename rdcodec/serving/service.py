"""One stream of the protocol after the other: what a server does with each message."""

import asyncio
import hmac
import logging
from contextlib import contextmanager

import grpc

from rdcodec.errors import CorruptStreamError, LimitError, RdcodecError
from rdcodec.serving.pins import check_pins, pins_of
from rdcodec.serving.protocol import link_pb2, link_pb2_grpc
from rdcodec.serving.refusals import Refused

__all__ = ["TailService"]

HELLO_SECONDS = 10
log = logging.getLogger("rdcodec.serving")


class TailService(link_pb2_grpc.TailServicer):
    """The tail's side of `link.proto`.

    Parameters
    ----------
    sessions : Sessions
    engine : Engine
    metrics : Metrics
    token : str, optional
        Bearer token that heads must give.
    """

    def __init__(self, sessions, engine, metrics, token=None):
        self.sessions, self.engine, self.metrics, self.token = sessions, engine, metrics, token
        self.pins = pins_of(sessions.tail.part, sessions.tail.codec)
        self.closing = False

    async def Run(self, stream, context):
        try:
            await self._run(stream, context)
        except Refused as refused:
            self.metrics.refused.labels(refused.status.name).inc()
            log.warning("refused", extra={"fields": {"peer": context.peer(), "status": refused.status.name, "reason": refused.reason}})
            await context.abort(refused.status, refused.reason)

    async def _run(self, stream, context):
        self._check_token(context)
        if self.closing:
            raise Refused(grpc.StatusCode.UNAVAILABLE, "the server is going down")
        hello = (await _message(context, "hello", HELLO_SECONDS)).hello
        check_pins(self.pins, hello.pins)
        session = await self._session(hello)
        fields = {"peer": context.peer(), "session": session.id.hex()[:8], "rows": hello.rows, "head_version": hello.pins.version[:40]}
        log.info("session resumed" if hello.session == session.id else "session opened", extra={"fields": fields})
        session.holder = context  # a stream that had it before is refused at its next step
        try:
            ended = await self._serve(session, hello, context)
            if ended:
                self.sessions.close(session)
            log.info("session closed" if ended else "link lost", extra={"fields": {**fields, "steps": session.next}})
        finally:
            if session.holder is context:
                session.holder = None

    async def _session(self, hello):
        session = self.sessions.resumed(hello)
        if session is None:
            return self.sessions.admit(hello)
        async with session.lock:  # a step of the broken link may be under way
            return self.sessions.resumed(hello) or self.sessions.admit(hello)

    async def _serve(self, session, hello, context):
        """Answer steps until the head says goodbye: True; or the stream ends without: False."""
        await context.write(link_pb2.Down(welcome=link_pb2.Welcome(session=session.id, next=session.next)))
        if session.last is not None and hello.received < session.next:
            await context.write(link_pb2.Down(reply=session.last))
        while (up := await _message(context, "step", self.sessions.idle_seconds)) is not None:
            if up.HasField("goodbye"):
                return True
            self.metrics.received.inc(up.ByteSize())
            reply = await self._reply(session, up.step, context)
            self.metrics.sent.inc(reply.ByteSize())
            await context.write(link_pb2.Down(reply=reply))
        return False

    async def _reply(self, session, step, context):
        """Runs to its end even where the link breaks meanwhile, for the step is done then and its reply kept."""
        return await asyncio.shield(asyncio.create_task(self._advance(session, step, context)))

    async def _advance(self, session, step, context):
        async with session.lock:
            if session.holder is not context:
                raise Refused(grpc.StatusCode.ABORTED, "the session goes on over another link")
            if session.last is not None and step.number == session.next - 1:
                return session.last  # it came twice
            if step.number != session.next:
                # One between was lost: the head comes back, and is told which.
                raise Refused(grpc.StatusCode.ABORTED, f"step {step.number}: expected {session.next}")
            with self._faults(session):
                done = await self.engine.step(session.state, _rows_of_frames(step), session.room)
            session.last = _reply(step.number, done)
            session.next += 1
            session.touch()
            self.metrics.count(done)
            return session.last

    @contextmanager
    def _faults(self, session):
        """What goes wrong in a step, as a refusal. The session ends but where the step left it as it was."""
        try:
            yield
        except CorruptStreamError as error:
            raise Refused.invalid(f"frames: {error}") from error
        except LimitError as error:
            self.sessions.close(session)
            raise Refused(grpc.StatusCode.OUT_OF_RANGE, str(error)) from error
        except RdcodecError as error:
            self.sessions.close(session)
            raise Refused.invalid(str(error)) from error
        except MemoryError as error:
            self.sessions.close(session)
            raise Refused.exhausted("the server has no memory left for this step") from error
        except Exception as error:
            self.sessions.close(session)
            log.exception("step failed", extra={"fields": {"session": session.id.hex()[:8]}})
            raise Refused(grpc.StatusCode.INTERNAL, f"the step failed: {type(error).__name__}") from error

    def _check_token(self, context):
        if self.token is None:
            return
        given = next((value for name, value in context.invocation_metadata() if name == "authorization"), None)
        if given is None:
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "a bearer token is needed")
        if not hmac.compare_digest(str(given).encode(), f"Bearer {self.token}".encode()):
            raise Refused(grpc.StatusCode.UNAUTHENTICATED, "the bearer token is wrong")


async def _message(context, kind, seconds):
    """The next message of a stream, of a kind or a goodbye; None at its end.

    Raises
    ------
    Refused
        DEADLINE_EXCEEDED: none came in time. INVALID_ARGUMENT: it is of another kind, or the stream ends before it began.
    """
    try:
        up = await asyncio.wait_for(context.read(), seconds)
    except asyncio.TimeoutError:
        raise Refused(grpc.StatusCode.DEADLINE_EXCEEDED, f"no {kind} for {seconds:g} seconds") from None
    if kind == "step" and (up is grpc.aio.EOF or up.HasField("goodbye")):
        return None if up is grpc.aio.EOF else up
    if up is grpc.aio.EOF or up.WhichOneof("kind") != kind:
        raise Refused.invalid(f"expected a message {kind}")
    return up


def _rows_of_frames(step):
    """Frames of each row."""
    counts = step.counts or [1] * len(step.frames)
    if sum(counts) != len(step.frames):
        raise CorruptStreamError(f"{len(step.frames)} frames, counted as {sum(counts)}")
    frames = iter(step.frames)
    return [[next(frames) for _ in range(count)] for count in counts]


def _reply(number, done):
    times = {"decode_us": round(1e6 * done.decode_seconds), "forward_us": round(1e6 * done.forward_seconds)}
    if done.tokens is not None:
        return link_pb2.Reply(number=number, tokens=done.tokens.tolist(), **times)
    logits = done.logits.float().cpu().numpy().astype("<f4", copy=False)
    return link_pb2.Reply(number=number, logits=logits.tobytes(), **times)

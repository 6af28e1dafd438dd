"""The sessions of a server: which are let in, what memory they may take, and when they are given up."""

import asyncio
import secrets
import time

from rdcodec.errors import RdcodecError
from rdcodec.serving.protocol import link_pb2
from rdcodec.serving.refusals import Refused
from rdcodec.serving.sampling import Sampling

__all__ = ["Session", "Sessions"]

ID_BYTES = 16


class Session:
    """A text in progress at the tail.

    Attributes
    ----------
    id : bytes
        By which its head finds it again; nobody else can know it.
    state : rdcodec.serving.TailSession
    max_tokens : int
        Of a row.
    nbytes : int
        That are kept for its caches.
    next : int
        Number of the step that is wanted.
    last : link_pb2.Reply or None
        To the step before it: the one that may have been lost.
    holder : object or None
        The stream that it is served on.
    used : float
        Seconds of a monotonic clock.
    lock : asyncio.Lock
        One step at a time.
    """

    def __init__(self, state, max_tokens, nbytes):
        self.id = secrets.token_bytes(ID_BYTES)
        self.state, self.max_tokens, self.nbytes = state, max_tokens, nbytes
        self.next, self.last, self.holder = 0, None, None
        self.used = time.monotonic()
        self.lock = asyncio.Lock()

    def touch(self):
        """Something was heard of it."""
        self.used = time.monotonic()

    @property
    def room(self):
        """int : tokens that a row may still get."""
        return self.max_tokens - self.state.context.tokens


class Sessions:
    """All sessions of a tail, within a budget of memory.

    Parameters
    ----------
    tail : rdcodec.serving.Tail
    cache_bytes : int
        Of keys and values, of all sessions together.
    idle_seconds : float
        After which a session that nothing was heard of is given up.
    most : int
        Sessions at once.
    """

    def __init__(self, tail, cache_bytes, idle_seconds, most):
        self.tail = tail
        self.cache_bytes, self.idle_seconds, self.most = cache_bytes, idle_seconds, most
        self._by_id = {}

    def __len__(self):
        return len(self._by_id)

    def __iter__(self):
        return iter(list(self._by_id.values()))

    @property
    def used_bytes(self):
        """int : kept for the sessions that there are."""
        return sum(session.nbytes for session in self._by_id.values())

    def resumed(self, hello):
        """The session that a head goes on with, None where it is not here or not where the head left it."""
        session = self._by_id.get(hello.session)
        return session if session is not None and session.next - 1 <= hello.received <= session.next else None

    def admit(self, hello):
        """A new session.

        Raises
        ------
        Refused
            RESOURCE_EXHAUSTED: there is no room now. INVALID_ARGUMENT: there never is, or the head asks for what cannot be.
        """
        rows, max_tokens = hello.rows, hello.max_tokens
        longest = self.tail.part.longest
        if not rows or not 1 <= max_tokens <= longest:
            raise Refused.invalid(f"rows and max_tokens: expected 1 or more, and 1 to {longest}, got {rows} and {max_tokens}")
        nbytes = rows * max_tokens * self.tail.bytes_a_token
        if nbytes > self.cache_bytes:
            raise Refused.invalid(
                f"{rows} x {max_tokens} tokens take {_megabytes(nbytes)} of cache, this server has {_megabytes(self.cache_bytes)}"
            )
        self._make_room(nbytes)
        session = Session(self._state(hello), max_tokens, nbytes)
        self._by_id[session.id] = session
        return session

    def close(self, session):
        """Forget a session; one that is forgotten already may be closed again."""
        self._by_id.pop(session.id, None)

    def close_idle(self):
        """Forget sessions without a link for too long."""
        oldest = time.monotonic() - self.idle_seconds
        for session in self._without_link():
            if session.used < oldest:
                self.close(session)

    def _state(self, hello):
        try:
            sampling = _sampling(hello.sampling) if hello.HasField("sampling") else None
            return self.tail.session(hello.rows, sampling, [list(prompt.tokens) for prompt in hello.prompts])
        except RdcodecError as error:
            raise Refused.invalid(str(error)) from error

    def _make_room(self, nbytes):
        """Sessions that lost their link go first, the oldest before others: their heads bring them back."""
        waiting = self._without_link()
        while len(self) >= self.most or self.used_bytes + nbytes > self.cache_bytes:
            if not waiting:
                raise Refused.exhausted(
                    f"{len(self)} sessions of at most {self.most} keep {_megabytes(self.used_bytes)} of"
                    f" {_megabytes(self.cache_bytes)} of cache, this one takes {_megabytes(nbytes)}; come again later"
                )
            self.close(waiting.pop(0))

    def _without_link(self):
        return sorted((session for session in self._by_id.values() if session.holder is None), key=lambda session: session.used)


def _sampling(message):
    return Sampling(**{field.name: getattr(message, field.name) for field in link_pb2.Sampling.DESCRIPTOR.fields})


def _megabytes(nbytes):
    return f"{nbytes / 1e6:.1f} MB"

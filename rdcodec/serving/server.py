"""The tail as a server: its ports, its health, its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from rdcodec.errors import RdcodecError
from rdcodec.serving.addresses import ServerSecurity, parse_address
from rdcodec.serving.engine import Engine
from rdcodec.serving.metrics import Metrics
from rdcodec.serving.protocol import link_pb2, link_pb2_grpc
from rdcodec.serving.service import TailService
from rdcodec.serving.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rdcodec.serving.tail import Tail

__all__ = ["ServerLimits", "TailServer", "running_server", "serve"]

log = logging.getLogger("rdcodec.serving")
WINDOW_BYTES = 2**20  # that a head may send ahead: prompts fill long links
NAME = link_pb2.DESCRIPTOR.services_by_name["Tail"].full_name


@dataclass(frozen=True)
class ServerLimits:
    """What a server gives to its sessions.

    Parameters
    ----------
    cache_bytes : int
        Keys and values of all sessions.
    sessions : int
        At once.
    idle_seconds : float
        Until a session of which nothing is heard is given up.
    message_bytes : int
        Of a step, at most.
    batch : int
        One-token steps in a forward pass, as of `Engine`.
    grace_seconds : float
        That texts in progress get when the server goes down.
    """

    cache_bytes: int = 2**30
    sessions: int = 64
    idle_seconds: float = 300.0
    message_bytes: int = 2**24
    batch: int = 1
    grace_seconds: float = 10.0


class TailServer:
    """Serves a tail; all methods are for the event loop that it was made in.

    Parameters
    ----------
    tail : rdcodec.serving.Tail
    security : ServerSecurity, optional
    limits : ServerLimits, optional

    Attributes
    ----------
    port, metrics_port : int
        Once it listens.
    """

    def __init__(self, tail: Tail, security: ServerSecurity = ServerSecurity(), limits: ServerLimits = ServerLimits()) -> None:
        self.security, self.limits = security, limits
        self.sessions = Sessions(tail, limits.cache_bytes, limits.idle_seconds, limits.sessions)
        self.engine = Engine(tail, limits.batch)
        self.metrics = Metrics(self.sessions)
        self.service = TailService(self.sessions, self.engine, self.metrics, security.token)
        self.health = health.aio.HealthServicer()
        self.port: int | None = None
        self.metrics_port: int | None = None
        self._stop_metrics: Callable[[], None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._server = grpc.aio.server(
            maximum_concurrent_rpcs=4 * limits.sessions,  # the next ones are refused by gRPC with RESOURCE_EXHAUSTED
            options=[
                ("grpc.max_receive_message_length", limits.message_bytes),
                ("grpc.keepalive_time_ms", 20_000),  # a link whose other end went without a word is found out
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
                ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
                ("grpc.http2.bdp_probe", 0),  # whose pings take bytes of every step
                ("grpc.so_reuseport", 0),
            ],
        )
        link_pb2_grpc.add_TailServicer_to_server(self.service, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._server)

    async def start(self, listen: str, metrics: str | None = None) -> None:
        """Listen.

        Parameters
        ----------
        listen : str
            HOST:PORT; port 0 is one that is free.
        metrics : str, optional
            HOST:PORT of the metrics.

        Raises
        ------
        RdcodecError
            An address is none or taken, or plain text would leave this machine.
        """
        host, _ = parse_address(listen)
        credentials = self.security.credentials(host)
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(listen)
            else:
                self.port = self._server.add_secure_port(listen, credentials)
            if metrics is not None:
                self.metrics_port, self._stop_metrics = self.metrics.serve(*parse_address(metrics))
        except (RuntimeError, OSError) as error:
            raise RdcodecError(f"listening: {error}") from error
        await self._server.start()
        for service in ("", NAME):
            await self.health.set(service, health_pb2.HealthCheckResponse.SERVING)
        self._sweeping = asyncio.create_task(self._sweep())
        log.info(
            "listening",
            extra={"fields": {"address": f"{host}:{self.port}", "tls": credentials is not None, "token": bool(self.security.token)}},
        )

    async def stop(self) -> None:
        """Take no new texts, let those in progress come to their end for a while, then cut them off."""
        log.info("stopping", extra={"fields": {"sessions": len(self.sessions)}})
        self.service.closing = True
        await self.health.enter_graceful_shutdown()
        if self._sweeping is not None:
            self._sweeping.cancel()
        await self._server.stop(self.limits.grace_seconds)
        self.engine.close()
        if self._stop_metrics is not None:
            self._stop_metrics()
        log.info("stopped")

    async def _sweep(self):
        while True:
            await asyncio.sleep(min(self.limits.idle_seconds / 4, 10))
            self.sessions.close_idle()


def serve(
    tail: Tail,
    listen: str,
    metrics: str | None = None,
    security: ServerSecurity = ServerSecurity(),
    limits: ServerLimits = ServerLimits(),
    ready: Callable[[TailServer], object] = lambda server: None,
) -> None:
    """Serve a tail until SIGTERM or SIGINT.

    Parameters
    ----------
    tail : rdcodec.serving.Tail
    listen : str
        HOST:PORT.
    metrics : str, optional
        HOST:PORT of the metrics.
    security : ServerSecurity, optional
    limits : ServerLimits, optional
    ready : callable, optional
        Called with the `TailServer` when it listens.

    Raises
    ------
    RdcodecError
        As `TailServer.start`.
    """

    async def run():
        server, end = TailServer(tail, security, limits), asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        await server.start(listen, metrics)
        ready(server)
        await end.wait()
        await server.stop()

    asyncio.run(run())


@contextmanager
def running_server(
    tail: Tail,
    listen: str = "127.0.0.1:0",
    metrics: str | None = None,
    security: ServerSecurity = ServerSecurity(),
    limits: ServerLimits = ServerLimits(),
) -> Iterator[TailServer]:
    """Serve a tail from a thread of this process while the context is open; parameters and errors as of `serve`.

    Yields
    ------
    TailServer
        Whose `port` heads connect to.
    """
    started: Future[tuple[TailServer, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run():
        try:
            server, end = TailServer(tail, security, limits), asyncio.Event()
            await server.start(listen, metrics)
        except Exception as error:
            started.set_exception(error)
            return
        started.set_result((server, asyncio.get_running_loop(), end))
        await end.wait()
        await server.stop()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="rdcodec-server", daemon=True)
    thread.start()
    server, loop, end = started.result()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()

"""A local endpoint in the shape of OpenAI's API, so that programs which know that one have a head here and a tail elsewhere.

For this machine alone: it listens at the loopback address, and refuses what pages in a browser could send.
"""

from __future__ import annotations

import json
import logging
from contextlib import closing
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import grpc

from rdcodec.errors import RdcodecError
from rdcodec.serving.addresses import is_loopback
from rdcodec.serving.completions import Unanswerable, read_request
from rdcodec.serving.refusals import Refused

if TYPE_CHECKING:
    from rdcodec.serving.head import Head
    from rdcodec.serving.link import Connector

__all__ = ["OpenAIServer"]

MOST_BODY = 2**22
log = logging.getLogger("rdcodec.serving")


class OpenAIServer(ThreadingHTTPServer):
    """Answers ``/v1/completions``, ``/v1/chat/completions`` and ``/v1/models``.

    Parameters
    ----------
    port : int
        At 127.0.0.1; 0 is one that is free.
    head : rdcodec.serving.Head
        Whose part has a tokenizer.
    connector : rdcodec.serving.Connector
    model : str
        Its name in answers.

    Raises
    ------
    RdcodecError
        The port is taken.
    """

    daemon_threads = True

    def __init__(self, port: int, head: Head, connector: Connector, model: str) -> None:
        self.head, self.connector, self.model = head, connector, model
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise RdcodecError(f"port {port}: {error.strerror}") from error


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "rdcodec"
    timeout = 60  # seconds that a request may take to come in

    def do_GET(self):
        if not self._is_local():
            return
        if self.path == "/v1/models":
            self._answer(HTTPStatus.OK, {"object": "list", "data": [{"id": self.server.model, "object": "model", "owned_by": "rdcodec"}]})
        else:
            self._fail(HTTPStatus.NOT_FOUND, f"there is no {self.path}")

    def do_POST(self):
        if not self._is_local():
            return
        body = self._body()
        if body is None:
            return
        if self.path not in ("/v1/completions", "/v1/chat/completions"):
            self._fail(HTTPStatus.NOT_FOUND, f"there is no {self.path}")
            return
        try:
            request = read_request(body, self.path == "/v1/chat/completions", self.server.head.part)
            with closing(request.answers(self.server.head, self.server.connector, self.server.model)) as answers:
                if request.stream:
                    self._stream(request, answers)
                else:
                    self._answer(HTTPStatus.OK, request.whole(answers))
        except Unanswerable as error:
            self._fail(HTTPStatus.BAD_REQUEST, str(error), error.param)
        except Refused as error:
            full = error.status is grpc.StatusCode.RESOURCE_EXHAUSTED
            self._fail(HTTPStatus.TOO_MANY_REQUESTS if full else HTTPStatus.BAD_GATEWAY, str(error))
        except ConnectionError:  # whoever asked went away
            self.close_connection = True

    def _stream(self, request, answers):
        """Events as they come. What goes wrong before the first one has a status of its own."""
        first = [next(answers)] + ([next(answers)] if request.chat else [])  # of a chat the first one needs no tail
        self.close_connection = True
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        try:
            for answer in first:
                self._event(answer)
            for answer in answers:
                if answer["choices"] or request.usage:
                    self._event(answer)
        except RdcodecError as error:
            self._event({"error": _error(str(error))})
        self.wfile.write(b"data: [DONE]\n\n")

    def _event(self, answer):
        self.wfile.write(b"data: " + json.dumps(answer).encode() + b"\n\n")
        self.wfile.flush()

    def _is_local(self):
        """Whether the request names this machine: a page elsewhere whose name was made to lead here does not."""
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        if is_loopback(host.strip("[]")):
            return True
        self._fail(HTTPStatus.FORBIDDEN, "this endpoint is for programs on this machine")
        return False

    def _body(self):
        """An object of JSON, None where it was refused; browsers send no such type to other sites without asking first."""
        if self.headers.get_content_type() != "application/json":
            return self._fail(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "expected Content-Type: application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            return self._fail(HTTPStatus.LENGTH_REQUIRED, "expected a Content-Length")
        if int(length) > MOST_BODY:
            return self._fail(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected at most {MOST_BODY} bytes, got {length}")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except (ValueError, RecursionError) as error:
            return self._fail(HTTPStatus.BAD_REQUEST, f"expected JSON: {type(error).__name__}")
        if type(body) is not dict:
            return self._fail(HTTPStatus.BAD_REQUEST, "expected an object of JSON")
        return body

    def _fail(self, status, message, param=None):
        self.close_connection = True  # what else may be of the request is not read
        self._answer(status, {"error": _error(message, param)})

    def _answer(self, status, answer):
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format, *arguments):  # noqa: A002 (named so by its base class)
        log.info("http", extra={"fields": {"request": format % arguments}})


def _error(message, param=None):
    return {"message": message, "type": "invalid_request_error" if param else "server_error", "param": param, "code": None}

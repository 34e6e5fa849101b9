"""HTTP in: requests of one program, on loopback, behind a path that only that program knows."""

from __future__ import annotations

import contextlib
import contextvars
import http.server
import json
import secrets
import socket
import threading
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

LOOPBACK = "127.0.0.1"

MAX_REQUEST_BYTES = 256 * 1024 * 1024

IDLE_S = 600.0
"""How long a connection may stay open without a request."""

NOT_HANDED_ON = frozenset(
    [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "accept-encoding",
        "content-encoding",
    ]
)
"""Headers of a connection and of packing; each side has its own."""

SIDES = ("anthropic", "openai")
"""Whose variable leads to which part of the proxy."""


class Broken(Exception):  # noqa: N818 - says what happened
    """The answer ends here, as it did when it was recorded: the connection is cut."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the program."""

    side: str
    """One of `SIDES`."""
    method: str
    target: str
    """Path and query at the provider, e.g. ``/v1/messages?beta=true``."""
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the program gets."""

    status: int
    headers: list[tuple[str, str]]
    chunks: Iterable[bytes]
    """Sent as they come. May raise `Broken`."""


class Answerer(Protocol):
    """Answers requests."""

    def answer(self, asked: Asked) -> Answered:
        """What the program gets; `Broken` when nobody answered."""
        ...


def error(status: int, kind: str, message: str) -> Answered:
    """An error in the shape of Anthropic's, which OpenAI's SDK reads as well."""
    said = {"type": "error", "error": {"type": kind, "message": message}}
    headers = [("content-type", "application/json"), ("x-should-retry", "false")]
    return Answered(status, headers, [json.dumps(said).encode()])


class Proxy:
    """A server that runs."""

    def __init__(self, server: http.server.ThreadingHTTPServer, secret: str) -> None:
        self._server = server
        self._secret = secret

    @property
    def variables(self) -> dict[str, str]:
        """What a program is to have in its environment so that it comes here."""
        base = f"http://{LOOPBACK}:{self._server.server_address[1]}/{self._secret}"
        return {
            "ANTHROPIC_BASE_URL": f"{base}/anthropic",
            "OPENAI_BASE_URL": f"{base}/openai/v1",
        }


@contextlib.contextmanager
def running(answerer: Answerer, port: int = 0) -> Iterator[Proxy]:
    """A proxy, until the block ends; what is being answered then is cut."""
    secret = secrets.token_urlsafe(12)
    server = _Server(port, answerer, secret)
    thread = threading.Thread(target=server.serve_forever, name="tellwhy-proxy", daemon=True)
    thread.start()
    try:
        yield Proxy(server, secret)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    """A kept-alive connection of a program that is gone would be waited for."""

    def __init__(self, port: int, answerer: Answerer, secret: str) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.answerer = answerer
        self.prefix = f"/{secret}/"
        self.context = contextvars.copy_context()
        """Of whoever started the proxy: the run that model calls belong to."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A program that leaves in the middle is no fault."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_S
    server: _Server

    def handle_one_request(self) -> None:
        # Each request is a lane of its own: which connection a program takes is chance.
        self.server.context.copy().run(super().handle_one_request)

    def do_POST(self) -> None:
        body = self._body()
        side, slash, target = self.path.removeprefix(self.server.prefix).partition("/")
        if not self.path.startswith(self.server.prefix) or side not in SIDES or not slash:
            self._send(error(404, "not_found_error", "There is nothing here."))
            return
        asked = Asked(side, self.command, f"/{target}", self.headers.items(), body)
        try:
            self._send(self.server.answerer.answer(asked))
        except Broken:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST  # noqa: N815 - the names that it looks for

    def log_message(self, *args: Any) -> None:
        """Nothing: the program's own words stand on the screen."""

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self._chunks())
        size = int(self.headers.get("content-length") or 0)
        if size > MAX_REQUEST_BYTES:
            raise ConnectionError("The request is too large.")
        return self.rfile.read(size)

    def _chunks(self) -> Iterator[bytes]:
        left = MAX_REQUEST_BYTES
        while size := int(self.rfile.readline().split(b";")[0], 16):
            left -= size
            if left < 0:
                raise ConnectionError("The request is too large.")
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def _send(self, answered: Answered) -> None:
        self.send_response_only(answered.status)
        for name, value in answered.headers:
            if name.lower() not in NOT_HANDED_ON:
                self.send_header(name, value)
        if self.command == "HEAD" or answered.status in {204, 304}:
            self.end_headers()
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        with contextlib.closing(_closable(answered.chunks)) as chunks:
            for chunk in chunks:
                if chunk:
                    self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")


def _closable(chunks: Iterable[bytes]) -> Generator[bytes, None, None]:
    """*chunks*, ended where nobody reads on: the program may leave in the middle."""
    yield from chunks

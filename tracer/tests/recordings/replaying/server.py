"""A provider on loopback that answers as it was recorded, cut and packed as a test wants it."""

import gzip
import random
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
from replaying.cassettes import Exchange, served_headers

KEY_HEADER = "x-recording"
"""Says which exchange a request wants."""


@dataclass(frozen=True)
class Serving:
    """How one exchange is served."""

    exchange: Exchange
    cut: str = "whole"
    """``whole``, ``random`` or ``bytes``: where the body is cut into chunks."""
    packing: str = ""
    """``gzip`` or ``deflate`` for a body that was recorded unpacked."""
    seed: int = 0

    def headers(self) -> dict[str, str]:
        """The response's headers."""
        packing = self.exchange.packing or self.packing
        found = served_headers(self.exchange)
        return {**found, "content-encoding": packing} if packing else found

    def chunks(self) -> list[bytes]:
        """The body, packed and cut."""
        body = self.exchange.body
        if self.packing and not self.exchange.packing:
            body = gzip.compress(body) if self.packing == "gzip" else zlib.compress(body)
        if self.cut == "whole":
            return [body] if body else []
        if self.cut == "bytes":
            return [body[at : at + 1] for at in range(len(body))]
        dice = random.Random(f"{self.seed} {self.exchange.name}")
        sizes = (1, 2, 3, 7, 20, 60) if len(body) < 20_000 else (1, 2, 7, 100, 1000, 5000)
        chunks = []
        while body:
            size = dice.choice(sizes)
            chunks.append(body[:size])
            body = body[size:]
        return chunks


class Replayer(ThreadingHTTPServer):
    """Serves exchanges by key and keeps what was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.servings: dict[str, Serving] = {}
        self.asked: dict[str, tuple[str, bytes]] = {}
        """Key -> path and body of the last request."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Silence: a client that is closed early resets its connection."""


class _Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        server: Replayer = self.server  # type: ignore[assignment]
        key = self.headers[KEY_HEADER]
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        server.asked[key] = (self.path, body)
        serving = server.servings[key]
        self.send_response(serving.exchange.status)
        for name, value in serving.headers().items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        # One HTTP chunk is one chunk for the client, however the kernel joins them.
        pieces = [b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in serving.chunks()]
        self.wfile.write(b"".join(pieces) + b"0\r\n\r\n")

    def log_message(self, *args: object) -> None:
        """Silence."""


@contextmanager
def replayer() -> Iterator[Replayer]:
    """A server that runs for the length of a ``with`` block."""
    server = Replayer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class ToLoopback(httpx2.HTTPTransport):
    """Sends whatever goes to a provider to the replayer instead; the client sees the real URL."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(verify=False)  # plain HTTP: no certificates to load
        self._port, self._key = port, key

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        return super().handle_request(_rerouted(request, self._port, self._key))


class ToLoopbackAsync(httpx2.AsyncHTTPTransport):
    """The same for asynchronous clients."""

    def __init__(self, port: int, key: str) -> None:
        super().__init__(verify=False)
        self._port, self._key = port, key

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request."""
        return await super().handle_async_request(_rerouted(request, self._port, self._key))


def _rerouted(request: httpx2.Request, port: int, key: str) -> httpx2.Request:
    return httpx2.Request(
        request.method,
        request.url.copy_with(scheme="http", host="127.0.0.1", port=port),
        headers=[*request.headers.raw, (KEY_HEADER.encode(), key.encode())],
        stream=request.stream,
        extensions=request.extensions,
    )

"""The HTTP side: routes, headers, errors on demand, and streams."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tellwhy._model_server import (
    anthropic_messages,
    bedrock_converse,
    openai_chat,
    openai_responses,
)
from tellwhy._model_server.script import Memory, Reply, digest

if TYPE_CHECKING:
    from tellwhy._model_server.server import ModelServer

ANTHROPIC_HEADERS = {
    "anthropic-organization-id": "org-scripted-0001",
    "anthropic-ratelimit-requests-limit": "1000",
    "anthropic-ratelimit-requests-remaining": "998",
    "anthropic-ratelimit-requests-reset": "2026-11-22T12:00:00Z",
    "anthropic-ratelimit-input-tokens-limit": "400000",
    "anthropic-ratelimit-input-tokens-remaining": "399000",
    "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:00Z",
    "anthropic-ratelimit-output-tokens-limit": "80000",
    "anthropic-ratelimit-output-tokens-remaining": "79000",
    "anthropic-ratelimit-output-tokens-reset": "2026-11-22T12:00:00Z",
}

OPENAI_HEADERS = {
    "openai-organization": "org-scripted-0001",
    "openai-processing-ms": "7",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-tokens": "199000",
    "x-ratelimit-reset-tokens": "300ms",
}

MODELS = ("claude-scripted-1", "gpt-scripted-1")

REPLIES: dict[str, Callable[[dict[str, Any], Memory], Reply]] = {
    "/messages": anthropic_messages.reply,
    "/chat/completions": openai_chat.reply,
    "/responses": openai_responses.reply,
    "/invoke": anthropic_messages.reply,
    "/invoke-with-response-stream": anthropic_messages.reply,
    "/converse": bedrock_converse.reply,
    "/converse-stream": bedrock_converse.reply,
}
"""End of the path -> who answers it."""


class Listener(ThreadingHTTPServer):
    """The listening socket and its connections; a connection is a thread."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, owner: ModelServer, port: int) -> None:
        self.owner = owner
        self._open: set[socket.socket] = set()
        self._idle = threading.Condition()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._idle:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._idle:
            self._open.discard(request)
            self._idle.notify_all()

    def hang_up(self) -> None:
        """Wake the threads that wait on kept-alive connections, and wait until they are gone."""
        with self._idle:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster
            self._idle.wait_for(lambda: not self._open, timeout=2)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle is part of what is tried here: say nothing."""


class _Handler(BaseHTTPRequestHandler):
    server: Listener
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the kernel's delayed ACK adds 40 ms to every call

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Keep the terminal quiet; `ModelServer.requests` has what was asked."""

    def do_HEAD(self) -> None:
        self._send(200, {})

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.owner.log("GET", self.path, self._headers(), None)
        if path.rstrip("/").endswith("/models"):
            names = {
                "object": "model",
                "type": "model",
                "created": openai_chat.CREATED,
                "owned_by": "tellwhy",
            }
            data = [
                {"id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z", **names}
                for name in MODELS
            ]
            self._send(200, {"object": "list", "data": data, "has_more": False})
        else:
            self._send(404, _problem("not_found_error", f"No route for GET {path}."))

    def do_POST(self) -> None:
        path = urlsplit(self.path).path
        raw = self._read_body()
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            self.server.owner.log(
                "POST", self.path, self._headers(), raw.decode("utf-8", "replace")
            )
            self._send(400, _problem("invalid_request_error", "The body is not JSON."))
            return
        self.server.owner.log("POST", self.path, self._headers(), body)
        try:
            self._answer(path, body)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            self._send(
                400, _problem("invalid_request_error", f"Cannot read this request: {error!r}")
            )

    def _answer(self, path: str, body: dict[str, Any]) -> None:
        key = digest(body)
        common = {"request-id": f"req_{key}", **ANTHROPIC_HEADERS}
        if path.startswith("/model/"):
            common = {"x-amzn-requestid": f"req_{key}"}
        elif "/messages" not in path:
            common = {"x-request-id": f"req_{key}", **OPENAI_HEADERS}
        answerer = next((answer for end, answer in REPLIES.items() if path.endswith(end)), None)
        if path.endswith("/messages/count_tokens"):
            self._send(200, anthropic_messages.count(body), common)
        elif path.endswith("/embeddings"):
            self._send(200, openai_chat.embeddings(body), common)
        elif answerer is None:
            self._send(404, _problem("not_found_error", f"No route for POST {path}."))
        else:
            reply = answerer(self.server.owner.prepare(path, body), self.server.owner.memory)
            if not self._refuse(path, key, reply.step.get("error"), common):
                self._deliver(path, body, reply, common)

    def _refuse(
        self, path: str, key: str, wanted: dict[str, Any] | None, common: dict[str, str]
    ) -> bool:
        """Answer with the error that the script asks for, if this attempt is to fail."""
        if not wanted:
            return False
        # The SDK's own count lets a script fail again in a later run that sends the same bytes.
        retries = int(self.headers.get("x-stainless-retry-count") or 0)
        if max(self.server.owner.memory.attempt(key), retries) >= wanted.get("times", 1):
            return False
        problem = {
            "type": wanted.get("type", "overloaded_error"),
            "message": wanted.get("message", "Overloaded"),
        }
        answer: dict[str, Any] = {"error": {**problem, "code": wanted.get("code"), "param": None}}
        if "/messages" in path:
            answer = {"type": "error", "error": problem, "request_id": common["request-id"]}
        elif path.startswith("/model/"):
            answer = {"message": problem["message"]}
            common = {**common, "x-amzn-errortype": problem["type"]}
        headers = {**common, "retry-after-ms": "20", **wanted.get("headers", {})}
        self._send(wanted.get("status", 529), answer, headers)
        return True

    def _deliver(
        self, path: str, body: dict[str, Any], reply: Reply, headers: dict[str, str]
    ) -> None:
        if body.get("stream") or path.endswith("-stream"):
            self._stream(path, reply, headers)
            return
        self._wait(reply.step.get("latency_ms", 0))
        if reply.step.get("cut"):
            data = json.dumps(reply.body).encode()
            self._head(
                200,
                {"content-type": "application/json", "content-length": str(len(data)), **headers},
            )
            self.wfile.write(data[: len(data) // 2])
            self._drop()
        else:
            self._send(200, reply.body, headers)

    def _stream(self, path: str, reply: Reply, headers: dict[str, str]) -> None:
        events = list(reply.events)
        kind = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
        if path.startswith("/model/"):
            kind = {"content-type": "application/vnd.amazon.eventstream"}
        self._head(200, {**kind, "transfer-encoding": "chunked", **headers})
        for number, (name, data) in enumerate(events):
            if reply.step.get("cut") and number >= len(events) // 2:
                if reply.step["cut"] != "error":
                    self._drop()
                    return
                self._chunk(path, *_error_event(path))
                break
            self._chunk(path, name, data)
            self._wait(reply.step.get("latency_ms", 0) / len(events))
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, path: str, name: str | None, data: Any) -> None:
        if path.endswith("/invoke-with-response-stream"):
            event = bedrock_converse.frame("chunk", bedrock_converse.packed(data))
        elif path.startswith("/model/"):
            event = bedrock_converse.frame(str(name), data)
        else:
            text = data if isinstance(data, str) else json.dumps(data)
            event = ((f"event: {name}\n" if name else "") + f"data: {text}\n\n").encode()
        self.wfile.write(f"{len(event):x}\r\n".encode() + event + b"\r\n")

    def _send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(answer).encode()
        length = {"content-type": "application/json", "content-length": str(len(data))}
        self._head(status, {**length, **(headers or {})})
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _headers(self) -> dict[str, str]:
        return {name.lower(): value for name, value in self.headers.items()}

    def _read_body(self) -> bytes:
        if self.headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _wait(self, milliseconds: float) -> None:
        if milliseconds:
            self.server.owner.closing.wait(milliseconds / 1000)

    def _drop(self) -> None:
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)


def _problem(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


def _error_event(path: str) -> tuple[str | None, dict[str, Any]]:
    """An error in the middle of a stream, as each provider writes it."""
    problem = {"type": "overloaded_error", "message": "Overloaded"}
    if path.startswith("/model/"):
        return "error", {"message": "Overloaded"}
    if path.endswith("/messages"):
        return "error", {"type": "error", "error": problem}
    if path.endswith("/responses"):
        return "error", {
            "type": "error",
            "code": "server_error",
            "message": "Overloaded",
            "param": None,
        }
    return None, {"error": {**problem, "code": None, "param": None}}

"""OTLP/HTTP: bytes in, 200 when they are on disk, or the status that tells a sender what to do.

Source:
    OTLP 1.11 "OTLP/HTTP"; where it is silent, what the OpenTelemetry Collector does.
"""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tellwhy_collector.access import CHALLENGE
from tellwhy_collector.decode import Encoding, Signal
from tellwhy_collector.errors import (
    CollectorError,
    MethodNotAllowed,
    NoToken,
    UnsupportedMediaType,
)
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.receive.answers import failure, success
from tellwhy_collector.receive.body import drain, gunzip, read, too_large
from tellwhy_collector.receive.gate import Gate
from tellwhy_collector.settings import Settings

PATHS: dict[Signal, str] = {
    "traces": "/v1/traces",
    "logs": "/v1/logs",
    "metrics": "/v1/metrics",
}

MEDIA_TYPES: dict[Encoding, str] = {
    "protobuf": "application/x-protobuf",
    "json": "application/json",
}

_log = logging.getLogger(__name__)


def routes(ingest: Ingest, settings: Settings, gate: Gate) -> list[Route]:
    """The three addresses that senders post to."""
    limit = settings.max_body_bytes
    return [
        Route(path, Receiver(signal, ingest, limit, gate), name=f"otlp-{signal}")
        for signal, path in PATHS.items()
    ]


class Receiver:
    """The ASGI application behind one address."""

    def __init__(self, signal: Signal, ingest: Ingest, limit: int, gate: Gate) -> None:
        self._signal = signal
        self._ingest = ingest
        self._limit = limit
        self._gate = gate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        encoding: Encoding = encoding_of(request) or "json"
        try:
            response = await self._export(request)
        except ClientDisconnect:
            return
        except CollectorError as error:
            self._gate.meters.refused("http", str(error.status))
            response = refusal(error, encoding)
        except Exception:  # noqa: BLE001 - the sender gets an answer, the log gets the fault
            _log.exception("A request failed through a fault of ours")
            self._gate.meters.refused("http", "500")
            response = refusal(CollectorError("The collector has a fault; see its log."), encoding)
        await response(scope, receive, send)

    async def _export(self, request: Request) -> Response:
        try:
            encoding, packing = self._check(request)
        except CollectorError:
            # A sender that asked first (Expect) waits for our word and sends nothing.
            if "expect" not in request.headers:
                await drain(request.stream())
            raise
        with self._ingest.ticket() as ticket:
            body = await read(request.stream(), self._limit, ticket.grow)
            if packing == "gzip":
                # In a thread: zlib works without Python's lock, and other requests go on.
                body = await asyncio.to_thread(gunzip, body, self._limit, ticket.grow)
            done = self._ingest.submit(body, signal=self._signal, encoding=encoding)
            outcome = await asyncio.wrap_future(done)
        return Response(success(outcome, self._signal, encoding), media_type=MEDIA_TYPES[encoding])

    def _check(self, request: Request) -> tuple[Encoding, str]:
        """Encoding and packing of a request whose head promises a body that we take."""
        if request.method != "POST":
            raise MethodNotAllowed(f"{request.method} is not a method of OTLP; send POST.")
        self._gate.check(request.headers.get("authorization"))
        encoding = encoding_of(request)
        if encoding is None:
            sent = request.headers.get("content-type", "")
            raise UnsupportedMediaType(
                f"Content-Type is {sent!r:.100}; send one of {', '.join(MEDIA_TYPES.values())}."
            )
        packing = packing_of(request)
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            raise too_large(int(announced), self._limit, unpacked=False)
        return encoding, packing


def encoding_of(request: Request) -> Encoding | None:
    """How the body is written; None when it is neither protobuf nor JSON."""
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    for encoding, media_type in MEDIA_TYPES.items():
        if sent == media_type:
            return encoding
    return None


def packing_of(request: Request) -> str:
    """``gzip`` or nothing.

    Raises:
        UnsupportedMediaType: Another Content-Encoding.
    """
    sent = request.headers.get("content-encoding", "").strip().lower()
    if sent in {"", "identity"}:
        return ""
    if sent in {"gzip", "x-gzip"}:
        return "gzip"
    raise UnsupportedMediaType(f"Content-Encoding is {sent!r:.100}; send gzip or none.")


def refusal(error: CollectorError, encoding: Encoding) -> Response:
    """The answer that tells a sender of *error*, in the encoding it speaks."""
    headers = {}
    if error.retryable:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, NoToken):
        headers["WWW-Authenticate"] = CHALLENGE
    if isinstance(error, MethodNotAllowed):
        headers["Allow"] = "POST"
    if isinstance(error, UnsupportedMediaType):
        headers["Accept-Encoding"] = "gzip"
    return Response(
        failure(error, encoding), error.status, headers, media_type=MEDIA_TYPES[encoding]
    )

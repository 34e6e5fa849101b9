"""Posts encoded spans to an OTLP/HTTP endpoint: one try, bounded in time, no logging.

Why not the exporter of opentelemetry-exporter-otlp-proto-http (read in 1.45): it tries six times
with waits of 2ⁿ s inside ten seconds and then the batch is gone; it logs every try; its ``requests``
costs 30 ms and 5 MB in the agent; its session waits for a hanging collector where we must leave in
time. Proxies are not asked either: spans go to the address that was set, and to no other.

Source:
    OTLP 1.11, "OTLP/HTTP Response": 429, 502, 503 and 504 may be sent again, after Retry-After; a
    2xx may say in ``partial_success`` that spans were rejected. All else is permanent there; here
    only what says that these spans are wrong, because a spool can wait for whoever mends the rest.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import math
import ssl
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from tellwhy._settings import Settings, logs_url, traces_url

REFUSED = frozenset({400, 415, 422})
"""Statuses that say that these spans can never be taken."""

BARRED = frozenset({401, 403, 404, 405, 407})
"""Statuses that turn the sender or the address away, whatever is sent; 3xx and a web page too."""

RETRIED = frozenset({408, 429, 502, 503, 504})
"""Statuses after which the same request may succeed. Any other is taken for the receiver's fault, and
sent again too, but not for ever: it may be these spans that it stumbles over."""

MAX_ANSWER_BYTES = 65_536
"""How much of an answer is read; the rest closes the connection."""

COLLECTOR_HEADER = "tellwhy-collector"
"""Every answer of a tellwhy collector has it."""

MAX_WAIT_S = 60.0
"""Longest Retry-After that is obeyed."""


class Batch(NamedTuple):
    """One encoded export and how many spans are in it; none in a question or a sign of life."""

    body: bytes
    spans: int
    signal: Literal["traces", "logs"] = "traces"


class Answer(NamedTuple):
    """What became of one try to hand a batch over."""

    outcome: Literal["delivered", "retry", "too_large", "refused"]
    detail: str = ""
    """Why, in words, when it was not delivered."""
    retry_after_s: float | None = None
    """How long the collector asked to wait."""
    is_tellwhy: bool = False
    """Whether the answer came from a tellwhy collector."""
    is_barred: bool = False
    """Whether it is the sender or the address that is turned away; the outcome is ``retry``."""
    is_fault: bool = False
    """Whether the receiver stumbled, which may be over these spans; the outcome is ``retry``."""
    rejected: int = 0
    """Spans of what was delivered that the receiver did not take."""


class Sink(Protocol):
    """Where encoded spans go. `HttpSink` is the wire; a spool on disk is another one."""

    name: str
    """What to call it in a log line."""

    def put(self, batch: Batch, timeout_s: float) -> Answer:
        """Hand *batch* over, once, within *timeout_s*; never raises for a missing receiver."""
        ...

    def forget(self) -> None:
        """Let go of what a fork has duplicated, without touching the parent's side of it."""
        ...


class HttpSink:
    """A collector at the end of one kept-alive connection."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(traces_url(settings))
        self.name = f"{url.scheme}://{url.hostname}:{url.port or _default_port(url.scheme)}"
        self._is_https = url.scheme == "https"
        self._host = url.hostname or ""
        self._port = url.port
        query = f"?{url.query}" if url.query else ""
        logs = urlsplit(logs_url(settings))
        self._paths = {"traces": url.path + query, "logs": logs.path + query}
        self._gzip = settings.compression == "gzip"
        self._headers = _headers(settings.headers, gzipped=self._gzip)
        self._files = (settings.collector_ca, settings.client_cert, settings.client_key)
        self._trust: ssl.SSLContext | None = None
        self._connection: http.client.HTTPConnection | None = None

    def put(self, batch: Batch, timeout_s: float) -> Answer:
        """Post *batch* once; a connection that the collector had closed meanwhile is renewed."""
        body = gzip.compress(batch.body, 1) if self._gzip else batch.body
        was_open = self._connection is not None
        try:
            return self._post(batch.signal, body, timeout_s)
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            if not was_open:
                return Answer("retry", _reason(error))
        except (OSError, http.client.HTTPException) as error:
            return Answer("retry", _reason(error))
        try:
            return self._post(batch.signal, body, timeout_s)
        except (OSError, http.client.HTTPException) as error:
            return Answer("retry", _reason(error))

    def forget(self) -> None:
        """Drop the connection that a fork shares with its parent."""
        self._drop()

    def _post(self, signal: str, body: bytes, timeout_s: float) -> Answer:
        connection = self._connection or self._connect(timeout_s)
        self._connection = None  # until the answer is read: a failed request leaves it unusable
        try:
            answer = self._ask(connection, signal, body, timeout_s)
        except BaseException:
            connection.close()
            raise
        self._connection = connection if connection.sock is not None else None
        return answer

    def _ask(
        self, connection: http.client.HTTPConnection, signal: str, body: bytes, timeout_s: float
    ) -> Answer:
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        connection.request("POST", self._paths[signal], body, self._headers)
        response = connection.getresponse()
        text = response.read(MAX_ANSWER_BYTES)
        if not response.isclosed():
            connection.close()
        kind = (response.getheader("Content-Type") or "").lower()
        answer = _answer(response.status, kind, text, response.getheader("Retry-After"))
        return answer._replace(is_tellwhy=response.getheader(COLLECTOR_HEADER) is not None)

    def _connect(self, timeout_s: float) -> http.client.HTTPConnection:
        if not self._is_https:
            return http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        # Read here and not in __init__: a file that is not there yet is tried again with the spans.
        self._trust = self._trust or trust(*self._files)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=timeout_s, context=self._trust
        )

    def _drop(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.close()
            self._connection = None


def trust(ca: str, cert: str, key: str) -> ssl.SSLContext:
    """Whom we trust and what we show.

    Raises:
        OSError: A file cannot be used; says which setting.
    """
    try:
        context = ssl.create_default_context(cafile=ca or None)
    except OSError as error:
        raise OSError(f"collector_ca is {ca}: {error.strerror or error}") from None
    if cert:
        try:
            # A key with a password would ask for it at the terminal of the agent.
            context.load_cert_chain(cert, key or None, password=lambda: "")
        except OSError as error:
            told = f"{cert}, client_key {key}" if key else cert
            raise OSError(f"client_cert is {told}: {error.strerror or error}") from None
    return context


def _headers(given: Mapping[str, str], *, gzipped: bool) -> dict[str, str]:
    headers = {
        "User-Agent": "tellwhy",
        "Content-Type": "application/x-protobuf",
        "Accept": "application/x-protobuf",
    }
    if gzipped:
        headers["Content-Encoding"] = "gzip"
    return headers | dict(given)


def _answer(status: int, kind: str, text: bytes, retry_after: str | None) -> Answer:
    if 200 <= status < 300:
        if "html" in kind:
            return Answer("retry", f"status {status}, a web page", is_barred=True)
        rejected, why = _rejected(kind, text)
        return Answer("delivered", why, rejected=rejected)
    detail = f"status {status}: {_said(kind, text)}".strip()
    if status in REFUSED:
        return Answer("refused", detail)
    if status == 413:
        return Answer("too_large", detail)
    return Answer(
        "retry",
        detail,
        _seconds(retry_after),
        is_barred=status in BARRED or 300 <= status < 400,
        is_fault=status not in BARRED | RETRIED and status >= 400,
    )


def _rejected(kind: str, text: bytes) -> tuple[int, str]:
    """How many spans a good answer says were not taken, and why; most say nothing at all."""
    if not text or "protobuf" not in kind:
        return 0, ""
    # Here and not above: nearly every answer is empty, and this takes a while to load.
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415, TID251
        ExportTraceServiceResponse,
    )

    try:
        said = ExportTraceServiceResponse.FromString(text).partial_success
    except Exception:  # noqa: BLE001 - protobuf's errors differ between its implementations
        return 0, ""
    return max(said.rejected_spans, 0), said.error_message[:200]


def _said(kind: str, text: bytes) -> str:
    """The words of an error: OTLP wraps them in a ``google.rpc.Status``."""
    if "protobuf" in kind:
        from google.rpc.status_pb2 import Status  # noqa: PLC0415 - an error, once in a while

        with contextlib.suppress(Exception):
            return str(Status.FromString(text).message)[:200]
    return text[:200].decode("utf-8", "replace")


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date (RFC 9110 allows one) is left to the usual back-off."""
    try:
        seconds = float(retry_after or "")
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_WAIT_S) if math.isfinite(seconds) else None


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        words += "; name the file of the authority that signed it in TELLWHY_COLLECTOR_CA"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80

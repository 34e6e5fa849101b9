"""Posts encoded spans to an OTLP/HTTP endpoint: one try, bounded in time, no logging.

Why not the exporter of opentelemetry-exporter-otlp-proto-http (read in 1.45): it tries six times
with waits of 2ⁿ s inside ten seconds and then the batch is gone; it logs every try; its ``requests``
costs 30 ms and 5 MB in the agent; its session waits for a hanging collector where we must leave in
time. Proxies are not asked either: spans go to the address that was set, and to no other.

Source:
    OTLP 1.11, "OTLP/HTTP Response": 429, 502, 503 and 504 may be sent again, after Retry-After.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import ssl
from collections.abc import Mapping
from typing import Literal, NamedTuple, Protocol
from urllib.parse import urlsplit

from tellwhy._settings import Settings, logs_url, traces_url

RETRIED = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""

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
        answer = _answer(response.status, response.getheader("Retry-After"), text)
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


def _answer(status: int, retry_after: str | None, text: bytes) -> Answer:
    if 200 <= status < 300:
        return Answer("delivered")
    detail = f"status {status}: {text[:200].decode('utf-8', 'replace')}".strip()
    if status in RETRIED:
        return Answer("retry", detail, _seconds(retry_after))
    return Answer("too_large" if status == 413 else "refused", detail)


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After in seconds; a date (RFC 9110 allows one) is left to the usual back-off."""
    try:
        return min(max(float(retry_after or ""), 0.0), MAX_WAIT_S)
    except ValueError:
        return None


def _reason(error: Exception) -> str:
    words = getattr(error, "strerror", None) or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        words += "; name the file of the authority that signed it in TELLWHY_COLLECTOR_CA"
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def _default_port(scheme: str) -> int:
    return 443 if scheme == "https" else 80

"""For tests: OTLP requests with counted ids, and a collector in this process."""

from __future__ import annotations

import base64
import functools
import gzip
import http.client
import itertools
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message

from tellwhy_collector import store as stores
from tellwhy_collector.app import Collector
from tellwhy_collector.decode import Decoded, Signal
from tellwhy_collector.decode.protobuf import REQUESTS
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Batch, Ingest, Outcome
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.ingest.prepare import lay_out
from tellwhy_collector.records import Span
from tellwhy_collector.settings import Settings
from tellwhy_collector.store import Store

START_NS = 1_780_000_000_000_000_000
"""When spans of `span` start, if nobody says otherwise: 2026-05-28."""

ID_KEYS = {"traceId", "spanId", "parentSpanId"}

_count = itertools.count(1)


def trace_id() -> str:
    """A new trace id; counted, so that a failing test fails the same way again."""
    return f"{next(_count):032x}"


def span_id() -> str:
    """A new span id."""
    return f"{next(_count):016x}"


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Attributes as OTLP/JSON writes them."""
    return [{"key": key, "value": any_value(value)} for key, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    """One value as OTLP/JSON writes it."""
    write = _WRITTEN.get(type(value))
    return {} if write is None else write(value)


_WRITTEN: dict[type, Callable[[Any], dict[str, Any]]] = {
    bool: lambda value: {"boolValue": value},
    int: lambda value: {"intValue": str(value)},
    float: lambda value: {"doubleValue": value},
    str: lambda value: {"stringValue": value},
    bytes: lambda value: {"bytesValue": base64.b64encode(value).decode()},
    dict: lambda value: {"kvlistValue": {"values": pairs(value)}},
    list: lambda value: {"arrayValue": {"values": [any_value(item) for item in value]}},
}


def span(attributes: dict[str, Any] | None = None, /, **changes: Any) -> dict[str, Any]:
    """One OTLP/JSON span of one second; *changes* are its own keys."""
    return {
        "traceId": trace_id(),
        "spanId": span_id(),
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": str(START_NS),
        "endTimeUnixNano": str(START_NS + 10**9),
        "attributes": pairs(attributes or {"gen_ai.operation.name": "chat"}),
        **changes,
    }


def traces(spans: Iterable[dict[str, Any]], service: str = "tests") -> dict[str, Any]:
    """A whole OTLP/JSON trace request."""
    resource = {"attributes": pairs({"service.name": service})}
    scopes = [{"scope": {"name": "tests", "version": "1"}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def logs(records: Iterable[dict[str, Any]], service: str = "tests") -> dict[str, Any]:
    """A whole OTLP/JSON log request."""
    resource = {"attributes": pairs({"service.name": service})}
    scopes = [{"scope": {"name": "tests"}, "logRecords": list(records)}]
    return {"resourceLogs": [{"resource": resource, "scopeLogs": scopes}]}


def metrics(found: Iterable[dict[str, Any]], service: str = "tests") -> dict[str, Any]:
    """A whole OTLP/JSON metrics request."""
    resource = {"attributes": pairs({"service.name": service})}
    scopes = [{"scope": {"name": "tests"}, "metrics": list(found)}]
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": scopes}]}


def to_protobuf(request: dict[str, Any], signal: Signal = "traces") -> bytes:
    """An OTLP/JSON request in protobuf."""
    message: Message = ParseDict(
        _ids(request, lambda text: base64.b64encode(bytes.fromhex(text)).decode()),
        REQUESTS[signal](),
        ignore_unknown_fields=True,
    )
    return bytes(message.SerializeToString())


def to_json(message: Message) -> bytes:
    """A protobuf request as OTLP/JSON: ids in hexadecimal, enums as integers."""
    found = MessageToDict(message, use_integers_for_enums=True)
    return orjson.dumps(_ids(found, lambda text: base64.b64decode(text).hex()))


def _ids(value: Any, change: Any) -> Any:
    """*value* with every id in it changed."""
    if isinstance(value, dict):
        return {
            key: change(item) if key in ID_KEYS and isinstance(item, str) else _ids(item, change)
            for key, item in value.items()
        }
    return [_ids(item, change) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    def json(self) -> Any:
        """The body as JSON."""
        return orjson.loads(self.body)


def send(
    url: str,
    body: bytes | dict[str, Any] = b"",
    content_type: str | None = "application/json",
    headers: dict[str, str] | None = None,
    method: str = "POST",
    *,
    packed: bool = False,
) -> Answer:
    """Send one request on a connection of its own."""
    data = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = dict(headers or {})
    if content_type is not None:
        sent["Content-Type"] = content_type
    if packed:
        data, sent["Content-Encoding"] = gzip.compress(data), "gzip"
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    try:
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        connection.request(method, path, data, sent)
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, found, answer.read())
    finally:
        connection.close()


@functools.cache
def _no_rows() -> bytes:
    """The file of a database without rows, made once a process: its views take 0.3 s."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty.duckdb"
        stores.open(path).close()
        return path.read_bytes()


def lay_database(path: Path) -> None:
    """Put a database without rows at *path*, unless a file is there or no folder for it."""
    if path.parent.is_dir() and not path.exists():
        path.write_bytes(_no_rows())


def open_store(path: Path, settings: Settings | None = None) -> Store:
    """The database at *path*, or a new one, in a tenth of the time that making one takes."""
    lay_database(path)
    return stores.open(path, settings)


@contextmanager
def collector(folder: Path, **changes: Any) -> Iterator[Collector]:
    """A collector in this process with a database in *folder*, on free ports."""
    chosen = {"database": folder / "tests.duckdb", "http_port": 0, "grpc_port": 0, **changes}
    lay_database(chosen["database"])
    running = Collector(Settings(**chosen))
    running.start()
    try:
        yield running
    finally:
        running.stop()


def rows(store: Store, sql: str, parameters: Iterable[Any] = ()) -> list[tuple[Any, ...]]:
    """What *sql* gives."""
    cursor = store.cursor()
    try:
        return cursor.execute(sql, list(parameters)).fetchall()
    finally:
        cursor.close()


def wait_until_explained(store: Store, timeout_s: float = 30) -> None:
    """Until every trace has been settled, looked at as a whole, and held against users' rules.

    Raises:
        TimeoutError: One was not within *timeout_s*.
    """
    due = (
        "SELECT (SELECT count(*) FROM open_traces) + (SELECT count(*) FROM unexplained)"
        " + (SELECT count(*) FROM unruled)"
    )
    deadline = time.monotonic() + timeout_s
    while (left := rows(store, due)[0][0]) > 0:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{left} traces are due after {timeout_s} s.")
        time.sleep(0.02)


def post(ingest: Ingest, request: dict[str, Any], signal: Signal = "traces") -> Outcome:
    """What a request is answered when it is on disk."""
    return ingest.submit(orjson.dumps(request), signal=signal, encoding="json").result(30)


def record(**changes: Any) -> Span:
    """A `Span` that came over no wire, also one that no sender can send."""
    plain = Span(
        trace_id=trace_id(),
        span_id=span_id(),
        parent_span_id=None,
        trace_state=None,
        name="chat",
        kind=3,
        start_ns=START_NS,
        end_ns=START_NS + 10**9,
        status_code=0,
        status_message=None,
        attributes={"gen_ai.operation.name": "chat"},
        events=(),
        links=(),
        flags=0,
        resource={"service.name": "tests"},
        scope_name=None,
        scope_version=None,
    )
    return replace(plain, **changes)


def batch(*spans: Span) -> Batch:
    """Rows of *spans* as one request."""
    found = Batch("traces", trace_id(), 100)
    return lay_out(Decoded(list(spans)), found, normalise, Names())

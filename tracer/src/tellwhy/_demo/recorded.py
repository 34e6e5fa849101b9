"""Recorded runs of other instrumentors, posted as if they had just happened."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

from tellwhy._demo.collector import ask, post

MINUTES_AGO = {
    "claude_code": 4,
    "anthropic_native": 11,
    "pydantic_ai_native": 23,
    "openai_genai": 47,
    "langgraph_openinference": 72,
}
"""Recording -> how long before now it is made to end; the files are in ``recordings/``."""

TIME_KEYS = frozenset(
    {"startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "observedTimeUnixNano"}
)
"""Keys of OTLP/JSON that hold Unix nanoseconds as text; 0 and absent stay as they are."""

CLAUDE_CODE_TIME = "event.timestamp"
"""Attribute in which Claude Code repeats a log record's time, as ISO 8601."""


def load(collector_url: str) -> dict[str, int]:
    """Post every recording that the collector does not have yet.

    Returns:
        Recording -> number of records posted; 0 for one that was there already.
    """
    posted: dict[str, int] = {}
    for name, minutes in MINUTES_AGO.items():
        requests = {signal: _read(name, signal) for signal in ("traces", "logs")}
        spans = [record for body in requests.values() for record in _records(body)]
        posted[name] = 0
        trace_id = next(record["traceId"] for record in spans)
        if ask(collector_url, "SELECT 1 FROM spans WHERE trace_id = ? LIMIT 1", trace_id):
            continue
        last_ns = max(int(record.get("endTimeUnixNano", 0)) for record in spans)
        shift_ns = time.time_ns() - minutes * 60_000_000_000 - last_ns
        for signal, body in requests.items():
            if body:
                shifted = json.dumps(_shift(body, shift_ns)).encode()
                post(f"{collector_url}/v1/{signal}", shifted)
        posted[name] = len(spans)
    return posted


def _read(name: str, signal: str) -> dict[str, Any]:
    path = files("tellwhy._demo") / "recordings" / f"{name}.{signal}.json.gz"
    if not path.is_file():
        return {}
    body: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return body


def _records(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in body.get("resourceSpans", []):
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]
    for resource in body.get("resourceLogs", []):
        for scope in resource["scopeLogs"]:
            yield from scope["logRecords"]


def _shift(value: Any, shift_ns: int) -> Any:
    """Move every time inside an OTLP/JSON request by ``shift_ns``."""
    if isinstance(value, list):
        return [_shift(item, shift_ns) for item in value]
    if not isinstance(value, dict):
        return value
    if value.get("key") == CLAUDE_CODE_TIME:
        then = datetime.fromisoformat(value["value"]["stringValue"])
        now = (then + timedelta(microseconds=shift_ns // 1000)).astimezone(UTC)
        text = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {**value, "value": {"stringValue": text}}
    return {
        key: str(int(item) + shift_ns) if key in TIME_KEYS and int(item) else _shift(item, shift_ns)
        for key, item in value.items()
    }

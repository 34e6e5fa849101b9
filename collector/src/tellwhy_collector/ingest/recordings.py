"""What tracers tell for replays: attributes of spans that go into tables of their own.

An attribute that is not shaped as a tracer of ours writes it stays what it is, an attribute.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa

from tellwhy_collector.records import Span, replace

EXCHANGES, CONTENTS = "tellwhy.recording.exchanges", "tellwhy.recording.contents"
OUTCOME, DECLARED = "tellwhy.recording.outcome", "tellwhy.recording.declared"
ENTRY, BRANCH = "tellwhy.recording.entry", "tellwhy.recording.branch"
ASKED_AGAIN = "tellwhy.recording.asked_again"
KINDS = {
    OUTCOME: "outcome",
    DECLARED: "declared",
    ENTRY: "entry",
    BRANCH: "branch",
    ASKED_AGAIN: "asked_again",
}
"""Attribute -> ``recorded_values.kind``."""

NAMES = frozenset({EXCHANGES, CONTENTS, *KINDS})

Row = tuple[Any, ...]

_TEXT, _LONG, _INT, _REAL, _BOOL = (
    pa.string(),
    pa.int64(),
    pa.int32(),
    pa.float64(),
    pa.bool_(),
)

SCHEMAS = {
    "exchanges": pa.schema(
        {
            "trace_id": _TEXT,
            "span_id": _TEXT,
            "start_ns": _LONG,
            "attempt": _INT,
            "lane": _LONG,
            "method": _TEXT,
            "path": _TEXT,
            "request": _TEXT,
            "request_headers": _TEXT,
            "status": _INT,
            "response_headers": _TEXT,
            "response": _TEXT,
            "is_base64": _BOOL,
            "is_cut": _BOOL,
            "cuts": _TEXT,
            "duration_ms": _REAL,
            "error": _TEXT,
        }
    ),
    "recorded_values": pa.schema(
        {"trace_id": _TEXT, "span_id": _TEXT, "start_ns": _LONG, "kind": _TEXT, "value": _TEXT}
    ),
    "contents": pa.schema({"trace_id": _TEXT, "hash": _TEXT, "text": _TEXT}),
}
"""Table -> its columns."""


@dataclass(slots=True)
class Recorded:
    """Rows that one span brings along."""

    rows: dict[str, list[Row]] = field(default_factory=dict)
    """Table -> rows in the order of `SCHEMAS`."""


def without_recording(span: Span) -> tuple[Span, Recorded | None]:
    """*span* without what is there for replays, and that as rows; None when there is nothing."""
    if NAMES.isdisjoint(span.attributes):
        return span, None
    found, rest = Recorded(), span.attributes.copy()
    for name in NAMES & rest.keys():
        table, rows = _rows(span, name, rest[name])
        if rows:
            found.rows.setdefault(table, []).extend(rows)
            del rest[name]
    return replace(span, attributes=rest), found if found.rows else None


def _rows(span: Span, name: str, value: Any) -> tuple[str, list[Row]]:
    """The table that an attribute goes into, and its rows; none when it is misshapen."""
    if name == CONTENTS:
        good = isinstance(value, dict) and all(type(text) is str for text in value.values())
        return "contents", [(span.trace_id, *each) for each in value.items()] if good else []
    if name == EXCHANGES:
        rows = [_exchange(span, each) for each in _list(value)]
        return "exchanges", [] if None in rows else [row for row in rows if row is not None]
    row = (span.trace_id, span.span_id, span.start_ns, KINDS[name], value)
    return "recorded_values", [row] if type(value) is str else []


def _exchange(span: Span, said: Any) -> Row | None:
    if not isinstance(said, dict):
        return None
    get = said.get
    texts = [get("method"), get("path")]
    if any(type(text) is not str for text in texts) or not isinstance(get("request"), list):
        return None
    response = get("response")
    return (
        span.trace_id,
        span.span_id,
        span.start_ns,
        _number(get("attempt")) or 1,
        _number(get("lane")),
        *texts,
        _json(get("request")),
        _json(get("request_headers")),
        _number(get("status")),
        _json(get("response_headers")),
        response if type(response) is str else None,
        get("is_base64") is True,
        get("is_cut") is True,
        _json(get("cuts")),
        float(get("duration_ms", 0)) if isinstance(get("duration_ms"), int | float) else None,
        _json(get("error")),
    )


def _list(value: Any) -> list[Any]:
    """The list that is meant; empty when it is none."""
    try:
        found = orjson.loads(value) if type(value) is str else None
    except orjson.JSONDecodeError:
        return []
    return found if isinstance(found, list) else []


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 2**31 else None


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value).decode()

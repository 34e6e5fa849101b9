"""Stored rows back into the records they were made of, for `renormalise`.

`span_of` undoes `columns.span_row`, `log_of` undoes `columns.log_row`.
"""

from __future__ import annotations

from typing import Any

import orjson

from tellwhy_collector.ingest.columns import (
    LOGS,
    PAYLOAD_ITEMS,
    SPANS,
    Row,
)
from tellwhy_collector.ingest.marks import INSTANCE, SEQUENCE
from tellwhy_collector.records import LogRecord, Span

SPAN_SELECT = ", ".join(
    f"{name}::JSON::VARCHAR" if name == "attributes" else name for name in SPANS.names
)
"""What to select from spans so that `span_of` can read the row."""

LOG_SELECT = ", ".join(
    f"{name}::JSON::VARCHAR" if name == "attributes" else name for name in LOGS.names
)
"""What to select from logs so that `log_of` can read the row."""

_SPAN_AT = {name: index for index, name in enumerate(SPANS.names)}
_LOG_AT = {name: index for index, name in enumerate(LOGS.names)}


def _attributes(row: Row, at: dict[str, int]) -> dict[str, Any]:
    """Both parts that `names` made."""
    more = row[at["more_attributes"]]
    attributes: dict[str, Any] = orjson.loads(row[at["attributes"]] or "{}")
    return attributes | orjson.loads(more) if more else attributes


def span_of(row: Row) -> Span:
    """The span that `span_row` made *row* of."""
    at = _SPAN_AT
    odd = orjson.loads(row[at["sent_as"]] or "{}")
    attributes = _attributes(row, at)
    structured = odd.get("structured", ())
    for column, key in PAYLOAD_ITEMS:
        value = row[at[column]]
        if value is not None:
            attributes[key] = orjson.loads(value) if column in structured else value
    for column, key in (("process_instance", INSTANCE), ("sequence", SEQUENCE)):
        if row[at[column]] is not None:
            attributes[key] = row[at[column]]
    return Span(
        row[at["trace_id"]],
        row[at["span_id"]],
        row[at["parent_span_id"]],
        row[at["trace_state"]],
        row[at["name"]],
        row[at["kind"]],
        odd.get("start_ns", row[at["start_ns"]]),
        odd.get("end_ns", row[at["end_ns"]]),
        row[at["status_code"]],
        row[at["status_message"]],
        attributes,
        tuple(orjson.loads(row[at["events"]] or "[]")),
        tuple(orjson.loads(row[at["links"]] or "[]")),
        row[at["flags"]],
        orjson.loads(row[at["resource"]] or "{}"),
        row[at["scope_name"]],
        row[at["scope_version"]],
        orjson.loads(row[at["scope_attributes"]] or "{}"),
        row[at["dropped_attributes"]],
        row[at["dropped_events"]],
        row[at["dropped_links"]],
        row[at["resource_schema_url"]],
        row[at["scope_schema_url"]],
        odd.get("envelope", {}),
    )


def log_of(row: Row) -> LogRecord:
    """The log record that `log_row` made *row* of."""
    at = _LOG_AT
    odd = orjson.loads(row[at["sent_as"]] or "{}")
    body = row[at["body"]]
    return LogRecord(
        trace_id=row[at["trace_id"]],
        span_id=row[at["span_id"]],
        time_ns=odd.get("time_ns", row[at["time_ns"]]),
        observed_ns=odd.get("observed_ns", row[at["observed_ns"]]),
        severity_number=row[at["severity_number"]],
        severity_text=row[at["severity_text"]],
        event_name=row[at["event_name"]],
        body=orjson.loads(body) if "structured" in odd else body,
        attributes=_attributes(row, at),
        flags=row[at["flags"]],
        resource=orjson.loads(row[at["resource"]] or "{}"),
        scope_name=row[at["scope_name"]],
        scope_version=row[at["scope_version"]],
        scope_attributes=orjson.loads(row[at["scope_attributes"]] or "{}"),
        dropped_attributes=row[at["dropped_attributes"]],
        resource_schema_url=row[at["resource_schema_url"]],
        scope_schema_url=row[at["scope_schema_url"]],
        envelope=odd.get("envelope", {}),
    )

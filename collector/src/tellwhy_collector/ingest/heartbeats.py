"""A tracer's sign of life: a log record that becomes a row of ``processes``.

Source: docs/reference/spool.md, "On the wire".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellwhy_collector.dialects.reading import as_count, as_float, first_of, text_of
from tellwhy_collector.ingest.columns import BIGGEST
from tellwhy_collector.ingest.marks import INSTANCE, MAX_INSTANCE, MAX_SEQUENCE, SEQUENCE
from tellwhy_collector.records import LogRecord

SCOPE, EVENT = "tellwhy", "tellwhy.heartbeat"
"""Scope and event name that tell it from the log records of programs."""

LONGEST_INTERVAL_S = 86_400.0
"""A process that promises to speak less often than daily is taken to promise that."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How a process said it was. What is None was not said, or not known to who said it."""

    instance: str
    time_ns: int
    service_name: str | None = None
    pid: int | None = None
    host: str | None = None
    started_ns: int | None = None
    sequence: int | None = None
    """The last sequence number that was given to a span."""
    open_spans: int | None = None
    dropped_spans: int | None = None
    spool_bytes: int | None = None
    interval_s: float | None = None
    ended_by: str | None = None
    """``exit``, ``killed`` or the name of a signal; None while the process lives."""


def heartbeat_of(record: LogRecord) -> Heartbeat | None:
    """What *record* says of a process; None when it is a log record like any other."""
    if record.event_name != EVENT or record.scope_name != SCOPE:
        return None
    said = record.attributes
    instance = said.get(INSTANCE)
    if not isinstance(instance, str) or not 0 < len(instance) <= MAX_INSTANCE:
        return None
    interval = as_float(said.get("tellwhy.heartbeat_interval_s"))
    return Heartbeat(
        instance,
        min(record.time_ns, BIGGEST),
        text_of(record.resource, "service.name"),
        as_count(said.get("process.pid")),
        text_of(said, "host.name") or text_of(record.resource, "host.name"),
        as_count(said.get("tellwhy.process.started_ns")),
        _up_to(MAX_SEQUENCE, as_count(said.get(SEQUENCE))),
        as_count(said.get("tellwhy.open_spans")),
        as_count(said.get("tellwhy.dropped_spans")),
        as_count(first_of(said, "tellwhy.spool_bytes")),
        min(interval, LONGEST_INTERVAL_S) if interval is not None and interval > 0 else None,
        text_of(said, "tellwhy.process.ended"),
    )


def _up_to(limit: int, count: Any) -> int | None:
    return count if count is None or count <= limit else None

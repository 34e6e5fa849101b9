"""What decoding gives, and the rules for ids that both encodings share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from tellwhy_collector.records import LogRecord, MetricPoint, Span

Signal = Literal["traces", "logs", "metrics"]
Encoding = Literal["protobuf", "json"]
Records = list[Span] | list[LogRecord] | list[MetricPoint]

NO_TRACE = "0" * 32
NO_SPAN = "0" * 16

MAX_REASONS = 5
"""So many refused records are named in an answer; the count is exact beyond that."""


@dataclass(slots=True)
class Decoded:
    """The records of one request and what had to be said about it."""

    records: list[Any] = field(default_factory=list)
    """All of one kind, in the order sent."""
    rejected: int = 0
    """Records left out because an id is invalid."""
    reasons: list[str] = field(default_factory=list)
    """The first few of them, one sentence each."""
    repeated_keys: int = 0
    """Attributes that a later attribute of the same key overrode."""

    def reject(self, reason: str) -> None:
        """Count one record out."""
        self.rejected += 1
        if len(self.reasons) < MAX_REASONS:
            self.reasons.append(reason)


def wrong_span_ids(trace_id: str, span_id: str, parent_span_id: str) -> str | None:
    """Why a span with these hexadecimal ids cannot be kept; None when it can.

    Source:
        opentelemetry-proto trace.proto: 16 and 8 bytes, not all zero.
    """
    if len(trace_id) != 32 or trace_id == NO_TRACE:
        return f"trace_id {trace_id[:40]!r} is not 16 bytes with one of them set"
    if len(span_id) != 16 or span_id == NO_SPAN:
        return f"span_id {span_id[:40]!r} is not 8 bytes with one of them set"
    if parent_span_id and len(parent_span_id) != 16:
        return f"parent_span_id {parent_span_id[:40]!r} is not 8 bytes"
    return None


def wrong_log_ids(trace_id: str, span_id: str) -> str | None:
    """Why a log record with these hexadecimal ids cannot be kept; empty ids are none."""
    if trace_id and len(trace_id) != 32:
        return f"trace_id {trace_id[:40]!r} is not 16 bytes"
    if span_id and len(span_id) != 16:
        return f"span_id {span_id[:40]!r} is not 8 bytes"
    return None


def given(identifier: str, nothing: str) -> str | None:
    """The id, or None when it is empty or all zero."""
    return None if not identifier or identifier == nothing else identifier


def number(value: float) -> float | str:
    """A double that JSON can hold: not-a-number and the infinities become their proto3 names."""
    if value - value == 0.0:
        return value
    return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"  # noqa: PLR0124 - NaN

"""Protobuf requests into records. The loops are written out: they run once a span and attribute."""

from __future__ import annotations

from typing import Any

from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tellwhy_collector.decode.nouns import (
    NO_SPAN,
    NO_TRACE,
    Decoded,
    Signal,
    given,
    wrong_log_ids,
    wrong_span_ids,
)
from tellwhy_collector.decode.protobuf_metrics import points
from tellwhy_collector.decode.protobuf_values import any_value, attributes, scopes
from tellwhy_collector.errors import MalformedExport
from tellwhy_collector.records import LogRecord, Span

REQUESTS: dict[Signal, Any] = {
    "traces": ExportTraceServiceRequest,
    "logs": ExportLogsServiceRequest,
    "metrics": ExportMetricsServiceRequest,
}


def decode_protobuf(body: bytes, signal: Signal) -> Decoded:
    """The records of one protobuf request.

    Raises:
        MalformedExport: *body* is cut off, has a wrong wire type, text that is not UTF-8, or more
            than 100 levels.
    """
    try:
        request = REQUESTS[signal].FromString(body)
    except DecodeError as error:
        raise MalformedExport(
            f"The body is not a protobuf {REQUESTS[signal].DESCRIPTOR.name}: {error}. Send OTLP, "
            "and name its encoding in Content-Type."
        ) from None
    into = Decoded()
    if signal == "traces":
        _spans(request, into)
    elif signal == "logs":
        _logs(request, into)
    else:
        points(request, into)
    return into


def _events(events: Any, into: Decoded) -> tuple[dict[str, Any], ...]:
    found = []
    for event in events:
        one = {
            "time_ns": event.time_unix_nano,
            "name": event.name,
            "attributes": attributes(event.attributes, into),
        }
        if event.dropped_attributes_count:
            one["dropped_attributes"] = event.dropped_attributes_count
        found.append(one)
    return tuple(found)


def _links(links: Any, into: Decoded) -> tuple[dict[str, Any], ...]:
    found = []
    for link in links:
        one = {
            "trace_id": link.trace_id.hex(),
            "span_id": link.span_id.hex(),
            "attributes": attributes(link.attributes, into),
        }
        if link.trace_state:
            one["trace_state"] = link.trace_state
        if link.flags:
            one["flags"] = link.flags
        if link.dropped_attributes_count:
            one["dropped_attributes"] = link.dropped_attributes_count
        found.append(one)
    return tuple(found)


def _spans(request: ExportTraceServiceRequest, into: Decoded) -> None:
    keep = into.records.append
    for inner, shared in scopes(request.resource_spans, "scope_spans", into):
        for span in inner.spans:
            trace_id, span_id = span.trace_id.hex(), span.span_id.hex()
            parent = span.parent_span_id.hex()
            wrong = wrong_span_ids(trace_id, span_id, parent)
            if wrong:
                into.reject(f"Span {span.name[:80]!r}: {wrong}.")
                continue
            keep(
                Span(
                    trace_id,
                    span_id,
                    parent if parent and parent != NO_SPAN else None,
                    span.trace_state or None,
                    span.name,
                    span.kind,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano or None,
                    span.status.code,
                    span.status.message or None,
                    attributes(span.attributes, into),
                    _events(span.events, into) if span.events else (),
                    _links(span.links, into) if span.links else (),
                    span.flags,
                    dropped_attributes=span.dropped_attributes_count,
                    dropped_events=span.dropped_events_count,
                    dropped_links=span.dropped_links_count,
                    **shared,
                )
            )


def _logs(request: ExportLogsServiceRequest, into: Decoded) -> None:
    for inner, shared in scopes(request.resource_logs, "scope_logs", into):
        for log in inner.log_records:
            trace_id, span_id = log.trace_id.hex(), log.span_id.hex()
            wrong = wrong_log_ids(trace_id, span_id)
            if wrong:
                into.reject(f"Log record {log.event_name[:80]!r}: {wrong}.")
                continue
            into.records.append(
                LogRecord(
                    trace_id=given(trace_id, NO_TRACE),
                    span_id=given(span_id, NO_SPAN),
                    time_ns=log.time_unix_nano or log.observed_time_unix_nano,
                    observed_ns=log.observed_time_unix_nano or None,
                    severity_number=log.severity_number,
                    severity_text=log.severity_text or None,
                    event_name=log.event_name or None,
                    body=any_value(log.body, into),
                    attributes=attributes(log.attributes, into),
                    flags=log.flags,
                    dropped_attributes=log.dropped_attributes_count,
                    **shared,
                )
            )

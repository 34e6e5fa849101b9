"""JSON requests into records, equal to what the same request gives in protobuf."""

from __future__ import annotations

from typing import Any

import orjson

from tellwhy_collector.decode.nouns import (
    NO_SPAN,
    NO_TRACE,
    Decoded,
    Signal,
    given,
    wrong_log_ids,
    wrong_span_ids,
)
from tellwhy_collector.decode.text_metrics import points
from tellwhy_collector.decode.text_scopes import scopes
from tellwhy_collector.decode.text_values import (
    Object,
    any_value,
    attributes,
    identifier,
    message,
    messages,
    signed,
    small,
    text,
    unsigned,
)
from tellwhy_collector.errors import MalformedExport
from tellwhy_collector.records import LogRecord, Span
from tellwhy_collector.surrogates import whole_characters


def decode_json(body: bytes, signal: Signal) -> Decoded:
    """The records of one JSON request.

    Raises:
        MalformedExport: *body* is not UTF-8 JSON, not an object, or a key of OTLP holds a value of
            another type.
    """
    try:
        # The standard library's json would take UTF-16, NaN and 1e999, and fail on deep nesting
        # with RecursionError; orjson takes none of them and has one error.
        request = _loaded(body)
    except orjson.JSONDecodeError as error:
        raise MalformedExport(
            f"The body is not JSON: {error}. Send OTLP/JSON in UTF-8, and name the encoding in "
            "Content-Type."
        ) from None
    if type(request) is not dict:
        raise MalformedExport(f"The body is a JSON {type(request).__name__}; OTLP has an object.")
    into = Decoded()
    if signal == "traces":
        _spans(request, into)
    elif signal == "logs":
        _logs(request, into)
    else:
        points(request, into)
    return into


def _loaded(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            raise
        return orjson.loads(whole_characters(body))


def _events(span: Object, into: Decoded) -> tuple[dict[str, Any], ...]:
    found = []
    for event in messages(span, "events"):
        one = {
            "time_ns": unsigned(event, "timeUnixNano"),
            "name": text(event, "name"),
            "attributes": attributes(event, "attributes", 4, into),
        }
        if dropped := small(event, "droppedAttributesCount"):
            one["dropped_attributes"] = dropped
        found.append(one)
    return tuple(found)


def _links(span: Object, into: Decoded) -> tuple[dict[str, Any], ...] | None:
    """The links of a span; None when an id in them is not hexadecimal."""
    found = []
    for link in messages(span, "links"):
        one: dict[str, Any] = {
            "trace_id": identifier(link, "traceId"),
            "span_id": identifier(link, "spanId"),
            "attributes": attributes(link, "attributes", 4, into),
        }
        if state := text(link, "traceState"):
            one["trace_state"] = state
        if flags := small(link, "flags"):
            one["flags"] = flags
        if dropped := small(link, "droppedAttributesCount"):
            one["dropped_attributes"] = dropped
        found.append(one)
    if any(one["trace_id"] is None or one["span_id"] is None for one in found):
        return None
    return tuple(found)


def _spans(request: Object, into: Decoded) -> None:
    for inner, shared in scopes(request, "resourceSpans", "scopeSpans", into):
        for span in messages(inner, "spans"):
            _span(span, shared, into)


def _span(span: Object, shared: dict[str, Any], into: Decoded) -> None:
    repeated_before = into.repeated_keys
    ids = [identifier(span, key) for key in ("traceId", "spanId", "parentSpanId")]
    links, status = _links(span, into), message(span, "status")
    decoded = Span(
        ids[0] or "",
        ids[1] or "",
        given(ids[2] or "", NO_SPAN),
        text(span, "traceState") or None,
        text(span, "name"),
        signed(span, "kind"),
        unsigned(span, "startTimeUnixNano"),
        unsigned(span, "endTimeUnixNano") or None,
        signed(status, "code"),
        text(status, "message") or None,
        attributes(span, "attributes", 3, into),
        _events(span, into),
        links or (),
        small(span, "flags"),
        dropped_attributes=small(span, "droppedAttributesCount"),
        dropped_events=small(span, "droppedEventsCount"),
        dropped_links=small(span, "droppedLinksCount"),
        **shared,
    )
    if None in ids or links is None:
        wrong: str | None = "an id is not hexadecimal text of whole bytes"
    else:
        wrong = wrong_span_ids(decoded.trace_id, decoded.span_id, ids[2] or "")
    if wrong:
        into.repeated_keys = repeated_before
        into.reject(f"Span {decoded.name[:80]!r}: {wrong}.")
    else:
        into.records.append(decoded)


def _logs(request: Object, into: Decoded) -> None:
    for inner, shared in scopes(request, "resourceLogs", "scopeLogs", into):
        for log in messages(inner, "logRecords"):
            _log(log, shared, into)


def _log(log: Object, shared: dict[str, Any], into: Decoded) -> None:
    repeated_before = into.repeated_keys
    ids = [identifier(log, key) for key in ("traceId", "spanId")]
    observed = unsigned(log, "observedTimeUnixNano")
    decoded = LogRecord(
        trace_id=given(ids[0] or "", NO_TRACE),
        span_id=given(ids[1] or "", NO_SPAN),
        time_ns=unsigned(log, "timeUnixNano") or observed,
        observed_ns=observed or None,
        severity_number=signed(log, "severityNumber"),
        severity_text=text(log, "severityText") or None,
        event_name=text(log, "eventName") or None,
        body=any_value(log.get("body"), 4, into),
        attributes=attributes(log, "attributes", 3, into),
        flags=small(log, "flags"),
        dropped_attributes=small(log, "droppedAttributesCount"),
        **shared,
    )
    if None in ids:
        wrong: str | None = "an id is not hexadecimal text of whole bytes"
    else:
        wrong = wrong_log_ids(ids[0] or "", ids[1] or "")
    if wrong:
        into.repeated_keys = repeated_before
        into.reject(f"Log record {(decoded.event_name or '')[:80]!r}: {wrong}.")
    else:
        into.records.append(decoded)

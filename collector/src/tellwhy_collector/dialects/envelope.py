"""What a span says in every dialect alike: ids, times, status, error, service, user."""

from typing import Any

from tellwhy_collector.dialects.reading import (
    as_bool,
    as_int,
    first_of,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import Kind, Span, Status, Step

PAUSES = frozenset(
    {
        "langgraph.errors.GraphInterrupt",
        "langgraph.errors.NodeInterrupt",
        "workflows.runtime.types.results.WaitingForEvent",
    }
)
"""Exceptions by which a framework waits for a person. The tool asks; it has not failed."""

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000


def step_of_span(span: Span, dialect: str, kind: Kind, **fields: Any) -> Step:
    """The step that *span* tells of, with what every dialect reads alike already filled in.

    Args:
        span: The record.
        dialect: Name of the dialect that reads it.
        kind: What the dialect says the step is; a pause for approval overrides a tool call.
        fields: Fields of `Step` that the dialect knows; they win over the common reading.
    """
    attributes = span.attributes
    error_type, error_message = error_of(span)
    if kind == "tool_call" and (pause := pause_of(span, error_type)):
        kind, error_type, error_message = "human", None, None
        fields |= {"approval_decision": "asked", "status": "ok", "input": pause}
    told: dict[str, Any] = {
        "trace_id": span.trace_id,
        "span_id": span.span_id,
        "parent_span_id": span.parent_span_id,
        "dialect": dialect,
        "kind": kind,
        "start_ns": span.start_ns,
        "end_ns": span.end_ns,
        "run_id": span.trace_id,
        "source": "span",
        "name": span.name,
        "status": status_of(span, error_type),
        "service_name": text_of(span.resource, "service.name"),
        "conversation_id": text_of(attributes, "gen_ai.conversation.id", "session.id"),
        "user_id": text_of(attributes, "user.id", "enduser.id"),
        "agent_name": text_of(attributes, "gen_ai.agent.name"),
        "agent_version": text_of(attributes, "gen_ai.agent.version"),
    }
    told |= {name: value for name, value in fields.items() if value is not None}
    if told["status"] == "error":
        told.setdefault("error_type", error_type)
        told.setdefault("error_message", error_message)
    return Step(**told)


def status_of(span: Span, error_type: str | None) -> Status:
    """How the span ended; an ``error.type`` counts although the status was left unset."""
    if span.end_ns is None:
        return "pending"
    if span.status_code == 2 or (span.status_code == 0 and error_type is not None):
        return "error"
    return "ok"


def lost_reason(span: Span) -> str | None:
    """How the process ended before *span* did; None when the span ended by itself, or has not."""
    attributes = span.attributes
    if "tellwhy.lost" not in attributes or span.end_ns is None:
        return None
    if not as_bool(attributes["tellwhy.lost"]):
        return None
    return text_of(attributes, "tellwhy.lost.reason") or "unknown"


def error_of(span: Span) -> tuple[str | None, str | None]:
    """Type and message of what went wrong, from attributes, exception event or status."""
    attributes = span.attributes
    kind = text_of(attributes, "error.type")
    message = text_of(attributes, "error.message", "exception.message")
    if span.status_code == 2:
        exception = exception_of(span)
        kind = kind or text_of(exception, "exception.type")
        message = message or text_of(exception, "exception.message") or span.status_message
    return kind, message


def exception_of(span: Span) -> dict[str, Any]:
    """Attributes of the last exception event, empty if there is none."""
    for event in reversed(span.events):
        if event.get("name") == "exception" and isinstance(event.get("attributes"), dict):
            found: dict[str, Any] = event["attributes"]
            return found
    return {}


def pause_of(span: Span, error_type: str | None) -> str | None:
    """What a framework asked a person before the tool may run on, None if it did not."""
    exception = exception_of(span)
    for kind in (error_type, text_of(exception, "exception.type")):
        if kind in PAUSES:
            return text_of(exception, "exception.message") or span.status_message or kind
    return None


def attempts_of(span: Span) -> int | None:
    """HTTP attempts, from the number of resends where a client tells it."""
    resends = as_int(first_of(span.attributes, "http.request.resend_count"))
    return None if resends is None else resends + 1


def first_chunk_of(span: Span) -> int | None:
    """Nanoseconds from the request to the first chunk."""
    seconds = first_of(
        span.attributes,
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.client.operation.time_to_first_chunk",
        "gen_ai.server.time_to_first_token",
    )
    return nanoseconds(seconds, unit_ns=SECOND_NS)


def inclusive_input(
    tokens: int | None, cache_read: int | None, cache_write: int | None
) -> int | None:
    """Prompt tokens with cache reads and writes.

    A sender that counts them apart betrays itself when the parts are more than the whole.
    """
    cached = (cache_read or 0) + (cache_write or 0)
    if tokens is None:
        return None
    return tokens + cached if tokens < cached else tokens

"""Log events of the GenAI conventions: content that a sender keeps off its spans.

One details event for a call, or one event for each message and choice as until 1.36. An event
belongs to the call whose span it was sent under; `reconstruct` makes the two one step. Until that
span comes, or if it never comes, an event that holds an answer is a model call itself.

Source: GenAI conventions 1.28 to 1.42-dev; opentelemetry-instrumentation-genai-* 1.3b0, captured,
which put everything into attributes; opentelemetry-instrumentation-openai-v2 2.1b0, whose messages
are in the body; Azure AI Inference and Semantic Kernel, which name the event in ``event.name``.
"""

from typing import Any

import orjson

from tellwhy_collector.dialects.envelope import step_of_span
from tellwhy_collector.dialects.event_messages import (
    CHOICE,
    CONTENT,
    DETAILS,
    ROLES,
    message_of_event,
)
from tellwhy_collector.dialects.otel_genai import agent_fields, kind_of, model_fields, tool_fields
from tellwhy_collector.dialects.reading import as_dict, derived_id, text_of
from tellwhy_collector.records import Kind, LogRecord, Record, Span, Step

NAME = "otel_genai"
EXCEPTION = "gen_ai.client.operation.exception"
EVENTS = frozenset({DETAILS, CHOICE, EXCEPTION, *ROLES})
"""Names of the events that tell of a model call."""
ORDER = {name: place for place, name in enumerate((*ROLES, CHOICE, DETAILS, EXCEPTION))}
"""Which comes first where clocks do not tell: some senders have milliseconds only."""


def recognises(record: Record) -> bool:
    """Log records named as one of these events."""
    return isinstance(record, LogRecord) and name_of(record) in EVENTS


def name_of(record: LogRecord) -> str | None:
    """The event's name: from its own field, from the older attribute, or from the body."""
    name = record.event_name or text_of(record.attributes, "event.name")
    if name is not None:
        return name
    if isinstance(record.body, dict):
        return text_of(record.body, "event.name", "event_name")
    return record.body if isinstance(record.body, str) else None


def lone_trace(response_id: str) -> str:
    """The trace of the events of an answer that were sent without any."""
    return derived_id(NAME, "response", response_id, size_bytes=16)


def read(record: Record) -> Step | None:
    """What an event adds to a call, or the call as far as the event knows it."""
    name = name_of(record) if isinstance(record, LogRecord) else None
    if not isinstance(record, LogRecord) or name is None:
        return None
    attributes = _attributes(record, name)
    response_id = text_of(attributes, "gen_ai.response.id")
    own = (name, record.time_ns, record.span_id, response_id, _text(attributes, name))
    trace_id = record.trace_id or (
        lone_trace(response_id) if response_id else derived_id(NAME, *own, size_bytes=16)
    )
    span = Span(
        trace_id=trace_id,
        span_id=derived_id(NAME, trace_id, *own),
        parent_span_id=record.span_id,
        trace_state=None,
        name=name,
        kind=0,
        start_ns=record.time_ns,
        end_ns=record.time_ns,
        status_code=0,
        status_message=None,
        attributes=attributes,
        events=(),
        links=(),
        flags=record.flags,
        resource=record.resource,
        scope_name=record.scope_name,
        scope_version=record.scope_version,
    )
    operation = text_of(attributes, "gen_ai.operation.name")
    kind = _kind(span, name, operation)
    fields = _FIELDS.get(kind, model_fields)(attributes)
    return step_of_span(span, NAME, kind, source="log", operation=operation, **fields)


_FIELDS = {"agent": agent_fields, "tool_call": tool_fields}


def _kind(span: Span, name: str, operation: str | None) -> Kind:
    """A message alone is no call."""
    if name in ROLES:
        return "other"
    kind = kind_of(span)
    return "model_call" if kind == "other" and operation is None else kind


def _attributes(record: LogRecord, name: str) -> dict[str, Any]:
    """Attributes, with what the body says under the names of the conventions."""
    body = as_dict(record.body)
    found = {key: value for key, value in body.items() if key.startswith("gen_ai.")}
    found |= record.attributes
    if name == EXCEPTION and "error.type" not in found:
        found["error.type"] = found.get("exception.type", "exception")
    if name in ROLES or name == CHOICE:
        where, message = message_of_event(name, _said(record, body))
        found.setdefault(where, [message])
        reason = message.get("finish_reason")
        if where == CONTENT[1] and reason:
            found.setdefault("gen_ai.response.finish_reasons", [reason])
    return found


def _text(attributes: dict[str, Any], name: str) -> bytes | None:
    """What tells messages apart that are alike in all else, down to the millisecond."""
    if name not in ROLES and name != CHOICE:
        return None
    said = [attributes.get(key) for key in CONTENT]
    return orjson.dumps(said, option=orjson.OPT_SORT_KEYS, default=str)


def _said(record: LogRecord, body: dict[str, Any]) -> dict[str, Any]:
    """Where the message of an event stands: in the body, in one attribute, or in several."""
    content = as_dict(record.attributes.get("gen_ai.event.content"))
    if body or content:
        return body or content
    if isinstance(record.body, str) and record.body and record.body not in EVENTS:
        return {"content": record.body, **record.attributes}
    return record.attributes

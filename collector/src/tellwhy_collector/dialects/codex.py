"""Codex: what its log events tell. Its spans are the inside of a program and stay ``other``.

Half of the events carry the trace of the span they were logged in and half carry none, the token
counts among these. One session is therefore one run in a trace of its own, made of the
conversation id; the spans, some six hundred for two calls, stay in their own traces and carry
the conversation id as well.

Source: codex 0.169.0, captured; codex-rs/otel/src/events/session_telemetry.rs for the events that
the capture does not hold.
"""

from typing import Any

from tellwhy_collector.dialects.envelope import MILLISECOND_NS, step_of_span
from tellwhy_collector.dialects.reading import (
    as_bool,
    as_count,
    as_structure,
    count_of,
    derived_id,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import LogRecord, Record, Span, Step

NAME = "codex"
PREFIX = "codex."
CRATES = "codex_"
"""Its spans name the Rust module that they come from in ``target``."""
MAIN_AGENT = "/root"
REDACTED = "[REDACTED]"
MODEL_ENDPOINTS = ("/responses", "/chat/completions")
HTTP_ERROR = 400
ENDINGS = (None, "unknown", "response.failed", "response.incomplete", "response.completed")
"""Kinds of a stream's event that with an error end it; others could merely not be parsed."""


def recognises(record: Record) -> bool:
    """Events named ``codex.…``, and spans of its crates."""
    if isinstance(record, LogRecord):
        return _event(record).startswith(PREFIX)
    return (text_of(record.attributes, "target") or "").startswith(CRATES)


def read(record: Record) -> Step | None:
    """The step of one event; None for events that tell of no step. A span is ``other``."""
    attributes = record.attributes
    if isinstance(record, Span):
        found = {
            "conversation_id": text_of(attributes, "conversation.id", "thread_id"),
            "turn_id": text_of(attributes, "turn.id"),
        }
        return step_of_span(record, NAME, "other", **found)
    event = _event(record).removeprefix(PREFIX)
    reader = _READERS.get(event)
    if reader is None or not text_of(attributes, "conversation.id"):
        return None
    told: dict[str, Any] | None = reader(record)
    return None if told is None else _step(record, event, told)


def _event(record: LogRecord) -> str:
    """The attribute alone: the field of OTLP holds a place in the source code."""
    return text_of(record.attributes, "event.name") or ""


def _step(record: LogRecord, event: str, told: dict[str, Any]) -> Step:
    attributes = record.attributes
    session = text_of(attributes, "conversation.id")
    trace_id = derived_id(NAME, session, size_bytes=16)
    root = derived_id(NAME, session)
    own = derived_id(NAME, session, event, record.time_ns, attributes.get("call_id"))
    starts = event == "conversation_starts"
    agent = text_of(attributes, "agent_name")
    common: dict[str, Any] = {
        "agent_name": agent if agent and agent != MAIN_AGENT else NAME,
        "start_ns": record.time_ns - (_duration(record) or 0),
        "status": "ok",
    }
    return Step(
        trace_id=trace_id,
        span_id=root if starts else own,
        parent_span_id=None if starts else root,
        run_id=trace_id,
        source="log",
        dialect=NAME,
        name=f"{PREFIX}{event}",
        end_ns=record.time_ns,
        operation=event,
        agent_version=text_of(attributes, "app.version"),
        service_name=text_of(record.resource, "service.name"),
        conversation_id=session,
        user_id=text_of(attributes, "user.account_id", "user.email"),
        **(common | told),
    )


def _duration(record: LogRecord) -> int | None:
    return nanoseconds(record.attributes.get("duration_ms"), unit_ns=MILLISECOND_NS)


def _session(record: LogRecord) -> dict[str, Any]:
    """The run itself. Sent once, when the session begins."""
    attributes = record.attributes
    return {
        "kind": "agent",
        "provider": text_of(attributes, "provider_name"),
        "request_model": text_of(attributes, "model"),
    }


def _prompt(record: LogRecord) -> dict[str, Any]:
    prompt = text_of(record.attributes, "prompt")
    return {"kind": "other", "input": None if prompt == REDACTED else prompt}


def _model(record: LogRecord) -> dict[str, Any]:
    model = text_of(record.attributes, "model")
    return {"kind": "model_call", "request_model": model}


def _request(record: LogRecord) -> dict[str, Any] | None:
    """One HTTP attempt. The answer to a good one is told by its stream, a bad one is all there is.

    Duration is the time until the headers came.
    """
    attributes = record.attributes
    endpoint = text_of(attributes, "endpoint")
    status = as_count(attributes.get("http.response.status_code"))
    error = text_of(attributes, "error.message", "auth.error")
    attempt = as_count(attributes.get("attempt"))
    told: dict[str, Any] = {
        "kind": "other",
        "attempts": None if attempt is None else attempt + 1,
        "request_id": text_of(attributes, "auth.request_id"),
    }
    if error is None and (status is None or status < HTTP_ERROR):
        return told
    failure = {"status": "error", "error_type": str(status or "error"), "error_message": error}
    asked = endpoint is None or endpoint.endswith(MODEL_ENDPOINTS)
    # Each failed attempt is a record of its own, so their numbers must not be added up again.
    return told | failure | ({**_model(record), "attempts": 1} if asked else {})


def _stream(record: LogRecord) -> dict[str, Any] | None:
    """The last event of a stream, which holds the counts; all other events are no steps.

    Nobody tells when the request began; the time to the first token is what is sure of it.
    """
    attributes = record.attributes
    error = text_of(attributes, "error.message")
    if error is not None:
        if text_of(attributes, "event.kind") not in ENDINGS:
            return None
        failure = {"status": "error", "error_type": "stream_error", "error_message": error}
        return _model(record) | failure
    if "input_token_count" not in attributes and "output_token_count" not in attributes:
        return None
    first = nanoseconds(attributes.get("ttft_ms"), unit_ns=MILLISECOND_NS)
    return _model(record) | {
        "start_ns": record.time_ns - (first or 0),
        "time_to_first_chunk_ns": first,
        "input_tokens": count_of(attributes, "input_token_count"),
        "output_tokens": count_of(attributes, "output_token_count"),
        "cache_read_tokens": count_of(attributes, "cached_token_count"),
        "cache_write_tokens": count_of(attributes, "cache_write_token_count"),
        "reasoning_tokens": count_of(attributes, "reasoning_token_count"),
    }


def _decision(record: LogRecord) -> dict[str, Any]:
    """``approved``, ``approved_for_session``, ``approved_…``; ``denied``, ``abort`` and others."""
    decision = (text_of(record.attributes, "decision") or "").lower()
    source = text_of(record.attributes, "source")
    told = None
    if decision:
        told = "approved" if decision.startswith("approved") else "denied"
    return {
        "kind": "human",
        "approval_decision": told,
        "approver": source,
        "approver_kind": _approver_kind(source),
        **_tool(record),
    }


def _approver_kind(source: str | None) -> str:
    if source is None:
        return "unknown"
    return "person" if source.lower() == "user" else "rule"


def _result(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    failed = as_bool(attributes.get("success")) is False
    output = text_of(attributes, "output")
    return {
        "kind": "tool_call",
        "status": "error" if failed else "ok",
        "error_type": "tool_error" if failed else None,
        "error_message": output if failed else None,
        "tool_arguments": as_structure(attributes.get("arguments")),
        "tool_result": output,
        **_tool(record),
    }


def _tool(record: LogRecord) -> dict[str, Any]:
    return {
        "tool_name": text_of(record.attributes, "tool_name"),
        "tool_call_id": text_of(record.attributes, "call_id"),
    }


_READERS = {
    "conversation_starts": _session,
    "user_prompt": _prompt,
    "api_request": _request,
    "websocket_request": _request,
    "sse_event": _stream,
    "tool_decision": _decision,
    "tool_result": _result,
}

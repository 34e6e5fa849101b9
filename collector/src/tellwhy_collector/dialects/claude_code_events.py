"""Log events of Claude Code: the only source when its traces are off, the richer one when on.

Without traces every step hangs under an id made of session and prompt, so that one prompt is
one run. With traces the events carry the ids of their spans.

Source: Claude Code 2.1.330 and 2.1.197, scope ``com.anthropic.claude_code.events``; the event's
name is in ``event.name``; ``success`` and ``duration_ms`` of tool results are text.
"""

from typing import Any

from tellwhy_collector.dialects.claude_code import (
    agent_of,
    approval_fields,
    model_fields,
    tool_fields,
    unredacted,
)
from tellwhy_collector.dialects.envelope import MILLISECOND_NS
from tellwhy_collector.dialects.otel_genai import event_of, reported_cost
from tellwhy_collector.dialects.reading import (
    as_bool,
    as_count,
    derived_id,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import Kind, LogRecord, Record, Step

NAME = "claude_code"
SCOPE = "com.anthropic.claude_code"
PREFIX = "claude_code."


def recognises(record: Record) -> bool:
    """Log records of its scope, or whose body names one of its events."""
    if not isinstance(record, LogRecord):
        return False
    if (record.scope_name or "").startswith(SCOPE):
        return True
    return isinstance(record.body, str) and record.body.startswith(PREFIX)


def read(record: Record) -> Step | None:
    """The step of one event; None for events that tell of no step, such as a loaded plugin."""
    if not isinstance(record, LogRecord):
        return None
    event = event_of(record) or (record.body if isinstance(record.body, str) else "")
    event = event.removeprefix(PREFIX)
    reader = _READERS.get(event)
    if reader is None or not text_of(record.attributes, "session.id"):
        return None
    told: dict[str, Any] | None = reader(record)
    return None if told is None else _step(record, event, told)


def _step(record: LogRecord, event: str, told: dict[str, Any]) -> Step:
    attributes = record.attributes
    session = text_of(attributes, "session.id")
    prompt = text_of(attributes, "prompt.id", "prompt_id")
    trace_id = record.trace_id or derived_id(NAME, session, prompt, size_bytes=16)
    root = derived_id(NAME, session, prompt, "user_prompt")
    told_apart = ("event.sequence", "request_id", "tool_use_id", "hook_name", "message.uuid")
    own = derived_id(
        NAME, session, prompt, event, record.time_ns, *(attributes.get(key) for key in told_apart)
    )
    untraced_prompt = event == "user_prompt" and not record.span_id
    common: dict[str, Any] = {
        "agent_name": agent_of(attributes),
        "agent_version": text_of(attributes, "app.version")
        or text_of(record.resource, "service.version"),
        "start_ns": record.time_ns - (_duration(record) or 0),
        "status": "ok",
        "operation": event,
    }
    return Step(
        trace_id=trace_id,
        span_id=root if untraced_prompt else own,
        parent_span_id=None if untraced_prompt else record.span_id or root,
        run_id=trace_id,
        source="log",
        dialect=NAME,
        name=f"{PREFIX}{event}",
        end_ns=record.time_ns,
        service_name=text_of(record.resource, "service.name"),
        conversation_id=session,
        turn_id=prompt,
        user_id=text_of(attributes, "user.id"),
        **(common | told),
    )


def _duration(record: LogRecord) -> int | None:
    return nanoseconds(record.attributes.get("duration_ms"), unit_ns=MILLISECOND_NS)


def _user_prompt(record: LogRecord) -> dict[str, Any]:
    """The run itself; with traces only a part of the interaction's span."""
    kind: Kind = "other" if record.span_id else "agent"
    return {"kind": kind, "input": unredacted(text_of(record.attributes, "prompt"))}


def _api_request(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    return {
        "kind": "model_call",
        "attempts": as_count(attributes.get("attempt")),
        **model_fields(attributes),
        **reported_cost(attributes.get("cost_usd")),
    }


def _api_error(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    return _api_request(record) | {
        "status": "error",
        "error_type": text_of(attributes, "error_type", "error_class", "status_code"),
        "error_message": text_of(attributes, "error"),
    }


def _assistant_response(record: LogRecord) -> dict[str, Any]:
    """The text of a model call that ``api_request`` tells of: a part of it, by request id."""
    text = unredacted(text_of(record.attributes, "response"))
    said = [{"role": "assistant", "parts": [{"type": "text", "content": text}]}]
    return {
        "kind": "other",
        "request_id": text_of(record.attributes, "request_id"),
        "output_messages": said if text else None,
    }


def _tool_decision(record: LogRecord) -> dict[str, Any]:
    request_id = text_of(record.attributes, "request_id")
    fields = approval_fields(record.attributes) | tool_fields(record.attributes)
    return {"kind": "human", "request_id": request_id, **fields}


def _tool_result(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    failed = as_bool(attributes.get("success")) is False
    return {
        "kind": "tool_call",
        "request_id": text_of(attributes, "request_id"),
        "status": "error" if failed else "ok",
        "error_type": (text_of(attributes, "error_type") or "tool_error") if failed else None,
        "error_message": text_of(attributes, "error") if failed else None,
        **tool_fields(attributes),
    }


def _hook(record: LogRecord) -> dict[str, Any] | None:
    """A hook that stood in the way; hooks that let pass are not steps."""
    attributes = record.attributes
    if not as_count(attributes.get("num_blocking")):
        return None
    duration = nanoseconds(attributes.get("total_duration_ms"), unit_ns=MILLISECOND_NS)
    return {
        "kind": "guardrail",
        "operation": text_of(attributes, "hook_event"),
        "start_ns": record.time_ns - (duration or 0),
        "output": {"hook": text_of(attributes, "hook_name"), "blocked": True},
    }


def _subagent(record: LogRecord) -> dict[str, Any]:
    return {"kind": "agent", "agent_name": text_of(record.attributes, "agent.name", "agent_type")}


def _compaction(_: LogRecord) -> dict[str, Any]:
    return {"kind": "other"}


_READERS = {
    "user_prompt": _user_prompt,
    "api_request": _api_request,
    "api_error": _api_error,
    "api_refusal": _api_error,
    "assistant_response": _assistant_response,
    "tool_decision": _tool_decision,
    "tool_result": _tool_result,
    "hook_execution_complete": _hook,
    "subagent_completed": _subagent,
    "compaction": _compaction,
}

"""Log events of Gemini CLI: the counts and answers of its calls, and who let a tool run.

They stand in the trace of their session beside the spans (`gemini_cli`); a call that both tell is
one step in the end.

Source: Gemini CLI 0.61.0, captured; packages/core/src/telemetry/types.ts for ``api_error`` and
``conseca.verdict``.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of
from tellwhy_collector.dialects.envelope import MILLISECOND_NS
from tellwhy_collector.dialects.event_messages import DETAILS
from tellwhy_collector.dialects.gemini_cli import AGENT, SCOPE, at_home, session_of
from tellwhy_collector.dialects.messages import instructions_of, messages_of, split_system
from tellwhy_collector.dialects.reading import (
    as_bool,
    as_dict,
    as_list,
    as_structure,
    count_of,
    derived_id,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import LogRecord, Record, Step

NAME = "gemini_cli"
PREFIX = "gemini_cli."
APPROVALS = {
    "accept": "approved",
    "auto_accept": "approved",
    "modify": "approved",
    "reject": "denied",
}
APPROVER_KINDS = {"auto_accept": "rule", "modify": "person"}
"""Whether a person accepted or a policy is not recorded."""


def recognises(record: Record) -> bool:
    """Log records of its scope, or named as its events are."""
    if not isinstance(record, LogRecord):
        return False
    return record.scope_name == SCOPE or _event(record).startswith(PREFIX)


def _event(record: LogRecord) -> str:
    return text_of(record.attributes, "event.name") or record.event_name or ""


def read(record: Record) -> Step | None:
    """The step of one event; None for events that tell of no step."""
    if not isinstance(record, LogRecord):
        return None
    event = _event(record).removeprefix(PREFIX)
    reader = _READERS.get(event)
    session = session_of(record)
    if reader is None or session is None:
        return None
    told: dict[str, Any] | None = reader(record)
    return None if told is None else at_home(_step(record, event, session, told), session)


def _step(record: LogRecord, event: str, session: str, told: dict[str, Any]) -> Step:
    attributes = record.attributes
    own = derived_id(
        NAME, session, event, record.time_ns, attributes.get("function_name"), record.span_id
    )
    common: dict[str, Any] = {
        "start_ns": record.time_ns - (_duration(record) or 0),
        "end_ns": record.time_ns,
        "status": "ok",
    }
    return Step(
        trace_id="",
        span_id=derived_id(NAME, session) if event == "config" else own,
        parent_span_id=record.span_id,
        run_id="",
        source="log",
        dialect=NAME,
        name=f"{PREFIX}{event}" if event != DETAILS else event,
        service_name=text_of(record.resource, "service.name"),
        conversation_id=session,
        turn_id=text_of(attributes, "prompt_id"),
        user_id=text_of(attributes, "user.email"),
        agent_name=AGENT,
        operation=event,
        **(common | told),
    )


def _duration(record: LogRecord) -> int | None:
    return nanoseconds(record.attributes.get("duration_ms"), unit_ns=MILLISECOND_NS)


def _config(record: LogRecord) -> dict[str, Any]:
    """The run itself. Sent once, when the session begins."""
    return {"kind": "agent", "request_model": text_of(record.attributes, "model")}


def _prompt(record: LogRecord) -> dict[str, Any]:
    return {"kind": "other", "input": text_of(record.attributes, "prompt")}


def _model(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    vertex = "vertex" in (text_of(attributes, "auth_type") or "")
    return {
        "kind": "model_call",
        "provider": "gcp.vertex_ai" if vertex else "gcp.gemini",
        "request_model": text_of(attributes, "model"),
    }


def _answer(record: LogRecord) -> dict[str, Any]:
    """A call that was answered; the answer is a list of the chunks of its stream."""
    attributes = record.attributes
    chunks = [as_dict(chunk) for chunk in as_list(attributes.get("response_text")) or ()]
    parts = [part for chunk in chunks for part in _parts(chunk)]
    output = messages_of([{"role": "model", "parts": parts}]) if parts else None
    finish = finish_of(attributes.get("finish_reasons"))
    answered = count_of(attributes, "output_token_count")
    thought = count_of(attributes, "thoughts_token_count")
    return _model(record) | {
        "response_model": next((c["modelVersion"] for c in chunks if "modelVersion" in c), None),
        "response_id": next((c["responseId"] for c in chunks if "responseId" in c), None),
        "finish_reason": finish,
        "output_messages": output,
        "input_tokens": count_of(attributes, "input_token_count"),
        "output_tokens": None if answered is None else answered + (thought or 0),
        "cache_read_tokens": count_of(attributes, "cached_content_token_count"),
        "reasoning_tokens": thought,
        **(choice_fields(output, finish) if output else {}),
    }


def _parts(chunk: dict[str, Any]) -> list[Any]:
    for candidate in as_list(chunk.get("candidates")) or ():
        content = as_dict(as_dict(candidate).get("content"))
        return as_list(content.get("parts")) or []
    return []


def _error(record: LogRecord) -> dict[str, Any]:
    attributes = record.attributes
    return _model(record) | {
        "status": "error",
        "error_type": text_of(attributes, "error_type", "error.type", "status_code"),
        "error_message": text_of(attributes, "error.message", "error"),
    }


def _details(record: LogRecord) -> dict[str, Any] | None:
    """What a call was asked: a part of its span. The answer stands in ``api_response`` too."""
    attributes = record.attributes
    if not record.span_id:
        return None
    messages, instructions = split_system(
        messages_of(attributes.get("gen_ai.input.messages")),
        instructions_of(attributes.get("gen_ai.system_instructions")),
    )
    if messages is None:
        return None
    return {"kind": "other", "input_messages": messages, "system_instructions": instructions}


def _tool(record: LogRecord) -> dict[str, Any] | None:
    """Who let a tool run; where no span tells of the call, the call."""
    attributes = record.attributes
    decision = text_of(attributes, "decision")
    approval = {
        "tool_name": text_of(attributes, "function_name"),
        "tool_arguments": as_structure(attributes.get("function_args")),
        "approval_decision": APPROVALS.get(decision or ""),
        "approver": decision,
        "approver_kind": APPROVER_KINDS.get(decision or "", "unknown") if decision else None,
    }
    failed = as_bool(attributes.get("success")) is False
    error = {
        "error_type": text_of(attributes, "error_type", "error.type"),
        "error_message": text_of(attributes, "error.message", "error"),
    }
    if record.span_id:
        began = record.time_ns - (_duration(record) or 0)
        came_of_it = error if failed else None
        human = {"kind": "human", "end_ns": began, "output": came_of_it}
        return human | approval if decision else None
    outcome = {"status": "error", **error} if failed else {}
    return {"kind": "tool_call", **outcome, **approval}


def _verdict(record: LogRecord) -> dict[str, Any]:
    """A tool call as a safety checker saw it."""
    attributes = record.attributes
    return {
        "kind": "guardrail",
        "input": as_structure(attributes.get("tool_call")),
        "output": {
            "verdict": text_of(attributes, "verdict"),
            "rationale": text_of(attributes, "verdict_rationale"),
        },
    }


_READERS = {
    "config": _config,
    "user_prompt": _prompt,
    "api_response": _answer,
    "api_error": _error,
    "tool_call": _tool,
    "conseca.verdict": _verdict,
    DETAILS: _details,
}

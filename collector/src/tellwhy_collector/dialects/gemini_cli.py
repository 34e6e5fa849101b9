"""Spans of Gemini CLI, each model call and each round of tools in a trace of its own.

One session is one run, so its steps are put into a trace that is made of the session's id; the
spans keep theirs. Without ``telemetry.traces`` a span has neither messages nor counts, and its
events (`gemini_cli_events`) have them. What it counts as output leaves the thoughts out.

Source: Gemini CLI 0.61.0, scope ``gemini-cli``, captured with and without ``telemetry.traces``.
"""

from typing import Any

from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import (
    as_dict,
    as_structure,
    derived_id,
    text_of,
)
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "gemini_cli"
SCOPE = "gemini-cli"
AGENT = "gemini-cli"

OPERATIONS = {"llm_call": "chat", "tool_call": "execute_tool", "agent_call": "invoke_agent"}
"""Its operations in the words of the conventions; prompts and schedules are ``other``."""
DENIED = ("cancelled", "canceled")


def recognises(record: Record) -> bool:
    """Spans of its scope or of its agent."""
    if not isinstance(record, Span):
        return False
    return record.scope_name == SCOPE or record.attributes.get("gen_ai.agent.name") == AGENT


def read(record: Record) -> Step | None:
    """The step by its operation."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    operation = text_of(attributes, "gen_ai.operation.name") or record.name
    plain = {**attributes, "gen_ai.operation.name": OPERATIONS.get(operation, operation)}
    step = read_span(replace(record, attributes=plain), NAME)
    fields: dict[str, Any] = {
        "operation": operation,
        "conversation_id": step.conversation_id or session_of(record),
        "turn_id": text_of(attributes, "gen_ai.prompt.name"),
    }
    if step.kind == "tool_call":
        fields |= _tool(step, attributes)
    elif operation in ("user_prompt", "system_prompt"):
        fields["input"] = as_structure(attributes.get("gen_ai.input.messages"))
    told = {name: value for name, value in fields.items() if value is not None}
    return at_home(replace(step, **told), session_of(record))


def session_of(record: Record) -> str | None:
    """The session, which stands on the record or on its resource."""
    return text_of(record.attributes, "session.id", "gen_ai.conversation.id") or text_of(
        record.resource, "session.id"
    )


def at_home(step: Step, session: str | None) -> Step:
    """*step* in the trace of its session, under the session's first step if under none."""
    if session is None:
        return step
    trace_id = derived_id(NAME, session, size_bytes=16)
    root = derived_id(NAME, session)
    parent = None if step.span_id == root else step.parent_span_id or root
    return replace(step, trace_id=trace_id, run_id=trace_id, parent_span_id=parent)


def _tool(step: Step, attributes: dict[str, Any]) -> dict[str, Any]:
    """Arguments and result out of the scheduler's own objects."""
    asked = as_dict(attributes.get("gen_ai.input.messages"))
    ended = as_dict(attributes.get("gen_ai.output.messages"))
    response = as_dict(ended.get("response"))
    fields: dict[str, Any] = {
        "tool_call_id": step.tool_call_id or text_of(asked, "callId"),
        "tool_arguments": step.tool_arguments or asked.get("args"),
        "tool_result": _result(response),
        "turn_id": text_of(asked, "prompt_id"),
    }
    status = text_of(ended, "status")
    if status == "error":
        message = as_dict(fields["tool_result"]).get("error")
        fields |= {
            "status": "error",
            "error_type": text_of(response, "errorType") or "tool_error",
            "error_message": message or text_of(response, "resultDisplay"),
        }
    elif status in DENIED:
        fields |= {"status": "error", "error_type": "denied"}
    return fields


def _result(response: dict[str, Any]) -> Any:
    """What the tool gave back to the model."""
    parts = response.get("responseParts")
    found = [
        as_dict(as_dict(part).get("functionResponse")).get("response")
        for part in (parts if isinstance(parts, list) else ())
    ]
    told = [value for value in found if value is not None]
    result = told[0] if len(told) == 1 else told or None
    if isinstance(result, dict) and list(result) == ["output"]:
        return result["output"]
    return result

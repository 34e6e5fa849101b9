"""Spans of Claude Code (``CLAUDE_CODE_ENHANCED_TELEMETRY_BETA=1``).

``input_tokens`` leaves cache reads and writes out here; we add them. What the model answered is
not recorded: `reconstruct` reads its choice from the tools that ran.

Source: Claude Code 2.1.330 and 2.1.197, captured; 2.1.197 lacks all ``gen_ai.operation.name``
and ``gen_ai.conversation.id``, so ``span.type`` and the name are what counts.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of
from tellwhy_collector.dialects.envelope import MILLISECOND_NS, step_of_span
from tellwhy_collector.dialects.reading import (
    as_bool,
    as_count,
    as_structure,
    count_of,
    first_of,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "claude_code"
PREFIX = "claude_code."
AGENT = "claude-code"
"""Name of the main agent; subagents bring theirs."""

KINDS: dict[str, Kind] = {
    "interaction": "agent",
    "llm_request": "model_call",
    "tool": "tool_call",
    "tool.blocked_on_user": "human",
}
"""Kind of each span type. ``tool.execution`` is a part of its tool call; hooks, compactions and
MCP round trips are ``other``."""

LONG_CONTEXT = "[1m]"
"""What Claude Code adds to the name of a model that it lets see a million tokens."""

APPROVALS = {"accept": "approved", "reject": "denied"}
PEOPLE = ("user_",)
RULES = ("config", "hook", "classifier")
"""Sources of an approval: people begin with ``user_``."""


def recognises(record: Record) -> bool:
    """Spans named ``claude_code.…``."""
    return isinstance(record, Span) and record.name.startswith(PREFIX)


def read(record: Record) -> Step | None:
    """The step by the type of its span."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    kind_of_span = text_of(attributes, "span.type") or record.name.removeprefix(PREFIX)
    kind = KINDS.get(kind_of_span.removeprefix(PREFIX), "other")
    fields: dict[str, Any] = {
        "operation": kind_of_span,
        "agent_name": agent_of(attributes),
        "agent_version": text_of(attributes, "app.version")
        or text_of(record.resource, "service.version"),
        "turn_id": text_of(attributes, "prompt.id"),
        **_failure(record),
    }
    if kind == "model_call":
        fields |= model_fields(attributes) | _model(record)
    elif kind == "human":
        fields |= approval_fields(attributes)
    elif kind == "agent":
        fields["input"] = unredacted(text_of(attributes, "user_prompt"))
    if kind in ("tool_call", "human") or kind_of_span == "tool.execution":
        fields |= tool_fields(attributes) | {"tool_result": _result(record)}
    return step_of_span(record, NAME, kind, **fields)


def agent_of(attributes: dict[str, Any]) -> str | None:
    """Name of the subagent, None of one that is known by its id alone, else the main agent's."""
    name = text_of(attributes, "agent.name")
    source = text_of(attributes, "query_source") or ""
    if name is None and source.startswith("agent:"):
        name = source.rpartition(":")[2]
    if name is None and not text_of(attributes, "agent_id"):
        name = AGENT
    return name


def model_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """What spans and log events say alike of a model call."""
    read = count_of(attributes, "cache_read_tokens")
    write = count_of(attributes, "cache_creation_tokens")
    tokens = count_of(attributes, "input_tokens")
    return {
        "provider": text_of(attributes, "gen_ai.provider.name", "gen_ai.system") or "anthropic",
        "request_model": _model_of(attributes, "gen_ai.request.model", "model"),
        "response_model": _model_of(attributes, "model"),
        "request_id": text_of(attributes, "request_id"),
        "time_to_first_chunk_ns": nanoseconds(attributes.get("ttft_ms"), unit_ns=MILLISECOND_NS),
        "input_tokens": None if tokens is None else tokens + (read or 0) + (write or 0),
        "output_tokens": count_of(attributes, "output_tokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": write,
    }


def _model_of(attributes: dict[str, Any], *names: str) -> str | None:
    """The model without the mark of a long context, which spans have and events have not."""
    name = text_of(attributes, *names)
    return name.removesuffix(LONG_CONTEXT) if name else name


def approval_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """Decision, approver and its kind out of ``decision`` and ``source``."""
    source = text_of(attributes, "source", "decision_source")
    known = source if source != "unknown" else None
    kind = None
    if known:
        rule = known in RULES or not known.startswith(PEOPLE)
        kind = "rule" if rule else "person"
    return {
        "approval_decision": APPROVALS.get(text_of(attributes, "decision") or ""),
        "approver": known,
        "approver_kind": kind or "unknown",
    }


def tool_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """Name, call id and arguments as far as the privacy settings let them out."""
    parameters = as_structure(attributes.get("tool_parameters"))
    parameters = parameters if isinstance(parameters, dict) else {}
    # The conventions name an MCP tool without its server; models call it by the name with it.
    name = text_of(attributes, "tool_name", "gen_ai.tool.name", "tool_name_safe")
    if name == "mcp_tool" and "mcp_tool_name" in parameters:
        name = f"mcp__{parameters.get('mcp_server_name')}__{parameters['mcp_tool_name']}"
    return {
        "tool_name": name,
        "tool_call_id": text_of(attributes, "tool_use_id", "gen_ai.tool.call.id"),
        "tool_arguments": as_structure(attributes.get("tool_input"))
        or _arguments(attributes | parameters),
    }


def _arguments(attributes: dict[str, Any]) -> dict[str, Any] | None:
    """Arguments out of the single attributes that stand in for ``tool_input``."""
    named = {"command": "full_command", "file_path": "file_path", "subagent_type": "subagent_type"}
    found = {key: attributes[name] for key, name in named.items() if attributes.get(name)}
    return found or None


def unredacted(text: str | None) -> str | None:
    """None for the mark that stands in for content that was not recorded."""
    return None if text == "<REDACTED>" else text


def _model(span: Span) -> dict[str, Any]:
    finish = finish_of(first_of(span.attributes, "stop_reason", "gen_ai.response.finish_reasons"))
    numbers = [as_count(span.attributes.get("attempt"))]
    numbers += [
        as_count(event["attributes"].get("attempt"))
        for event in span.events
        if event.get("name") == "gen_ai.request.attempt"
        and isinstance(event.get("attributes"), dict)
    ]
    answered = choice_fields(None, finish) if finish else {}
    return {
        "finish_reason": finish,
        "attempts": max((number for number in numbers if number), default=None),
        **answered,
    }


def _result(span: Span) -> Any:
    """A tool's output; it stands in a span event."""
    for event in span.events:
        if event.get("name") == "tool.output" and isinstance(event.get("attributes"), dict):
            told = {"bash_command", "file_path"}
            found = {k: v for k, v in event["attributes"].items() if k not in told}
            return next(iter(found.values())) if len(found) == 1 else found or None
    return None


def _failure(span: Span) -> dict[str, Any]:
    """``success=false`` is a failure although the status may be unset."""
    attributes = span.attributes
    if as_bool(attributes.get("success")) is not False and span.status_code != 2:
        return {}
    return {
        "status": None if span.end_ns is None else "error",
        "error_type": text_of(attributes, "error_class", "error_type", "error.type"),
        "error_message": text_of(attributes, "error") or span.status_message,
    }

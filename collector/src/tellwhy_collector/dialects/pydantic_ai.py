"""Pydantic AI: GenAI names, with words of its own for agents, approvals and old formats.

Format 1 keeps messages in a list of events, format 2 calls its spans ``agent run`` and ``running
tool``; 3 to 6 follow the conventions. ``gen_ai.aggregated_usage.*`` of an agent repeats its calls
and is not read. A tool that raises ``ApprovalRequired`` asks a person; one that is declared with
``requires_approval`` leaves no span until it was approved.

Source: pydantic-ai 2.68, formats 2, 5 and 6, and 0.8.1, format 1, all captured.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields
from tellwhy_collector.dialects.messages import messages_of, split_system, tools_of
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import (
    as_count,
    as_dict,
    as_list,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Record, Span, Step, replace

NAME = "pydantic_ai"
SCOPE = "pydantic-ai"
DEFERRAL = "pydantic_ai.tool.deferral.name"

OPERATIONS = {
    "agent run": "invoke_agent",
    "running tool": "execute_tool",
    "running output function": "execute_tool",
}
"""What the span names of formats 1 and 2 mean; old releases wrote no operation beside them."""
DETAILS = {
    "cache_read_tokens": ("cache_read_tokens", "cache_read_input_tokens"),
    "cache_write_tokens": ("cache_write_tokens", "cache_creation_input_tokens"),
    "reasoning_tokens": ("reasoning_tokens",),
}
"""Counts that stand below ``gen_ai.usage.details`` where no better name has them."""
RUNNING_TOOLS = "running tool: "
"""Format 1 of the first releases puts the tool's name behind this."""


def recognises(record: Record) -> bool:
    """Spans of its scope, and agent spans that were sent under another one."""
    if not isinstance(record, Span):
        return False
    return record.scope_name == SCOPE or "pydantic_ai.all_messages" in record.attributes


def read(record: Record) -> Step | None:
    """The step by the conventions, with what the older formats say in their own words."""
    if not isinstance(record, Span):
        return None
    step = read_span(_named(record), NAME)
    attributes = record.attributes
    if step.kind == "model_call":
        return replace(step, **_model(attributes, step))
    if step.kind == "tool_call":
        return replace(step, **_tool(attributes, step))
    if step.kind == "agent":
        return replace(step, **_agent(attributes, step))
    return step


def _named(span: Span) -> Span:
    """*span* with the operation that its name stands for."""
    name = OPERATIONS.get(span.name)
    if span.name.startswith(RUNNING_TOOLS):
        name = "execute_tool"
    if name is None or "gen_ai.operation.name" in span.attributes:
        return span
    return replace(span, attributes={**span.attributes, "gen_ai.operation.name": name})


def _model(attributes: dict[str, Any], step: Step) -> dict[str, Any]:
    fields: dict[str, Any] = {
        name: count_of(attributes, *(f"gen_ai.usage.details.{detail}" for detail in details))
        for name, details in DETAILS.items()
        if getattr(step, name) is None
    }
    if step.tools_offered is None:
        fields["tools_offered"] = _tools(attributes)
    if step.output_messages is None and (events := as_list(attributes.get("events"))):
        asked, answered = _of_events(events)
        messages, instructions = split_system(asked, step.system_instructions)
        fields |= {
            "input_messages": messages,
            "system_instructions": instructions,
            "output_messages": answered,
            **choice_fields(answered, step.finish_reason),
        }
    return fields


def _tools(attributes: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Offered tools of releases that wrote no ``gen_ai.tool.definitions``."""
    parameters = as_dict(attributes.get("model_request_parameters"))
    return tools_of(
        [
            {**tool, "parameters": tool.get("parameters_json_schema")}
            for name in ("function_tools", "output_tools")
            for tool in as_list(parameters.get(name)) or ()
            if isinstance(tool, dict)
        ]
    )


def _of_events(
    events: list[Any],
) -> tuple[list[dict[str, Any]] | None, list[dict[str, Any]] | None]:
    """Messages of format 1: what was asked, and the choice that was answered."""
    asked: list[Any] = []
    answered: list[Any] = []
    for event in events:
        if not isinstance(event, dict):
            continue
        if event.get("event.name") == "gen_ai.choice":
            answered.append(event.get("message"))
        elif "role" in event:
            answer_of = {"tool_call_id": event.get("id")} if event.get("role") == "tool" else {}
            asked.append({**event, **answer_of})
    return messages_of(asked), messages_of(answered, role="assistant")


def _tool(attributes: dict[str, Any], step: Step) -> dict[str, Any]:
    deferral = text_of(attributes, DEFERRAL)
    if deferral is not None:
        # Not a failure, although formats before 5 mark it as one.
        gone = {"status": "ok", "error_type": None, "error_message": None}
        shown = as_structure(attributes.get(DEFERRAL.replace(".name", ".metadata")))
        if deferral != "ApprovalRequired":
            return {**gone, "output": shown}
        return {
            **gone,
            "kind": "human",
            "approval_decision": "asked",
            "approver_kind": "unknown",
            "input": shown,
        }
    fields: dict[str, Any] = {}
    cause = text_of(attributes, "pydantic_ai.tool.retry.cause")
    if cause is not None:
        # What it "answered" is why the model has to ask again.
        fields |= {
            "status": "error",
            "error_type": cause,
            "error_message": str(step.tool_result) if step.tool_result else step.error_message,
        }
    return fields


def _agent(attributes: dict[str, Any], step: Step) -> dict[str, Any]:
    """The task it was given and what came out of it."""
    told = messages_of(attributes.get("pydantic_ai.all_messages"))
    if told is None and (events := as_list(attributes.get("all_messages_events"))):
        told = _of_events(events)[0]
    first = as_count(attributes.get("pydantic_ai.new_message_index")) or 0
    messages, _ = split_system((told or [])[first:], None)
    answers = [n for n, message in enumerate(messages or ()) if message["role"] == "assistant"]
    asked = (messages or [])[: answers[0] if answers else None]
    return {
        "agent_name": step.agent_name or text_of(attributes, "agent_name"),
        "request_model": step.request_model or text_of(attributes, "model_name"),
        "input": step.input or asked or None,
        "output": step.output
        if step.output is not None
        else as_structure(first_of(attributes, "final_result")),
    }

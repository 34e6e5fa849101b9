"""The OpenTelemetry GenAI conventions: the common floor that most instrumentations stand on.

Reads JSON text and structured values, old and new attribute names. Other dialects read with
`read_span` and then say what they know better.

Source: semantic-conventions-genai 1.42-dev; opentelemetry-instrumentation-genai-* 1.3b0;
pydantic-ai 2.68 (instrumentation version 5); anthropic 2.12.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.envelope import (
    attempts_of,
    first_chunk_of,
    inclusive_input,
    step_of_span,
)
from tellwhy_collector.dialects.event_messages import with_events
from tellwhy_collector.dialects.messages import (
    instructions_of,
    messages_of,
    result_of,
    split_system,
    tools_of,
)
from tellwhy_collector.dialects.reading import (
    as_float,
    as_json,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Kind, LogRecord, Record, Span, Step

NAME = "otel_genai"

OPERATIONS: dict[str, Kind] = {
    "chat": "model_call",
    "text_completion": "model_call",
    "completion": "model_call",
    "generate_content": "model_call",
    "embeddings": "model_call",
    "execute_tool": "tool_call",
    "invoke_agent": "agent",
    "invoke_workflow": "agent",
    "handle_conversation_turn": "agent",
    "retrieval": "retrieval",
    "search_memory": "retrieval",
    "apply_guardrail": "guardrail",
    "run_guardrail": "guardrail",
}
"""Kind of each ``gen_ai.operation.name``. ``plan`` and the memory operations are ``other``: the
calls that they make are steps of their own. ``fetch_response`` generates nothing."""

USAGE = {
    "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    "output_tokens": ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
    "cache_read_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_write.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_creation_input_tokens",
        "gen_ai.usage.cache_write_input_tokens",
    ),
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.reasoning_tokens",
    ),
}
"""Candidate attributes of each count, newest name first."""

_PARAMETERS = "gen_ai.request."
_NOT_PARAMETERS = ("gen_ai.request.model", "gen_ai.request.previous_response.id")


def recognises(record: Record) -> bool:
    """Any ``gen_ai.*`` attribute on a span."""
    if isinstance(record, LogRecord):
        return False
    return any(name.startswith("gen_ai.") for name in record.attributes)


def read(record: Record) -> Step | None:
    """The step that a span tells of."""
    return read_span(record, NAME) if isinstance(record, Span) else None


def read_span(span: Span, dialect: str) -> Step:
    """The step of *span* by the conventions alone, under the name of *dialect*."""
    kind = kind_of(span)
    fields: dict[str, Any] = {"operation": text_of(span.attributes, "gen_ai.operation.name")}
    fields["turn_id"] = text_of(span.attributes, "gen_ai.agent.call.id")
    if kind == "model_call":
        fields |= model_fields(with_events(span))
        fields |= {"attempts": attempts_of(span), "time_to_first_chunk_ns": first_chunk_of(span)}
    elif kind == "tool_call":
        fields |= tool_fields(span.attributes)
    elif kind == "agent":
        fields |= agent_fields(with_events(span))
    elif kind == "retrieval":
        fields |= {
            "input": as_structure(
                first_of(span.attributes, "gen_ai.retrieval.query.text", "gen_ai.memory.query.text")
            ),
            "output": as_structure(
                first_of(span.attributes, "gen_ai.retrieval.documents", "gen_ai.memory.records")
            ),
        }
    return step_of_span(span, dialect, kind, **fields)


def kind_of(span: Span) -> Kind:
    """Kind by the operation's name; without one, by the attributes that only one kind has."""
    attributes = span.attributes
    operation = text_of(attributes, "gen_ai.operation.name")
    if operation is not None:
        return OPERATIONS.get(operation.lower(), "other")
    if first_of(attributes, "gen_ai.tool.call.id", "gen_ai.tool.name"):
        return "tool_call"
    if first_of(attributes, "gen_ai.response.id", *USAGE["output_tokens"]):
        return "model_call"
    return "other"


def model_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """Everything that the conventions say of a model call."""
    messages, instructions = split_system(
        messages_of(attributes.get("gen_ai.input.messages")),
        instructions_of(attributes.get("gen_ai.system_instructions")),
    )
    output = messages_of(attributes.get("gen_ai.output.messages"), role="assistant")
    finish = finish_of(attributes.get("gen_ai.response.finish_reasons")) or finish_of(
        [message.get("finish_reason") for message in output or ()]
    )
    return {
        "provider": text_of(attributes, "gen_ai.provider.name", "gen_ai.system"),
        "request_model": text_of(attributes, "gen_ai.request.model"),
        "response_model": text_of(attributes, "gen_ai.response.model"),
        "response_id": text_of(attributes, "gen_ai.response.id"),
        "previous_response_id": text_of(attributes, "gen_ai.request.previous_response.id"),
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": output,
        "tools_offered": tools_of(attributes.get("gen_ai.tool.definitions")),
        "tool_choice": as_structure(attributes.get("gen_ai.request.tool_choice")),
        "forced": forced_of(attributes.get("gen_ai.request.tool_choice")),
        "request_parameters": _parameters(attributes),
        **usage_of(attributes),
        **reported_cost(first_of(attributes, "operation.cost", "gen_ai.usage.cost")),
        **choice_fields(output, finish),
    }


def usage_of(attributes: dict[str, Any]) -> dict[str, int | None]:
    """Token counts; ``input_tokens`` with cache reads and writes."""
    usage = {field: count_of(attributes, *names) for field, names in USAGE.items()}
    usage["input_tokens"] = inclusive_input(
        usage["input_tokens"], usage["cache_read_tokens"], usage["cache_write_tokens"]
    )
    return usage


def reported_cost(value: Any) -> dict[str, Any]:
    """``cost_usd`` and ``cost_source`` where the sender states a cost."""
    cost = as_float(value)
    return {} if cost is None or cost < 0 else {"cost_usd": cost, "cost_source": "reported"}


def tool_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """Everything that the conventions say of a tool call."""
    return {
        "tool_name": text_of(attributes, "gen_ai.tool.name"),
        "tool_call_id": text_of(attributes, "gen_ai.tool.call.id", "gen_ai.tool.call_id"),
        "tool_arguments": as_structure(
            first_of(attributes, "gen_ai.tool.call.arguments", "tool_arguments")
        ),
        "tool_result": result_of(first_of(attributes, "gen_ai.tool.call.result", "tool_response")),
    }


def event_of(record: LogRecord) -> str | None:
    """The event's name, from the field of OTLP 1.5 or from the older attribute."""
    return record.event_name or text_of(record.attributes, "event.name")


def agent_fields(attributes: dict[str, Any]) -> dict[str, Any]:
    """Everything that the conventions say of an agent."""
    output = messages_of(attributes.get("gen_ai.output.messages"), role="assistant")
    return {
        "agent_name": text_of(
            attributes, "gen_ai.agent.name", "gen_ai.workflow.name", "gen_ai.agent.id"
        ),
        "provider": text_of(attributes, "gen_ai.provider.name", "gen_ai.system"),
        "request_model": text_of(attributes, "gen_ai.request.model"),
        "input": messages_of(attributes.get("gen_ai.input.messages")),
        "tools_offered": tools_of(attributes.get("gen_ai.tool.definitions")),
        "finish_reason": finish_of([message.get("finish_reason") for message in output or ()]),
        "output": output or as_structure(attributes.get("final_result")),
        **usage_of(attributes),
    }


def _parameters(attributes: dict[str, Any]) -> dict[str, Any] | None:
    """Sampling and other parameters of the request under their short names."""
    found = {
        name.removeprefix(_PARAMETERS): as_json(attributes[name])
        for name in sorted([name for name in attributes if name.startswith(_PARAMETERS)])
        if name not in _NOT_PARAMETERS
    }
    found.pop("tool_choice", None)
    return found or None

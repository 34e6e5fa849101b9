"""OpenLLMetry (Traceloop): indexed ``gen_ai.prompt.N.*`` until 0.4x, JSON messages since.

Both forms are read, and beside them ``traceloop.span.kind`` and the entity's input and output.

Source: opentelemetry-instrumentation-* of OpenLLMetry 0.45.0 (anthropic, openai), 0.62.4
(anthropic, openai, langchain, llamaindex, openai_agents) and its crewai 0.36.0, captured.
"""

from typing import Any

from tellwhy_collector.dialects.choices import STATED, choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.envelope import pause_of, step_of_span
from tellwhy_collector.dialects.llama_index import llama_index_messages
from tellwhy_collector.dialects.messages import split_system, tools_of
from tellwhy_collector.dialects.openinference_values import flattened
from tellwhy_collector.dialects.openllmetry_values import (
    entity_of,
    finish_in,
    indexed_messages,
    repaired,
    tool_in,
)
from tellwhy_collector.dialects.otel_genai import kind_of, model_fields
from tellwhy_collector.dialects.reading import (
    as_dict,
    as_json,
    as_list,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "openllmetry"

_SCOPE = "opentelemetry.instrumentation."
PACKAGES = frozenset(
    {
        "anthropic",
        "bedrock",
        "cohere",
        "crewai",
        "groq",
        "haystack",
        "langchain",
        "llamaindex",
        "mistralai",
        "ollama",
        "openai",
        "openai_agents",
        "replicate",
        "together",
        "watsonx",
    }
)
"""What follows `_SCOPE` in its scopes; OpenTelemetry's own are ``genai.*`` and ``openai_v2``."""

MARKS = (
    "traceloop.span.kind",
    "traceloop.entity.name",
    "llm.request.type",
    "gen_ai.prompt.0.role",
    "gen_ai.prompt.0.content",
    "gen_ai.completion.0.role",
    "gen_ai.completion.0.content",
    "llm.request.functions.0.name",
)
"""Attributes that only this vocabulary has."""

KINDS: dict[str, Kind] = {"workflow": "agent", "agent": "agent", "tool": "tool_call"}
"""Kind of each ``traceloop.span.kind``; a ``task`` is a part of something, hence ``other``."""
REQUESTS: dict[str, Kind] = {
    "chat": "model_call",
    "completion": "model_call",
    "embedding": "model_call",
    "rerank": "retrieval",
}
"""Kind of each ``llm.request.type``."""
_ASSOCIATED = "traceloop.association.properties."


def recognises(record: Record) -> bool:
    """Spans of its scopes, and any other with one of `MARKS`."""
    if not isinstance(record, Span):
        return False
    scope = record.scope_name or ""
    if scope.startswith(_SCOPE) and scope[len(_SCOPE) :].partition(".")[0] in PACKAGES:
        return True
    return any(mark in record.attributes for mark in MARKS)


def read(record: Record) -> Step | None:
    """The step by its operation, else by the kind of its entity."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    kind = _kind(record)
    fields: dict[str, Any] = {
        "operation": text_of(
            attributes, "gen_ai.operation.name", "llm.request.type", "traceloop.span.kind"
        ),
        "conversation_id": text_of(
            attributes,
            "gen_ai.conversation.id",
            _ASSOCIATED + "session_id",
            _ASSOCIATED + "thread_id",
        ),
        "user_id": text_of(attributes, "user.id", _ASSOCIATED + "user_id"),
    }
    if kind == "model_call":
        fields |= _model(record)
    elif kind == "tool_call":
        fields |= tool_in(attributes)
    else:
        fields |= _general(attributes, kind)
        if pause_of(record, text_of(attributes, "error.type")):
            # The node around a tool that waits for a person has not failed either.
            fields["status"] = "ok"
    return step_of_span(record, NAME, kind, **fields)


def _kind(span: Span) -> Kind:
    attributes = span.attributes
    request = text_of(attributes, "llm.request.type")
    if request in REQUESTS:
        return REQUESTS[request]
    stated = text_of(attributes, "traceloop.span.kind")
    by_operation = kind_of(span)
    if by_operation == "model_call" or stated is None:
        return by_operation
    if stated == "task" and _ran_tool(attributes):
        return "tool_call"
    if stated == "workflow" and "traceloop.entity.name" not in attributes:
        # The OpenAI Agents SDK wraps its agents in a trace that has no name of its own.
        return "other"
    return KINDS.get(stated, "other")


def _ran_tool(attributes: dict[str, Any]) -> bool:
    """LlamaIndex calls a tool a task; its output says which tool ran.

    The task around it tells the same tool with the call's id.
    """
    output = as_dict(attributes.get("traceloop.entity.output"))
    return "tool_name" in output and ("raw_output" in output or "tool_output" in output)


def _model(span: Span) -> dict[str, Any]:
    attributes = span.attributes
    fields = model_fields(attributes)
    output = indexed_messages(attributes, "gen_ai.completion.") or repaired(
        fields["output_messages"]
    )
    asked = indexed_messages(attributes, "gen_ai.prompt.") or repaired(fields["input_messages"])
    messages, instructions = split_system(asked, fields["system_instructions"])
    finish = fields["finish_reason"] or finish_of(
        [message.get("finish_reason") for message in output or ()]
    )
    provider = (fields["provider"] or "").lower().removesuffix("_llm") or None
    fields |= {
        "provider": provider,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": output,
        "finish_reason": finish,
        "tools_offered": fields["tools_offered"] or _functions(attributes),
        "reasoning_tokens": fields["reasoning_tokens"]
        if fields["reasoning_tokens"] is not None
        else count_of(attributes, "llm.usage.reasoning_tokens"),
        **choice_fields(output, finish),
    }
    if (span.scope_name or "").startswith(_SCOPE + "llamaindex"):
        fields |= _as_llama_index_says(attributes, provider, finish)
    return fields


def _as_llama_index_says(
    attributes: dict[str, Any], provider: str | None, finish: str | None
) -> dict[str, Any]:
    """Repairs for LlamaIndex: it leaves out tool calls, and of Anthropic's tokens the cache.

    What it was asked stands whole in the entity's input, earlier tool calls included. Without a finish reason a text may thus be an answer or stand beside calls: nobody knows.
    """
    request = as_dict(attributes.get("traceloop.entity.input"))
    parameters = as_dict(request.get("kwargs"))
    choice = parameters.get("tool_choice")
    fields: dict[str, Any] = {
        "tools_offered": tools_of(parameters.get("tools")),
        "tool_choice": as_structure(choice),
        "forced": forced_of(choice),
    }
    if told := as_list(request.get("messages")):
        messages, instructions = split_system(llama_index_messages(told), None)
        fields |= {"input_messages": messages, "system_instructions": instructions}
    if finish is None:
        fields |= dict.fromkeys(STATED)
    tokens = count_of(attributes, "gen_ai.usage.input_tokens")
    if provider == "anthropic" and tokens is not None:
        cached = (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_creation.input_tokens",
        )
        fields["input_tokens"] = tokens + sum(count_of(attributes, name) or 0 for name in cached)
    return fields


def _functions(attributes: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Offered tools of the indexed form; Responses with a chain lists each several times."""
    found: list[dict[str, Any]] = []
    for function in flattened(attributes, "llm.request.functions."):
        schema = as_json(first_of(function, "parameters", "input_schema"))
        for tool in tools_of({**function, "parameters": schema}) or ():
            if tool not in found:
                found.append(tool)
    return found or None


def _general(attributes: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Name, input and output of agents, workflows and tasks."""
    fields: dict[str, Any] = {
        "input": entity_of(attributes.get("traceloop.entity.input")),
        "output": entity_of(first_of(attributes, "traceloop.entity.output", "crewai.crew.result")),
    }
    if kind == "other":
        fields["finish_reason"] = finish_in(attributes.get("traceloop.entity.output"))
    if kind == "agent":
        entity = text_of(attributes, "traceloop.entity.name") or ""
        stated = text_of(attributes, "traceloop.span.kind")
        fields["agent_name"] = text_of(
            attributes, "gen_ai.agent.name", "crewai.crew.name"
        ) or entity.removesuffix(f".{stated}")
        fields["request_model"] = text_of(attributes, "gen_ai.request.model")
    return fields

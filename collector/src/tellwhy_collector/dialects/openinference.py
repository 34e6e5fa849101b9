"""OpenInference (Phoenix, Arize and everything instrumented with it): flattened ``llm.*``.

All values may be text, counts too. What the flattening drops (reasoning, response ids, tool
choice) is read from ``input.value`` and ``output.value``, which hold the raw request and answer.

Source: openinference-semantic-conventions 0.1.2x; instrumentations anthropic 3.1, openai 0.1.66,
langchain 0.1.80, llama_index 4.6, openai_agents 2.6, smolagents (TRAIL).
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.envelope import inclusive_input, step_of_span
from tellwhy_collector.dialects.messages import messages_of, result_of, split_system, tools_of
from tellwhy_collector.dialects.openinference_values import (
    Answer,
    answer_in,
    flattened,
    flattened_messages,
    tool_input,
    tool_output,
)
from tellwhy_collector.dialects.otel_genai import reported_cost, tool_fields
from tellwhy_collector.dialects.reading import (
    as_dict,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "openinference"

KINDS: dict[str, Kind] = {
    "LLM": "model_call",
    "EMBEDDING": "model_call",
    "TOOL": "tool_call",
    "AGENT": "agent",
    "RETRIEVER": "retrieval",
    "RERANKER": "retrieval",
    "GUARDRAIL": "guardrail",
}
"""Kind of each ``openinference.span.kind``. CHAIN, PROMPT and EVALUATOR are ``other``; so is
DECISION, which means a call to a decision model and not an agent's decision."""

PREPARATION = "_prepare_chat_with_tools"
"""LlamaIndex marks the method that builds a request as LLM; no model is called in it."""

CLAUDE_AGENT = "openinference.instrumentation.claude_agent_sdk"
"""Sees no model call: one agent span holds all that the model answered in a session."""

USAGE = {
    "input_tokens": ("llm.token_count.prompt",),
    "output_tokens": ("llm.token_count.completion",),
    "cache_read_tokens": (
        "llm.token_count.prompt_details.cache_read",
        "llm.token_count.prompt_details.cache_input",
    ),
    "cache_write_tokens": ("llm.token_count.prompt_details.cache_write",),
    "reasoning_tokens": ("llm.token_count.completion_details.reasoning",),
}


def recognises(record: Record) -> bool:
    """Spans that state an OpenInference kind."""
    return isinstance(record, Span) and "openinference.span.kind" in record.attributes


def read(record: Record) -> Step | None:
    """The step by its stated kind."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    stated = str(attributes.get("openinference.span.kind")).strip('"').upper()
    kind = KINDS.get(stated, "other")
    if kind == "model_call" and record.name.endswith(PREPARATION):
        kind = "other"
    fields: dict[str, Any] = {
        "operation": stated.lower(),
        "conversation_id": text_of(attributes, "gen_ai.conversation.id", "session.id")
        or text_of(as_dict(attributes.get("metadata")), "thread_id", "session_id"),
    }
    if kind == "model_call":
        fields |= _model(attributes)
    elif kind == "tool_call":
        fields |= _tool(record)
    else:
        fields |= _general(attributes, kind)
    if kind == "agent" and record.scope_name == CLAUDE_AGENT:
        fields |= _session(attributes)
    if kind == "agent":
        fields["agent_name"] = text_of(attributes, "agent.name", "gen_ai.agent.name") or record.name
    return step_of_span(record, NAME, kind, **fields)


def _model(attributes: dict[str, Any]) -> dict[str, Any]:
    request = as_dict(attributes.get("input.value"))
    parameters = as_dict(attributes.get("llm.invocation_parameters"))
    answer = answer_in(attributes.get("output.value"))
    output = _fuller(flattened_messages(attributes, "llm.output_messages."), answer)
    if text_of(attributes, "gen_ai.tool.name"):
        output = _with_named_call(output, attributes)
    messages, instructions = split_system(
        flattened_messages(attributes, "llm.input_messages.") or _asked(attributes), None
    )
    finish = finish_of(attributes.get("llm.finish_reason")) or answer.finish_reason
    choice = first_of(parameters, "tool_choice") or first_of(request, "tool_choice")
    tools = tools_of(
        [
            tool.get("tool", tool).get("json_schema")
            for tool in flattened(attributes, "llm.tools.")
            if isinstance(tool.get("tool", tool), dict)
        ]
    ) or tools_of(first_of(request, "tools") or first_of(parameters, "tools"))
    return {
        "provider": text_of(attributes, "llm.provider", "gen_ai.provider.name", "llm.system"),
        "request_model": text_of(attributes, "llm.request.model_name", "llm.model_name")
        or text_of(request, "model"),
        "response_model": text_of(attributes, "llm.response.model_name", "llm.model_name"),
        "response_id": answer.response_id,
        "previous_response_id": text_of(parameters, "previous_response_id")
        or text_of(request, "previous_response_id"),
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": output,
        "tools_offered": tools,
        "tool_choice": as_structure(choice),
        "forced": forced_of(choice) if choice else ("free" if request and tools else None),
        "request_parameters": _without_payload(parameters),
        **_usage(attributes, answer.cache_write_tokens),
        **reported_cost(attributes.get("llm.cost.total")),
        **choice_fields(output, finish),
    }


def _session(attributes: dict[str, Any]) -> dict[str, Any]:
    """What a session tells of its model calls, which have no span of their own."""
    output = flattened_messages(attributes, "llm.output_messages.")
    finish = finish_of(attributes.get("llm.finish_reason"))
    model = text_of(attributes, "llm.model_name")
    return {
        "provider": text_of(attributes, "llm.provider", "llm.system"),
        "request_model": model,
        "response_model": model,
        "finish_reason": finish,
        "output_messages": output,
        **reported_cost(attributes.get("llm.cost.total")),
        **choice_fields(output, finish),
    }


def _fuller(output: list[dict[str, Any]] | None, answer: Answer) -> list[dict[str, Any]] | None:
    """The flattened output unless the raw answer holds parts that were dropped from it."""
    if answer.messages is None or output is None:
        return output or answer.messages
    counts = [sum(len(m["parts"]) for m in messages) for messages in (output, answer.messages)]
    return answer.messages if counts[1] > counts[0] else output


def _with_named_call(
    output: list[dict[str, Any]] | None, attributes: dict[str, Any]
) -> list[dict[str, Any]]:
    """*output* with the tool call that is told in ``gen_ai.tool.*`` alone, beside any text."""
    told = output or [{"role": "assistant", "parts": []}]
    if any(part.get("type") == "tool_call" for message in told for part in message["parts"]):
        return told
    call = tool_fields(attributes)
    part = {
        "type": "tool_call",
        "id": call["tool_call_id"],
        "name": call["tool_name"],
        "arguments": call["tool_arguments"],
    }
    return [*told[:-1], {**told[-1], "parts": [*told[-1]["parts"], part]}]


def _asked(attributes: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Input messages from the raw request where nothing was flattened."""
    value = as_structure(attributes.get("input.value"))
    if isinstance(value, dict):
        value = first_of(value, "messages", "input")
        value = (
            value[0] if isinstance(value, list) and value and isinstance(value[0], list) else value
        )
    return messages_of(value)


def _without_payload(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """Request parameters; some senders put the whole answer among them."""
    large = ("messages", "input", "output", "tools", "instructions", "tool_choice", "usage")
    return {k: v for k, v in parameters.items() if k not in large and v is not None} or None


def _usage(attributes: dict[str, Any], written: int | None = None) -> dict[str, int | None]:
    usage = {field: count_of(attributes, *names) for field, names in USAGE.items()}
    if usage["cache_write_tokens"] is None:
        usage["cache_write_tokens"] = written
    usage["input_tokens"] = inclusive_input(
        usage["input_tokens"], usage["cache_read_tokens"], usage["cache_write_tokens"]
    )
    return usage


def _tool(span: Span) -> dict[str, Any]:
    attributes = span.attributes
    output = tool_output(attributes.get("output.value"))
    arguments = tool_input(attributes.get("input.value"))
    if arguments is None:
        arguments = tool_input(attributes.get("tool.parameters"))
    failed = output.is_error and span.status_code != 2
    return {
        "tool_name": text_of(attributes, "tool.name", "gen_ai.tool.name") or span.name,
        "tool_call_id": text_of(attributes, "tool.id", "tool_call.id", "gen_ai.tool.call.id")
        or output.call_id,
        "tool_arguments": arguments,
        "tool_result": output.result,
        "status": "error" if failed else None,
        "error_type": "tool_error" if failed else None,
        "error_message": str(output.result) if failed else None,
    }


def _general(attributes: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """Input and output of agents, retrievals, guardrails and chains, and an agent's sums."""
    documents = [
        document.get("document", document)
        for document in flattened(attributes, "retrieval.documents.")
    ]
    return {
        "input": as_structure(attributes.get("input.value")),
        "output": documents or result_of(attributes.get("output.value")),
        **(_usage(attributes) if kind == "agent" else {}),
    }

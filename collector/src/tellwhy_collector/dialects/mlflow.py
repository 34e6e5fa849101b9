"""MLflow: every attribute value is JSON text, with the raw request and answer of each call.

Session and user stand in the trace's metadata, which OTLP does not carry. Tool spans have no call
id. Its token counts include the cache.

Source: mlflow-tracing 3.17.2 with autologging of openai 3.54 and anthropic 2.12, captured.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.envelope import inclusive_input, step_of_span
from tellwhy_collector.dialects.messages import (
    instructions_of,
    messages_of,
    split_system,
    tools_of,
)
from tellwhy_collector.dialects.openinference_values import answer_in
from tellwhy_collector.dialects.otel_genai import reported_cost
from tellwhy_collector.dialects.reading import as_dict, as_json, count_of, first_of, text_of
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "mlflow"
SPAN_TYPE = "mlflow.spanType"

KINDS: dict[str, Kind] = {
    "CHAT_MODEL": "model_call",
    "LLM": "model_call",
    "EMBEDDING": "model_call",
    "AGENT": "agent",
    "WORKFLOW": "agent",
    "TOOL": "tool_call",
    "RETRIEVER": "retrieval",
    "RERANKER": "retrieval",
    "GUARDRAIL": "guardrail",
}
"""Kind of each span type; CHAIN, TASK, PARSER, MEMORY, EVALUATOR and UNKNOWN are ``other``."""
PROVIDERS = ("openai", "anthropic")
"""Formats of messages that name their provider."""
_PAYLOAD = ("messages", "input", "instructions", "system", "tools", "tool_choice", "model")
"""What a request holds beside its parameters."""


def recognises(record: Record) -> bool:
    """Spans that state an MLflow span type."""
    return isinstance(record, Span) and SPAN_TYPE in record.attributes


def read(record: Record) -> Step | None:
    """The step by its stated type."""
    if not isinstance(record, Span):
        return None
    told = {name: as_json(value) for name, value in record.attributes.items()}
    stated = text_of(told, SPAN_TYPE) or "UNKNOWN"
    kind = KINDS.get(stated.upper(), "other")
    fields: dict[str, Any] = {"operation": stated.lower()}
    inputs, outputs = told.get("mlflow.spanInputs"), told.get("mlflow.spanOutputs")
    if kind == "model_call":
        fields |= _model(told, as_dict(inputs), outputs)
    elif kind == "tool_call":
        fields |= {
            "tool_name": text_of(told, "mlflow.spanFunctionName") or record.name,
            "tool_arguments": inputs,
            "tool_result": outputs,
        }
    else:
        fields |= {"input": inputs, "output": outputs}
    if kind == "agent":
        fields["agent_name"] = record.name
    return step_of_span(record, NAME, kind, **fields)


def _model(told: dict[str, Any], request: dict[str, Any], outputs: Any) -> dict[str, Any]:
    answer = answer_in(outputs)
    finish = finish_of(answer.finish_reason)
    messages, instructions = split_system(
        messages_of(first_of(request, "messages", "input")),
        instructions_of(first_of(request, "system", "instructions")),
    )
    choice = request.get("tool_choice")
    tools = tools_of(told.get("mlflow.chat.tools")) or tools_of(request.get("tools"))
    wire = text_of(told, "mlflow.message.format")
    return {
        "provider": text_of(told, "mlflow.llm.provider") or (wire if wire in PROVIDERS else None),
        "request_model": text_of(request, "model") or text_of(told, "mlflow.llm.model", "model"),
        "response_model": text_of(as_dict(outputs), "model"),
        "response_id": answer.response_id,
        "previous_response_id": text_of(request, "previous_response_id"),
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": answer.messages,
        "tools_offered": tools,
        "tool_choice": choice,
        "forced": forced_of(choice) if choice else ("free" if tools else None),
        "request_parameters": {k: v for k, v in request.items() if k not in _PAYLOAD} or None,
        **_usage(told, as_dict(as_dict(outputs).get("usage"))),
        **reported_cost(as_dict(told.get("mlflow.llm.cost")).get("total_cost")),
        **choice_fields(answer.messages, finish),
    }


def _usage(told: dict[str, Any], raw: dict[str, Any]) -> dict[str, int | None]:
    """MLflow's own counts; reasoning, and what embeddings took, from the raw answer."""
    usage = as_dict(told.get("mlflow.chat.tokenUsage"))
    details = as_dict(first_of(raw, "completion_tokens_details", "output_tokens_details"))
    read = count_of(usage, "cache_read_input_tokens")
    write = count_of(usage, "cache_creation_input_tokens")
    tokens = count_of(usage, "input_tokens")
    if tokens is None:
        tokens = count_of(raw, "prompt_tokens", "input_tokens")
    return {
        "input_tokens": inclusive_input(tokens, read, write),
        "output_tokens": count_of(usage, "output_tokens"),
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "reasoning_tokens": count_of(details, "reasoning_tokens", "thinking_tokens"),
    }

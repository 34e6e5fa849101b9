"""LangSmith's OpenTelemetry export: runs with request and answer as JSON in two attributes.

``gen_ai.operation.name`` may be ``chain``, and says ``embeddings`` for retrievers: the kind of the
run counts. LangSmith copies environment variables into the metadata of every span; nothing is
taken from there but the names of conversation and user.

Source: langsmith 0.15.0 with ``LANGSMITH_OTEL_ENABLED``, scope ``langsmith``, captured.
"""

import ast
import re
from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, forced_of
from tellwhy_collector.dialects.messages import instructions_of, messages_of, split_system, tools_of
from tellwhy_collector.dialects.openinference_values import answer_in, tool_output
from tellwhy_collector.dialects.otel_genai import read_span, usage_of
from tellwhy_collector.dialects.reading import (
    as_dict,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step, replace

NAME = "langsmith"
KIND = "langsmith.span.kind"
METADATA = "langsmith.metadata."

KINDS: dict[str, Kind] = {
    "llm": "model_call",
    "chat": "model_call",
    "embedding": "model_call",
    "tool": "tool_call",
    "retriever": "retrieval",
    "agent": "agent",
}
"""Kind of each run type; chains, prompts and parsers are ``other``."""

RAISED = re.compile(r"(?P<type>[A-Za-z_][\w.]*)\((?P<message>.*)\)")
"""How an exception is told: ``ValueError('no such city')``, then the traceback."""

PAYLOAD = ("messages", "input", "tools", "tool_choice", "instructions", "model", "functions")
UNPRICED = ("langchain", "custom")
"""What ``gen_ai.system`` says when LangSmith does not know who serves the model."""


def recognises(record: Record) -> bool:
    """Spans that state the kind of a run."""
    return isinstance(record, Span) and KIND in record.attributes


def read(record: Record) -> Step | None:
    """The step by the kind of the run."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    stated = str(attributes[KIND]).lower()
    kind = KINDS.get(stated, "other")
    plain = replace(record, attributes=_without_operation(attributes))
    step = read_span(plain, NAME)
    fields: dict[str, Any] = {
        "kind": kind,
        "operation": stated,
        "conversation_id": text_of(attributes, *_metadata("thread_id", "session_id"))
        or text_of(attributes, *_metadata("conversation_id")),
        "user_id": text_of(attributes, *_metadata("user_id")),
        **_failure(step),
    }
    if kind == "model_call":
        fields |= _model(attributes)
    elif kind == "tool_call":
        output = tool_output(_unwrapped(attributes.get("gen_ai.completion")))
        fields |= {
            "tool_name": text_of(attributes, "gen_ai.tool.name") or record.name,
            "tool_call_id": output.call_id,
            "tool_arguments": as_structure(attributes.get("gen_ai.prompt")),
            "tool_result": output.result,
        }
    else:
        fields |= {
            "input": _unwrapped(attributes.get("gen_ai.prompt")),
            "output": _unwrapped(attributes.get("gen_ai.completion")),
        }
    if kind == "agent":
        fields["agent_name"] = step.agent_name or record.name
    return replace(step, **{name: value for name, value in fields.items() if value is not None})


def _metadata(*names: str) -> tuple[str, ...]:
    return tuple(f"{METADATA}{name}" for name in names)


def _without_operation(attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that the conventions' reader takes for nothing: LangSmith says the kind itself."""
    return {**attributes, "gen_ai.operation.name": "chain"}


def _failure(step: Step) -> dict[str, Any]:
    """Type and message, which LangSmith tells as one text under the type ``Exception``."""
    if step.status != "error" or not step.error_message:
        return {}
    first = step.error_message.strip().partition("\n")[0]
    raised = RAISED.fullmatch(first)
    if raised is None:
        return {"error_message": first}
    return {"error_type": raised["type"], "error_message": raised["message"].strip("'\"")}


def _model(attributes: dict[str, Any]) -> dict[str, Any]:
    request = as_dict(attributes.get("gen_ai.prompt"))
    answer = answer_in(attributes.get("gen_ai.completion"))
    history = first_of(request, "messages", "input", "prompt")
    if isinstance(history, list) and history and isinstance(history[0], list):
        history = history[0]
    history = [_langchain(item) for item in history] if isinstance(history, list) else history
    stated = instructions_of(first_of(request, "instructions", "system"))
    messages, instructions = split_system(messages_of(history), stated)
    choice = request.get("tool_choice")
    provider = text_of(attributes, *_metadata("ls_provider"), "gen_ai.system")
    finish = answer.finish_reason or text_of(attributes, "gen_ai.response.finish_reason")
    parameters = {k: v for k, v in request.items() if k not in PAYLOAD and v is not None}
    return {
        "provider": None if provider in UNPRICED else provider,
        "request_model": text_of(attributes, "gen_ai.request.model"),
        "response_model": text_of(attributes, "gen_ai.response.model"),
        "response_id": text_of(attributes, "gen_ai.response.id") or answer.response_id,
        "previous_response_id": text_of(request, "previous_response_id"),
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": answer.messages,
        "tools_offered": tools_of(first_of(request, "tools", "functions")),
        "tool_choice": as_structure(choice),
        "forced": forced_of(choice),
        "request_parameters": parameters or None,
        **_usage(attributes),
        **choice_fields(answer.messages, finish),
    }


def _langchain(item: Any) -> Any:
    """A message of LangChain, which serialises itself as a constructor with its arguments."""
    told = item.get("kwargs") if isinstance(item, dict) and item.get("lc") else None
    if not isinstance(told, dict):
        return item
    words = {"human": "user", "ai": "assistant"}
    role = text_of(told, "type", "role") or "user"
    message = {**told, "role": words.get(role, role)}
    calls = told.get("tool_calls")
    if isinstance(calls, list):
        message["tool_calls"] = [{**call} for call in calls if isinstance(call, dict)]
    return message


def _usage(attributes: dict[str, Any]) -> dict[str, int | None]:
    usage = usage_of(attributes)
    told = as_dict(attributes.get(f"{METADATA}usage_metadata"))
    asked = _details(attributes.get("gen_ai.usage.input_token_details"))
    asked = asked or as_dict(told.get("input_token_details"))
    answered = _details(attributes.get("gen_ai.usage.output_token_details"))
    answered = answered or as_dict(told.get("output_token_details"))
    parts = {
        "cache_read_tokens": count_of(asked, "cache_read"),
        "cache_write_tokens": count_of(asked, "cache_creation"),
        "reasoning_tokens": count_of(answered, "reasoning"),
    }
    return usage | {name: value for name, value in parts.items() if value is not None}


def _details(value: Any) -> dict[str, Any]:
    """Parts of a count; LangSmith writes them in Python's notation."""
    if isinstance(value, str):
        try:
            value = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return as_dict(value)
    return as_dict(value)


def _unwrapped(value: Any) -> Any:
    """A value out of the object that LangSmith puts around what is none."""
    parsed = as_structure(value)
    if isinstance(parsed, dict) and list(parsed) == ["output"]:
        return parsed["output"]
    return parsed

"""Langfuse: observations with everything as JSON text under ``langfuse.observation.*``.

Usage comes in the words of whoever reported it. Under Langfuse's own words its parts add up to
the total; under OpenAI's the details are contained in the whole.

Source: langfuse 5.0.4, scope ``langfuse-sdk``, captured; langfuse.com/docs on usage types.
"""

from datetime import datetime
from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, finish_of, forced_of
from tellwhy_collector.dialects.messages import messages_of, split_system, tools_of
from tellwhy_collector.dialects.openinference_values import answer_in, tool_input, tool_output
from tellwhy_collector.dialects.otel_genai import read_span, reported_cost
from tellwhy_collector.dialects.reading import (
    as_count,
    as_dict,
    as_float,
    as_json,
    as_structure,
    count_of,
    first_of,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step, replace

NAME = "langfuse"
SCOPE = "langfuse-sdk"
PREFIX = "langfuse.observation."

KINDS: dict[str, Kind] = {
    "generation": "model_call",
    "embedding": "model_call",
    "tool": "tool_call",
    "agent": "agent",
    "retriever": "retrieval",
    "guardrail": "guardrail",
}
"""Kind of each ``langfuse.observation.type``; spans, chains, events and evaluators are ``other``."""

CACHE_READ = (
    "cache_read_input_tokens",
    "input_cached_tokens",
    "input_cache_read",
    "input_cache_read_tokens",
)
CACHE_WRITE = (
    "cache_creation_input_tokens",
    "input_cache_creation",
    "input_cache_write",
    "input_cache_creation_tokens",
)
REASONING = ("output_reasoning_tokens", "output_reasoning", "reasoning_tokens")
DETAILS = (
    ("prompt_tokens_details", "completion_tokens_details"),
    ("input_tokens_details", "output_tokens_details"),
)
"""Where OpenAI's usage holds the parts that are contained in the whole: chat and responses."""


def recognises(record: Record) -> bool:
    """Spans of its SDK, and spans of others that speak its words."""
    if not isinstance(record, Span):
        return False
    if record.scope_name == SCOPE:
        return True
    return any(name.startswith(PREFIX) for name in record.attributes)


def read(record: Record) -> Step | None:
    """The step by the type of the observation."""
    if not isinstance(record, Span):
        return None
    said = {
        name.removeprefix(PREFIX): value
        for name, value in record.attributes.items()
        if name.startswith(PREFIX)
    }
    stated = (text_of(said, "type") or "span").lower()
    kind = KINDS.get(stated, "other")
    step = read_span(record, NAME)
    fields: dict[str, Any] = {"kind": kind, "operation": stated}
    if kind == "model_call":
        fields |= _model(record, said)
    elif kind == "tool_call":
        fields |= _tool(record, said)
    else:
        fields |= {
            "input": _called_with(said.get("input")),
            "output": as_structure(said.get("output")),
        }
    if kind == "agent":
        fields |= {"agent_name": step.agent_name or record.name}
        fields["agent_version"] = text_of(record.attributes, "langfuse.version")
    fields |= _failure(step, said)
    known = {name: value for name, value in fields.items() if value is not None}
    return replace(step, **known)


def _failure(step: Step, said: dict[str, Any]) -> dict[str, Any]:
    if step.status != "error" and text_of(said, "level") != "ERROR":
        return {}
    message = step.error_message or text_of(said, "status_message")
    status = "error" if step.end_ns is not None else None
    return {"status": status, "error_message": message}


def _model(span: Span, said: dict[str, Any]) -> dict[str, Any]:
    asked = as_json(said.get("input"))
    request = asked if isinstance(asked, dict) and "role" not in asked else {}
    history = first_of(request, "messages", "input", "prompt") if request else asked
    messages, instructions = split_system(messages_of(history), None)
    answer = answer_in(said.get("output"))
    output = answer.messages or messages_of(said.get("output"), role="assistant")
    cost = as_dict(said.get("cost_details"))
    finish = answer.finish_reason or finish_of(as_dict(said.get("output")).get("finish_reason"))
    choice = first_of(request, "tool_choice")
    return {
        "request_model": text_of(said, "model.name", "model"),
        "response_id": answer.response_id,
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": output,
        "tools_offered": tools_of(first_of(request, "tools", "functions")),
        "tool_choice": as_structure(choice),
        "forced": forced_of(choice),
        "request_parameters": as_dict(said.get("model.parameters")) or None,
        "time_to_first_chunk_ns": _first_chunk(span, said),
        **usage_of(as_dict(said.get("usage_details"))),
        **reported_cost(cost.get("total", _sum(cost))),
        **choice_fields(output, finish),
    }


def usage_of(usage: dict[str, Any]) -> dict[str, int | None]:
    """Counts with the cache in the input and reasoning in the output, in whosever words they come."""
    read, write = count_of(usage, *CACHE_READ), count_of(usage, *CACHE_WRITE)
    reasoning = count_of(usage, *REASONING)
    tokens = count_of(usage, "input", "prompt_tokens", "input_tokens")
    output = count_of(usage, "output", "completion_tokens", "output_tokens")
    contained = "prompt_tokens" in usage
    for asked, answered in DETAILS:
        if asked in usage or answered in usage:
            contained = True
            read = as_count(as_dict(usage.get(asked)).get("cached_tokens"))
            reasoning = as_count(as_dict(usage.get(answered)).get("reasoning_tokens"))
    total = count_of(usage, "total", "total_tokens")
    contained = contained or (total is not None and total == (tokens or 0) + (output or 0))
    if not contained and tokens is not None:
        tokens += (read or 0) + (write or 0)
    if not contained and output is not None:
        output += reasoning or 0
    return {
        "input_tokens": tokens,
        "output_tokens": output,
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "reasoning_tokens": reasoning,
    }


def _sum(cost: dict[str, Any]) -> float | None:
    parts = [number for value in cost.values() if (number := as_float(value)) is not None]
    return sum(parts) if parts else None


def _first_chunk(span: Span, said: dict[str, Any]) -> int | None:
    """Nanoseconds until the answer began, which is stated as a moment."""
    moment = as_json(said.get("completion_start_time"))
    try:
        began = datetime.fromisoformat(str(moment))
        return max(0, round(began.timestamp() * 1e6) * 1000 - span.start_ns)
    except (ValueError, OverflowError):
        return None


def _tool(span: Span, said: dict[str, Any]) -> dict[str, Any]:
    output = tool_output(said.get("output"))
    return {
        "tool_name": text_of(span.attributes, "gen_ai.tool.name") or span.name,
        "tool_call_id": output.call_id,
        "tool_arguments": tool_input(said.get("input")),
        "tool_result": output.result,
    }


def _called_with(value: Any) -> Any:
    """The arguments of a decorated function; one alone stands for itself."""
    parsed = tool_input(value)
    if isinstance(parsed, dict) and list(parsed) == ["args"] and isinstance(parsed["args"], list):
        return parsed["args"][0] if len(parsed["args"]) == 1 else parsed["args"]
    return parsed

"""LlamaIndex's own OpenTelemetry integration: spans by class and method, content as text.

It records neither usage nor finish reason; arguments stand in Python's notation.

Source: llama-index-observability-otel 0.7, scope ``llamaindex.opentelemetry.tracer``.
"""

import ast
import re
from typing import Any

from tellwhy_collector.dialects.choices import forced_of
from tellwhy_collector.dialects.envelope import pause_of, step_of_span
from tellwhy_collector.dialects.messages import split_system, tools_of
from tellwhy_collector.dialects.reading import as_list, as_structure, text_of
from tellwhy_collector.records import Kind, Record, Span, Step

NAME = "llama_index"
SCOPE = "llamaindex.opentelemetry.tracer"

MODEL_METHODS = frozenset(
    f"{prefix}{method}"
    for method in ("chat", "stream_chat", "complete", "stream_complete", "predict_and_call")
    for prefix in ("", "a")
)
CALL = re.compile(
    r"ToolCall\(tool_name='(?P<name>[^']*)', tool_kwargs=(?P<arguments>\{.*\}), tool_id='(?P<id>[^']*)'\)"
)
RESULT = re.compile(
    r"tool_output=ToolOutput\(blocks=\[TextBlock\(block_type='text', text='(?P<text>(?:[^'\\]|\\.)*)'"
)


def recognises(record: Record) -> bool:
    """Spans of its scope."""
    return isinstance(record, Span) and record.scope_name == SCOPE


def read(record: Record) -> Step | None:
    """A model call, a tool call, a run, or an inner step of the workflow."""
    if not isinstance(record, Span):
        return None
    owner, _, method = record.name.rpartition(".")
    fields: dict[str, Any] = {
        "operation": method,
        "turn_id": text_of(record.attributes, "llamaindex.run_id"),
    }
    kind: Kind = "other"
    if method in MODEL_METHODS:
        kind, extra = "model_call", _model(record, owner)
    elif method == "call_tool":
        kind, extra = "tool_call", _tool(record)
    elif method == "run":
        kind, extra = "agent", {"agent_name": owner, "output": _output_of(record)}
    elif pause := pause_of(record, None):
        kind, extra = "human", {"approval_decision": "asked", "status": "ok", "input": pause}
    else:
        extra = {}
    return step_of_span(record, NAME, kind, **fields, **extra)


def _model(span: Span, owner: str) -> dict[str, Any]:
    start = _event(span, "LLMChatStartEvent")
    history = as_list(start.get("messages")) or []
    messages, instructions = split_system(llama_index_messages(history), None)
    choice = text_of(start, "additional_kwargs.tool_choice.type", "additional_kwargs.tool_choice")
    return {
        "provider": owner.lower() or None,
        "request_model": text_of(start, "model_dict.model_name", "model_dict.model"),
        "input_messages": messages or None,
        "system_instructions": instructions,
        "tools_offered": tools_of(start.get("additional_kwargs.tools")),
        "tool_choice": choice,
        "forced": forced_of(choice),
    }


def llama_index_messages(history: list[Any]) -> list[dict[str, Any]]:
    """The ChatMessages of LlamaIndex in *history* in the GenAI shape."""
    return [_message(item) for item in history if isinstance(item, dict)]


def _message(item: dict[str, Any]) -> dict[str, Any]:
    """A ChatMessage of LlamaIndex in the GenAI shape."""
    told = item.get("additional_kwargs")
    call_id = text_of(told, "tool_call_id") if isinstance(told, dict) else None
    blocks = [block for block in item.get("blocks") or () if isinstance(block, dict)]
    role = text_of(item, "role") or "user"
    if role == "tool" or call_id:
        response = "\n".join(str(block.get("text", "")) for block in blocks)
        part = {"type": "tool_call_response", "id": call_id, "response": response}
        return {"role": "tool", "parts": [part]}
    return {"role": role, "parts": [_part(block) for block in blocks]}


def _part(block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("block_type")
    if kind == "tool_call":
        arguments = as_structure(block.get("tool_kwargs"))
        call = {"id": block.get("tool_call_id"), "name": block.get("tool_name")}
        return {"type": "tool_call", **call, "arguments": arguments}
    if kind == "thinking":
        return {"type": "reasoning", "content": block.get("content") or ""}
    if kind == "text":
        return {"type": "text", "content": block.get("text", "")}
    return block


def _tool(span: Span) -> dict[str, Any]:
    asked = CALL.search(text_of(span.attributes, "llamaindex.step.input_summary") or "")
    result = RESULT.search(_output_of(span) or "")
    if asked is None:
        return {"tool_result": result and _literal(f"'{result['text']}'")}
    return {
        "tool_name": asked["name"],
        "tool_call_id": asked["id"],
        "tool_arguments": _literal(asked["arguments"]),
        "tool_result": result and _literal(f"'{result['text']}'"),
    }


def _output_of(span: Span) -> str | None:
    for name in ("step.output", "workflow.output"):
        if output := text_of(_event(span, name), "output"):
            return output
    return None


def _event(span: Span, name: str) -> dict[str, Any]:
    for event in span.events:
        if event.get("name") == name and isinstance(event.get("attributes"), dict):
            found: dict[str, Any] = event["attributes"]
            return found
    return {}


def _literal(text: str) -> Any:
    """A value in Python's notation; the text itself when it is cut or no literal."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text

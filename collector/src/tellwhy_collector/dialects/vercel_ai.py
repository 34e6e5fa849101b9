"""Vercel AI SDK: ``ai.*`` until version 6, GenAI names under the scope ``gen_ai`` since 7.

The outer span of a call (``ai.generateText``) repeats the sums of the inner ones
(``ai.generateText.doGenerate``): the outer is the agent, the inner ones are the model calls.

Source: ai 6.0.326 (``experimental_telemetry``) and ai 7.0.173 with @ai-sdk/otel 1.0.173, captured.
"""

from typing import Any

from tellwhy_collector.dialects.choices import choice_fields, forced_of
from tellwhy_collector.dialects.envelope import (
    MILLISECOND_NS,
    first_chunk_of,
    inclusive_input,
    step_of_span,
)
from tellwhy_collector.dialects.messages import messages_of, split_system, tools_of
from tellwhy_collector.dialects.otel_genai import read_span
from tellwhy_collector.dialects.reading import (
    as_json,
    as_list,
    as_structure,
    count_of,
    first_of,
    nanoseconds,
    text_of,
)
from tellwhy_collector.records import Kind, Record, Span, Step, replace

NAME = "vercel_ai"
SCOPE = "gen_ai"
"""Name that version 7 gives to its tracer."""

INNER = (".doGenerate", ".doStream", ".doEmbed", ".doRerank")
"""How the operations end that call a model."""
AGENTS = ("ai.generateText", "ai.streamText", "ai.generateObject", "ai.streamObject")

USAGE = {
    "input_tokens": (
        "ai.usage.inputTokens",
        "ai.usage.promptTokens",
        "gen_ai.usage.input_tokens",
        "ai.usage.tokens",
    ),
    "output_tokens": (
        "ai.usage.outputTokens",
        "ai.usage.completionTokens",
        "gen_ai.usage.output_tokens",
    ),
    "cache_read_tokens": (
        "ai.usage.inputTokenDetails.cacheReadTokens",
        "ai.usage.cachedInputTokens",
    ),
    "cache_write_tokens": ("ai.usage.inputTokenDetails.cacheWriteTokens",),
    "reasoning_tokens": (
        "ai.usage.outputTokenDetails.reasoningTokens",
        "ai.usage.reasoningTokens",
    ),
}
"""``ai.usage.tokens`` is what an embedding counts."""

_METADATA = "ai.telemetry.metadata."
CONVERSATION = tuple(
    _METADATA + name
    for name in ("sessionId", "session_id", "conversationId", "threadId", "thread_id", "chatId")
)
"""Nothing is agreed; these names are what people put there."""
_SETTINGS = "ai.settings."
NOT_PARAMETERS = ("maxRetries", "output", "maxSteps")
"""Settings of the SDK that no model is told."""


def recognises(record: Record) -> bool:
    """Spans with an operation of the SDK, and all of version 7's scope."""
    if not isinstance(record, Span):
        return False
    return "ai.operationId" in record.attributes or record.scope_name == SCOPE


def read(record: Record) -> Step | None:
    """The step by the operation of the SDK, or by the conventions for version 7."""
    if not isinstance(record, Span):
        return None
    attributes = record.attributes
    operation = text_of(attributes, "ai.operationId")
    if operation is None:
        return _by_conventions(record)
    kind = _kind(operation)
    fields: dict[str, Any] = {
        "operation": operation,
        "conversation_id": text_of(attributes, "gen_ai.conversation.id", *CONVERSATION),
        "user_id": text_of(attributes, "user.id", _METADATA + "userId", _METADATA + "user_id"),
    }
    if kind == "model_call":
        fields |= _model(record)
    elif kind == "tool_call":
        fields |= {
            "tool_name": text_of(attributes, "ai.toolCall.name"),
            "tool_call_id": text_of(attributes, "ai.toolCall.id"),
            "tool_arguments": as_structure(
                first_of(attributes, "ai.toolCall.args", "ai.toolCall.input")
            ),
            "tool_result": as_structure(
                first_of(attributes, "ai.toolCall.result", "ai.toolCall.output")
            ),
        }
    else:
        fields |= _general(attributes, kind)
    return step_of_span(record, NAME, kind, **fields)


def _by_conventions(span: Span) -> Step:
    step = read_span(span, NAME)
    return replace(step, finish_reason=_words(step.finish_reason))


def _kind(operation: str) -> Kind:
    if operation == "ai.toolCall":
        return "tool_call"
    if operation.endswith(".doRerank"):
        return "retrieval"
    if operation.endswith(INNER):
        return "model_call"
    return "agent" if operation in AGENTS else "other"


def _model(span: Span) -> dict[str, Any]:
    attributes = span.attributes
    finish = _words(text_of(attributes, "ai.response.finishReason"))
    asked = first_of(attributes, "ai.prompt.messages", "ai.prompt")
    messages, instructions = split_system(_messages(asked), None)
    output = _answer(attributes, finish)
    choice = as_structure(attributes.get("ai.prompt.toolChoice"))
    return {
        "provider": _provider(attributes),
        "request_model": text_of(attributes, "ai.model.id", "gen_ai.request.model"),
        "response_model": text_of(attributes, "ai.response.model", "gen_ai.response.model"),
        "response_id": text_of(attributes, "ai.response.id", "gen_ai.response.id"),
        "finish_reason": finish,
        "system_instructions": instructions,
        "input_messages": messages,
        "output_messages": output,
        "tools_offered": tools_of(attributes.get("ai.prompt.tools")),
        "tool_choice": choice,
        "forced": forced_of(choice),
        "request_parameters": _parameters(attributes),
        "time_to_first_chunk_ns": first_chunk_of(span)
        or nanoseconds(attributes.get("ai.response.msToFirstChunk"), unit_ns=MILLISECOND_NS),
        **_usage(attributes),
        **choice_fields(output, finish),
    }


def _general(attributes: dict[str, Any], kind: Kind) -> dict[str, Any]:
    """What the outer span of a call, or another one, was given and gave back."""
    fields: dict[str, Any] = {
        "input": as_structure(first_of(attributes, "ai.value", "ai.values")),
        "output": _answer(attributes, None),
    }
    if kind == "agent":
        fields |= {
            "input": split_system(_messages(attributes.get("ai.prompt")), None)[0],
            "agent_name": text_of(attributes, "gen_ai.agent.name", "ai.telemetry.functionId"),
            "provider": _provider(attributes),
            "request_model": text_of(attributes, "ai.model.id"),
            **_usage(attributes),
        }
    return fields


def _provider(attributes: dict[str, Any]) -> str | None:
    """``openai`` of ``openai.chat``."""
    told = text_of(attributes, "ai.model.provider", "gen_ai.system")
    return told.partition(".")[0] if told else None


def _words(finish: str | None) -> str | None:
    """A finish reason in the spelling of the others: ``tool_calls`` for ``tool-calls``."""
    return finish.replace("-", "_") if finish else None


def _usage(attributes: dict[str, Any]) -> dict[str, int | None]:
    usage = {field: count_of(attributes, *names) for field, names in USAGE.items()}
    usage["input_tokens"] = inclusive_input(
        usage["input_tokens"], usage["cache_read_tokens"], usage["cache_write_tokens"]
    )
    return usage


def _parameters(attributes: dict[str, Any]) -> dict[str, Any] | None:
    found = {
        name.removeprefix(_SETTINGS): as_json(value)
        for name, value in sorted(attributes.items())
        if name.startswith(_SETTINGS)
    }
    return {name: found[name] for name in found if name not in NOT_PARAMETERS} or None


def _messages(value: Any) -> list[dict[str, Any]] | None:
    """The SDK's messages in the GenAI shape; its parts are spelled ``tool-call``."""
    parsed = as_json(value)
    if isinstance(parsed, dict):
        asked = parsed.get("messages") or parsed.get("prompt")
        said = [{"role": "system", "content": parsed["system"]}] if parsed.get("system") else []
        parsed = said + (asked if isinstance(asked, list) else [{"role": "user", "content": asked}])
    items = [
        {**item, "content": [_part(part) for part in item["content"]]}
        if isinstance(item, dict) and isinstance(item.get("content"), list)
        else item
        for item in as_list(parsed) or ()
    ]
    answers = [_with_results(item) for item in items]
    return messages_of(answers)


def _with_results(item: Any) -> Any:
    """Tool results stand in the content of a message of the role ``tool``."""
    if isinstance(item, dict) and item.get("role") == "tool" and "content" in item:
        return {"role": "tool", "parts": as_list(item["content"]) or []}
    return item


def _part(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    kind = part.get("type")
    call_id, name = part.get("toolCallId"), part.get("toolName")
    if kind == "tool-call":
        arguments = as_structure(part.get("input", part.get("args")))
        return {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    if kind == "tool-result":
        output = part.get("output", part.get("result"))
        answer = {"type": "tool_call_response", "id": call_id, "response": output}
        if isinstance(output, dict) and "value" in output:
            answer["response"] = output["value"]
            answer |= {"is_error": True} if str(output.get("type")).startswith("error") else {}
        return answer
    return part


def _answer(attributes: dict[str, Any], finish: str | None) -> list[dict[str, Any]] | None:
    """What came back: reasoning, text or object, tool calls."""
    parts: list[dict[str, Any]] = []
    reasoning = as_structure(attributes.get("ai.response.reasoning"))
    if isinstance(reasoning, list):
        reasoning = "\n".join(text_of(r, "text") or "" for r in reasoning if isinstance(r, dict))
    if isinstance(reasoning, str) and reasoning:
        parts.append({"type": "reasoning", "content": reasoning})
    if text := text_of(attributes, "ai.response.text", "ai.response.object"):
        parts.append({"type": "text", "content": text})
    calls = as_list(attributes.get("ai.response.toolCalls"))
    parts += [
        _part({**call, "type": "tool-call"}) for call in calls or () if isinstance(call, dict)
    ]
    if not parts:
        return None
    message = {"role": "assistant", "parts": parts}
    return [message | ({"finish_reason": finish} if finish else {})]

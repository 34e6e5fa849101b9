"""What the model chose, what it could have chosen, and what it wrote beside it.

Facts and statements only: a stated reason is the model's text, not a cause.
"""

from typing import Any

from tellwhy_collector.dialects.reading import as_json
from tellwhy_collector.records import Forced

REFUSALS = frozenset({"refusal", "content_filter", "safety", "blocked", "prohibited_content"})
TRUNCATIONS = frozenset({"length", "max_tokens", "max_output_tokens", "incomplete"})
ANSWERS = frozenset({"stop", "end_turn", "stop_sequence", "completed", "complete"})
TOOL_FINISHES = frozenset({"tool_use", "tool_call", "tool_calls", "function_call"})
"""Finish reasons in the words of the providers."""
HANDOFF_PREFIX = "transfer_to_"
"""OpenAI Agents hands over to another agent through a tool of this name."""
REDACTED = "<REDACTED>"
STATED = ("chosen", "stated_reason", "stated_reason_source", "stated_text")
"""Fields of `Step` that `choice_fields` gives."""


def choice_fields(
    output_messages: list[dict[str, Any]] | None, finish_reason: str | None
) -> dict[str, Any]:
    """What a model call chose and what it wrote beside it, as fields of `Step`."""
    parts = [part for message in output_messages or () for part in message["parts"]]
    chosen = _actions(parts, finish_reason, known=output_messages is not None)
    reason, source, text = _stated(parts, chosen)
    return {
        "chosen": chosen,
        "stated_reason": reason,
        "stated_reason_source": source,
        "stated_text": text,
    }


def _actions(
    parts: list[dict[str, Any]], finish_reason: str | None, *, known: bool
) -> list[dict[str, Any]] | None:
    calls = [
        _action(part) for part in parts if part.get("type") in ("tool_call", "server_tool_call")
    ]
    if calls:
        return calls
    finish = (finish_reason or "").lower()
    text = _text(parts, "text")
    if finish in REFUSALS or any(part.get("type") == "refusal" for part in parts):
        return [_without_none({"action": "refusal", "text": text or _text(parts, "refusal")})]
    if finish in TRUNCATIONS:
        return [_without_none({"action": "truncated", "text": text})]
    if text is not None or finish in ANSWERS:
        return [_without_none({"action": "answer", "text": text})]
    if known and not finish and parts:
        return [{"action": "answer"}]
    return None


def _action(part: dict[str, Any]) -> dict[str, Any]:
    name = part.get("name")
    hands_over = isinstance(name, str) and name.startswith(HANDOFF_PREFIX)
    action: dict[str, Any] = {"action": "handoff" if hands_over else "tool_call"}
    if name is not None:
        action["name"] = name
    if call_id := part.get("id"):
        action["tool_call_id"] = call_id
    if (arguments := part.get("arguments")) is not None:
        action["arguments"] = arguments
    return action


def _stated(
    parts: list[dict[str, Any]], chosen: list[dict[str, Any]] | None
) -> tuple[str | None, str | None, str | None]:
    """The reason, where it stood, and the text beside a choice of tools."""
    text = None
    if chosen and chosen[0]["action"] in ("tool_call", "handoff"):
        text = _text(parts, "text") or None
        text = None if text == REDACTED else text
    reasoning = _text(parts, "reasoning")
    if reasoning and reasoning != REDACTED:
        return reasoning, "reasoning", text
    return text, "text" if text else None, text


def _text(parts: list[dict[str, Any]], kind: str) -> str | None:
    texts = [
        p["content"] for p in parts if p.get("type") == kind and isinstance(p.get("content"), str)
    ]
    return "\n\n".join(text for text in texts if text) if texts else None


def finish_of(value: Any) -> str | None:
    """One finish reason out of the list that some senders give, one for each output item."""
    parsed = as_json(value)
    if isinstance(parsed, str):
        return parsed or None
    if not isinstance(parsed, list):
        return None
    reasons = [reason for reason in parsed if isinstance(reason, str) and reason]
    called = [reason for reason in reasons if reason in TOOL_FINISHES]
    found = called or reasons
    return found[-1] if found else None


def forced_of(choice: Any) -> Forced | None:
    """How much choice a provider's ``tool_choice`` left; None for a spelling nobody knows.

    Source: tool_choice of Anthropic Messages, OpenAI Chat and Responses, Bedrock Converse.
    """
    parsed = as_json(choice)
    if parsed is None:
        return None
    if isinstance(parsed, dict):
        word = parsed.get("type") or parsed.get("mode") or next(iter(parsed), "")
        if word == "allowed_tools":
            word = parsed.get("mode", "auto")
        if word in ("tool", "function", "custom"):
            return "one_tool"
    else:
        word = parsed
    words: dict[str, Forced] = {
        "auto": "free",
        "any": "any_tool",
        "required": "any_tool",
        "none": "no_tool",
    }
    return words.get(str(word).lower())


def allowed_names(choice: Any) -> frozenset[str] | None:
    """Tools that a provider's ``tool_choice`` leaves by their names; None when it names none.

    Source: tool_choice of Anthropic Messages, OpenAI Chat and Responses (``allowed_tools``),
    Bedrock Converse; ``allowedFunctionNames`` of Gemini.
    """
    parsed = as_json(choice)
    if not isinstance(parsed, dict):
        return None
    config = parsed.get("functionCallingConfig") or parsed.get("function_calling_config")
    if isinstance(config, dict):
        parsed = config
    for key in ("allowedFunctionNames", "allowed_function_names"):
        if isinstance(parsed.get(key), list) and parsed[key]:
            return frozenset(name for name in parsed[key] if isinstance(name, str))
    if parsed.get("type") == "allowed_tools":
        inner = parsed.get("allowed_tools")
        tools = (inner if isinstance(inner, dict) else parsed).get("tools")
        return frozenset(filter(None, map(_named, tools))) if isinstance(tools, list) else None
    name = _named(parsed)
    return None if name is None else frozenset([name])


def _named(tool: Any) -> str | None:
    """``{"name"}``, ``{"function": {"name"}}``, ``{"custom": {"name"}}`` or ``{"tool": {"name"}}``."""
    if not isinstance(tool, dict):
        return None
    for holder in (tool, *(tool.get(key) for key in ("function", "custom", "tool"))):
        if isinstance(holder, dict) and isinstance(holder.get("name"), str):
            return str(holder["name"])
    return None


def _without_none(action: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in action.items() if value is not None}

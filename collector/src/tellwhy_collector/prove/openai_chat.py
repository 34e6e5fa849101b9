"""OpenAI chat completions: items of a request, choices of an answer.

Source: the API reference of chat completions: every call of an assistant's message needs a message of
the role ``tool``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tellwhy_collector.prove.items import Item, descriptions, instructions, message
from tellwhy_collector.prove.wire import JSON, Choice, Usage, Wire


def items(body: JSON) -> list[Item]:
    """Everything that can be left out of a request, instructions first."""
    found = [
        *descriptions(body.get("tools") or [], ("tools",), ("function",)),
        *_messages(body.get("messages") or []),
    ]
    return sorted(found, key=lambda item: item.kind != "instructions")


def _messages(messages: list[JSON]) -> Iterator[Item]:
    names: dict[str, str] = {}
    for at, each in enumerate(messages):
        role, path = each.get("role", ""), ("messages", at, "content")
        for call in each.get("tool_calls") or []:
            names[call.get("id", "")] = (call.get("function") or {}).get("name", "")
        for text, place in _texts(each.get("content"), path):
            if role in {"system", "developer"}:
                yield from instructions(text, place, drops=False, name="instructions")
            elif role == "tool":
                name = names.get(each.get("tool_call_id", ""), "a tool")
                yield Item("result", f"result of {name}, message {at + 1}", place)
            elif role == "assistant":
                yield from message(
                    "assistant", text, place, f"text of the model, message {at + 1},"
                )
            elif role == "user":
                yield from message("user", text, place, f"message of the user, message {at + 1},")


def _texts(
    content: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[Any, tuple[str | int, ...]]]:
    if isinstance(content, str):
        yield content, path
    for at, part in enumerate(content if isinstance(content, list) else []):
        if isinstance(part, dict) and part.get("type") == "text":
            yield part.get("text"), (*path, at, "text")


def plain(body: JSON) -> JSON:
    """The request without streaming, for one answer."""
    left = {"stream", "stream_options", "n"}
    return {name: value for name, value in body.items() if name not in left}


def choices(answer: JSON) -> list[Choice]:
    """What an answer chose."""
    first = (answer.get("choices") or [{}])[0]
    said = first.get("message") or {}
    calls = [
        Choice("tool_call", function.get("name"), parsed(function.get("arguments")))
        for call in said.get("tool_calls") or []
        if (function := call.get("function") or call.get("custom") or {})
    ]
    if calls:
        return calls
    stopped = first.get("finish_reason")
    if said.get("refusal") or stopped == "content_filter":
        return [Choice("refusal")]
    return [Choice("truncated" if stopped == "length" else "answer")]


def usage(answer: JSON) -> Usage:
    """Tokens of an answer."""
    said = answer.get("usage") or {}
    read = (said.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(said.get("prompt_tokens") or 0, said.get("completion_tokens") or 0, read)


def parsed(arguments: Any) -> Any:
    """Arguments as JSON; the text where it is none."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


WIRE = Wire(
    "openai_chat",
    "/chat/completions",
    items,
    plain,
    choices,
    usage,
    lambda body: body.get("max_completion_tokens") or body.get("max_tokens"),
)

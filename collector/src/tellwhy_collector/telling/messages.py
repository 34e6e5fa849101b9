"""Messages that a model saw, as a reader would name them: whose, of which tool. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tellwhy_collector.telling.paths import NoSuchPlace, keys_of
from tellwhy_collector.telling.wording import named, quoted

RESULTS = frozenset({"tool_call_response", "server_tool_call_response"})
CALLS = frozenset({"tool_call", "server_tool_call"})

Part = dict[str, Any]


def parts_of(message: Any) -> list[Part]:
    """The parts of a message; of one that has another shape, what can be read as such."""
    parts = message.get("parts") if isinstance(message, dict) else None
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def body_of(part: Part) -> Any:
    """What a part says."""
    if part.get("type") in RESULTS:
        return part.get("response", part.get("result"))
    if part.get("type") in CALLS:
        return part.get("arguments")
    return part.get("content", part.get("text"))


def tool_of(messages: Sequence[Any], at: int, part: Part) -> str | None:
    """Which tool a result is of: the one whose call with its id stands last before it."""
    if part.get("name"):
        return str(part["name"])
    call_id = part.get("id")
    for message in reversed(messages[: at + 1]):
        for call in parts_of(message):
            if call.get("type") in CALLS and call.get("id") == call_id and call_id is not None:
                return str(call.get("name"))
    return None


def place_named(messages: Any, path: str | None, role: str | None) -> str:
    """What stands at *path* of a list of messages: ``the result of `get_order` ``, ``the user's message``.

    Args:
        messages: The list, None when it is not at hand.
        path: JSON path inside it.
        role: Who said it, where that is known.
    """
    at, part = _place(messages, path)
    if part is not None and part.get("type") in RESULTS:
        tool = tool_of(messages, at, part)
        return f"the result of {named(tool)}" if tool else "a tool's result"
    said = ROLES.get(role or "")
    if said is None and isinstance(messages, list) and at < len(messages):
        said = ROLES.get(str(messages[at].get("role")) if isinstance(messages[at], dict) else "")
    return said or "what the model saw"


def _place(messages: Any, path: str | None) -> tuple[int, Part | None]:
    """Which message a path leads into, and which part of it, where it leads so far."""
    try:
        keys = keys_of(path or "$")
    except NoSuchPlace:
        return 0, None
    if not isinstance(messages, list) or not keys or not isinstance(keys[0], int):
        return 0, None
    try:
        part = messages[keys[0]]["parts"][keys[2]]
    except (LookupError, TypeError):
        return keys[0], None
    return keys[0], part if isinstance(part, dict) else None


ROLES = {
    "user": "the user's message",
    "system": "the instructions",
    "developer": "the instructions",
    "tool": "a tool's result",
    "document": "a retrieved document",
    "assistant": "what the model itself had written before",
    "tool_schema": "the description of a tool",
}
"""Role of a message or of a source of evidence -> what a reader calls it."""


def part_told(messages: Sequence[Any], at: int, part: Part) -> str:
    """One part of a message that was new: what it is and how it begins."""
    kind, body = str(part.get("type") or "text"), body_of(part)
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, default=str)
    if kind in RESULTS:
        tool = tool_of(messages, at, part)
        word = "an error from" if part.get("is_error") else "the result of"
        return f"{word} {named(tool) if tool else 'a tool'}, {quoted(text)}"
    role = str(messages[at].get("role") or "unknown") if isinstance(messages[at], dict) else ""
    whose = {
        "user": "the user's message",
        "system": "a system message",
        "developer": "a developer's message",
        "assistant": "an answer of a model",
        "tool": "a tool's message",
    }.get(role, "a message")
    if kind in CALLS:
        return f"a call of {named(part.get('name'))}"
    if body is None:
        return f"{whose} with a part of type {named(kind)}"
    return f"{whose}, {quoted(text)}"

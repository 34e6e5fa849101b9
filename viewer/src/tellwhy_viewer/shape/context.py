"""Message lists as a reader sees them: who said what, and what is new since the call before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.text import clipped, parsed, readable

Part = dict[str, Any]


def messages_of(text: Any) -> list[dict[str, Any]]:
    """Give the messages in a JSON-text column; nothing recorded gives an empty list."""
    value = parsed(text)
    if isinstance(value, dict):
        value = [value]
    if isinstance(value, str):
        value = [{"role": "unknown", "parts": [{"type": "text", "content": value}]}]
    if not isinstance(value, list):
        return []
    return [item if isinstance(item, dict) else {"parts": [item]} for item in value]


def parts_of(message: dict[str, Any]) -> list[Part]:
    """Give a message's parts, whatever shape its sender used."""
    parts = message.get("parts")
    if parts is None:
        parts = message.get("content", [])
    if isinstance(parts, str | dict):
        parts = [parts]
    if not isinstance(parts, list):
        return []
    return [part if isinstance(part, dict) else {"type": "text", "content": part} for part in parts]


def shared_prefix(before: Sequence[Any], now: Sequence[Any]) -> int:
    """Give how many messages at the start of *now* stand in *before* as they were."""
    count = 0
    for old, new in zip(before, now, strict=False):
        if old != new:
            break
        count += 1
    return count


def spoken(message: dict[str, Any], index: int, limit: int) -> list[Part]:
    """Give one line for each part of *message*, each text at most *limit* characters."""
    role = str(message.get("role") or "unknown")
    return [_line(part, role, index, limit) for part in parts_of(message)]


def _line(part: Part, role: str, index: int, limit: int) -> Part:
    kind = str(part.get("type") or "text")
    line: Part = {"role": role, "kind": kind, "message": index}
    if kind in {"tool_call", "server_tool_call"}:
        body = part.get("arguments")
        return {**line, "name": part.get("name"), "id": part.get("id"), **_body(body, limit)}
    if kind in {"tool_call_response", "server_tool_call_response"}:
        body = part.get("response", part.get("result", part.get("content")))
        failed = bool(part.get("is_error"))
        return {**line, "id": part.get("id"), "is_error": failed, **_body(body, limit)}
    if kind in {"blob", "uri", "file"}:
        told = {name: value for name, value in part.items() if name not in {"type", "content"}}
        return {**line, **_body(told, limit)}
    body = part.get("content", part.get("text"))
    if body is None:
        body = {name: value for name, value in part.items() if name != "type"}
    return {**line, **_body(body, limit)}


def _body(value: Any, limit: int) -> Part:
    if value is None:
        return {"text": "", "chars": 0, "clipped": False}
    return clipped(value, limit) or {}


def conversation(row: dict[str, Any], limit: int = 2_000) -> dict[str, Any]:
    """Give the whole context of one model call: system text, messages, answer, each text bounded."""
    calls: dict[Any, Any] = {}
    messages = messages_of(row.get("input_messages"))
    lines = [line for at, item in enumerate(messages) for line in spoken(item, at, limit)]
    answer = messages_of(row.get("output_messages"))
    answered = [line for at, item in enumerate(answer) for line in spoken(item, at, limit)]
    for line in lines:
        _name_result(line, calls)
    system = messages_of(row.get("system_instructions"))
    told = [line for at, item in enumerate(system) for line in _instruction(item, at, limit)]
    return {"system": told, "messages": lines, "answer": answered, "count": len(messages)}


def _instruction(item: dict[str, Any], at: int, limit: int) -> list[Part]:
    if "parts" in item:
        return spoken({**item, "role": "system"}, at, limit)
    return [_line(item, "system", at, limit)]


def _name_result(line: Part, calls: dict[Any, Any]) -> None:
    """Give a tool result the name of the tool that the call with its id asked for."""
    if line["kind"] in {"tool_call", "server_tool_call"}:
        calls[line.get("id")] = line.get("name")
    elif "response" in line["kind"]:
        line["name"] = calls.get(line.get("id"))


def whole_message(text: Any, index: int) -> str | None:
    """Give one message in full, readable; None when there is no such message."""
    messages = messages_of(text)
    if not 0 <= index < len(messages):
        return None
    lines = spoken(messages[index], index, limit=10**9)
    return "\n\n".join(line["text"] for line in lines) or readable(messages[index])


def news(now_text: Any, before: dict[str, Any] | None, limit: int = 1_200) -> dict[str, Any]:
    """Give what the model saw at this call that it had not seen at the call before.

    Returns:
        ``messages`` in all, ``new`` lines (its own earlier answer left out and counted in ``own``),
        ``dropped``: how many earlier messages are gone or changed, ``first``: no call before.
    """
    now = messages_of(now_text)
    old = messages_of(before["input_messages"]) if before else []
    kept = shared_prefix(old, now)
    calls: dict[Any, Any] = {}
    fresh: list[Part] = []
    own = 0
    for at, message in enumerate(now):
        lines = spoken(message, at, limit)
        for line in lines:
            _name_result(line, calls)
        if at < kept:
            continue
        if message.get("role") == "assistant" and before is not None:
            own += 1
            continue
        fresh += lines
    return {
        "recorded": now_text is not None,
        "messages": len(now),
        "new": fresh,
        "own": own,
        "dropped": len(old) - kept,
        "first": before is None,
    }

"""Anthropic Messages: items of a request, choices of an answer.

Source: the API reference of Messages, version 2023-06-01: every ``tool_use`` needs its ``tool_result``,
no text block may be empty, thinking blocks come back unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy_collector.prove.items import Item, descriptions, instructions, message
from tellwhy_collector.prove.wire import JSON, Choice, Usage, Wire

_SAID = {"user": "message of the user", "assistant": "text of the model"}


def items(body: JSON) -> list[Item]:
    """Everything that can be left out of a request, in the order in which it stands there."""
    return [
        *_system(body.get("system")),
        *descriptions(body.get("tools") or [], ("tools",)),
        *_messages(body.get("messages") or []),
    ]


def _system(system: Any) -> Iterator[Item]:
    if isinstance(system, str):
        yield from instructions(system, ("system",), drops=True, name="instructions")
        return
    for at, block in enumerate(system or []):
        name = "instructions" if len(system) == 1 else f"instructions, block {at + 1}"
        if isinstance(block, dict):
            yield from instructions(
                block.get("text"), ("system", at, "text"), drops=False, name=name
            )


def _messages(messages: list[JSON]) -> Iterator[Item]:
    names: dict[str, str] = {}
    for at, each in enumerate(messages):
        content, role = each.get("content"), each.get("role", "")
        kind: Any = "assistant" if role == "assistant" else "user"
        label = f"{_SAID.get(role, role)}, message {at + 1},"
        if isinstance(content, str):
            yield from message(kind, content, ("messages", at, "content"), label)
            continue
        for place, block in enumerate(content or []):
            path = ("messages", at, "content", place)
            if block.get("type") == "tool_use":
                names[block.get("id", "")] = block.get("name", "")
            elif block.get("type") == "tool_result" and "content" in block:
                name = names.get(block.get("tool_use_id", ""), "a tool")
                yield Item(
                    "result",
                    f"result of {name}, message {at + 1}",
                    (*path, "content"),
                    with_it=((*path, "is_error"),) if "is_error" in block else (),
                )
            elif block.get("type") == "text":
                yield from message(kind, block.get("text"), (*path, "text"), label)


def plain(body: JSON) -> JSON:
    """The request without streaming."""
    return {name: value for name, value in body.items() if name != "stream"}


def choices(answer: JSON) -> list[Choice]:
    """What an answer chose."""
    calls = [
        Choice("tool_call", block.get("name"), block.get("input"))
        for block in answer.get("content") or []
        if block.get("type") in {"tool_use", "server_tool_use", "mcp_tool_use"}
    ]
    stopped = answer.get("stop_reason")
    action = {"refusal": "refusal", "max_tokens": "truncated"}.get(stopped or "", "answer")
    return calls or [Choice(action)]


def usage(answer: JSON) -> Usage:
    """Tokens of an answer."""
    said = answer.get("usage") or {}
    read = said.get("cache_read_input_tokens") or 0
    written = said.get("cache_creation_input_tokens") or 0
    total = (said.get("input_tokens") or 0) + read + written
    return Usage(total, said.get("output_tokens") or 0, read, written)


WIRE = Wire(
    "anthropic_messages",
    "/v1/messages",
    items,
    plain,
    choices,
    usage,
    lambda body: body.get("max_tokens"),
)

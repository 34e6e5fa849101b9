"""An example as OpenAI's fine-tuning of chat models takes it. Pure.

Source: OpenAI, "Supervised fine-tuning", format of the data: ``messages`` as in Chat Completions, the
last one the assistant's; ``tools``; ``parallel_tool_calls``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]


class CannotSay(Exception):  # noqa: N818 - says what it is
    """The format has no place for something; says for what."""


def of(example: dict[str, Any]) -> dict[str, Any]:
    """One line.

    Args:
        example: As `reading.examples` gives it.

    Raises:
        CannotSay: It holds something that the format has no place for.
    """
    messages: list[Message] = []
    if example["system"]:
        messages.append({"role": "system", "content": _text(example["system"])})
    for each in example["messages"]:
        messages += _messages(each)
    output = [message for each in example["output_messages"] or () for message in _messages(each)]
    if not output or output[-1]["role"] != "assistant":
        raise CannotSay("its answer was not recorded")
    line: dict[str, Any] = {"messages": [*messages, *output]}
    if example["tools"]:
        line["tools"] = [_tool(tool) for tool in example["tools"]]
        line["parallel_tool_calls"] = True
    return line


def _messages(message: Message) -> Iterator[Message]:
    """A message as those that Chat Completions has for it: a tool's result is one of its own."""
    role, parts = message.get("role"), message.get("parts") or []
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    for part in results:
        said = part.get("response")
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        yield {"role": "tool", "tool_call_id": part.get("id") or "", "content": text}
    rest = [part for part in parts if part not in results]
    if not rest:
        return
    if role == "assistant":
        yield _said(rest)
    elif role in {"system", "developer"}:
        yield {"role": "system", "content": _text(rest)}
    else:
        yield {"role": "user", "content": _text(rest)}


def _said(parts: list[Message]) -> Message:
    """What the assistant said; what it thought is not part of the format."""
    calls = [part for part in parts if part.get("type") == "tool_call"]
    words = [part for part in parts if part.get("type") not in {"tool_call", "reasoning"}]
    found: Message = {"role": "assistant"}
    text = _text(words)
    if text or not calls:
        found["content"] = text
    if calls:
        found["tool_calls"] = [
            {
                "id": part.get("id") or "",
                "type": "function",
                "function": {"name": part.get("name"), "arguments": _arguments(part)},
            }
            for part in calls
        ]
    return found


def _arguments(part: Message) -> str:
    arguments = part.get("arguments")
    if isinstance(arguments, str):
        return arguments
    return json.dumps({} if arguments is None else arguments, ensure_ascii=False)


def _text(parts: list[Message]) -> str:
    texts = []
    for part in parts:
        kind = part.get("type")
        if kind != "text":
            raise CannotSay(f"the format has no place for a part of the type {kind}")
        texts.append(str(part.get("content") or ""))
    return "\n\n".join(texts)


def _tool(tool: Message) -> Message:
    if tool.get("type", "function") != "function" or "name" not in tool:
        raise CannotSay(f"the format has no place for a tool of the type {tool.get('type')}")
    function = {name: tool[name] for name in ("name", "description", "parameters") if name in tool}
    return {"type": "function", "function": function}

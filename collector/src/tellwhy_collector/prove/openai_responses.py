"""OpenAI responses: items of a request, choices of an answer.

Source: the API reference of responses: every ``function_call`` needs its output, reasoning stays beside
what it led to. What the provider keeps behind ``previous_response_id`` cannot be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tellwhy_collector.prove.items import Item, descriptions, instructions, message
from tellwhy_collector.prove.openai_chat import parsed
from tellwhy_collector.prove.wire import JSON, Choice, Usage, Wire

_CALLS = {"function_call", "custom_tool_call", "mcp_call", "web_search_call", "file_search_call"}


def items(body: JSON) -> list[Item]:
    """Everything that can be left out of a request, instructions first."""
    found = [
        *instructions(body.get("instructions"), ("instructions",), drops=True, name="instructions"),
        *descriptions(body.get("tools") or [], ("tools",)),
        *_input(body.get("input")),
    ]
    return sorted(found, key=lambda item: item.kind != "instructions")


def _input(given: Any) -> Iterator[Item]:
    if isinstance(given, str):
        yield from message("user", given, ("input",), "message of the user")
        return
    names: dict[str, str] = {}
    for at, each in enumerate(given or []):
        kind, label = each.get("type", "message"), f"item {at + 1}"
        if kind in _CALLS:
            names[each.get("call_id", "")] = each.get("name", "")
        elif kind.endswith("_call_output") and "output" in each:
            name = names.get(each.get("call_id", ""), "a tool")
            yield Item("result", f"result of {name}, {label}", ("input", at, "output"))
        elif kind == "message":
            yield from _message(each, at, label)


def _message(each: JSON, at: int, label: str) -> Iterator[Item]:
    content, role = each.get("content"), each.get("role", "")
    texts: list[tuple[Any, tuple[str | int, ...]]] = []
    if isinstance(content, str):
        texts.append((content, ("input", at, "content")))
    for place, part in enumerate(content if isinstance(content, list) else []):
        if part.get("type") in {"input_text", "output_text", "text"}:
            texts.append((part.get("text"), ("input", at, "content", place, "text")))
    for text, path in texts:
        if role in {"system", "developer"}:
            yield from instructions(text, path, drops=False, name="instructions")
        elif role == "assistant":
            yield from message("assistant", text, path, f"text of the model, {label},")
        else:
            yield from message("user", text, path, f"message of the user, {label},")


def plain(body: JSON) -> JSON:
    """The request without streaming, and answered at once."""
    left = {"stream", "stream_options", "background"}
    return {name: value for name, value in body.items() if name not in left}


def choices(answer: JSON) -> list[Choice]:
    """What an answer chose."""
    output = answer.get("output") or []
    calls = [
        Choice("tool_call", item.get("name"), parsed(item.get("arguments", item.get("input"))))
        for item in output
        if item.get("type") in _CALLS
    ]
    if calls:
        return calls
    parts = [part for item in output for part in item.get("content") or []]
    if any(part.get("type") == "refusal" for part in parts):
        return [Choice("refusal")]
    why = (answer.get("incomplete_details") or {}).get("reason")
    if answer.get("status") == "incomplete":
        return [Choice("refusal" if why == "content_filter" else "truncated")]
    return [Choice("answer")]


def usage(answer: JSON) -> Usage:
    """Tokens of an answer."""
    said = answer.get("usage") or {}
    read = (said.get("input_tokens_details") or {}).get("cached_tokens") or 0
    return Usage(said.get("input_tokens") or 0, said.get("output_tokens") or 0, read)


WIRE = Wire(
    "openai_responses",
    "/responses",
    items,
    plain,
    choices,
    usage,
    lambda body: body.get("max_output_tokens"),
)

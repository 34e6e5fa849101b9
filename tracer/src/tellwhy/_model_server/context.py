"""What a request to a model says, seen the same way for every wire format, so that a rule can read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tellwhy._model_server.script import texts


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a tool."""

    name: str
    """The tool."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """What it is called with; JSON values."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool gave back, as the model is told."""

    name: str
    """The tool; empty when its call is not in the request."""
    text: str
    is_error: bool = False
    """Whether the request says that the tool failed; only Anthropic's format can."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the conversation. Instructions stand in `Context.system`."""

    role: str
    """``user``, ``assistant`` or ``tool``."""
    text: str
    """What it says, results of tools left out."""
    calls: tuple[Call, ...] = ()
    results: tuple[ToolResult, ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """All that a model is asked with."""

    model: str
    system: str
    """Instructions, joined by line ends."""
    messages: tuple[Message, ...]
    """The oldest first; with the history that a provider keeps."""
    tools: Mapping[str, str]
    """Name of each tool that may be called -> its description."""
    schemas: Mapping[str, Any]
    """Name of each tool -> JSON schema of its arguments."""

    @property
    def results(self) -> tuple[ToolResult, ...]:
        """All results of tools, the oldest first."""
        return tuple(each for message in self.messages for each in message.results)

    @property
    def user(self) -> str:
        """What users said, joined by line ends."""
        return "\n".join(each.text for each in self.messages if each.role == "user" and each.text)

    def result(self, tool: str) -> str:
        """The newest result of *tool*; empty when there is none."""
        found = [each.text for each in self.results if each.name == tool]
        return found[-1] if found else ""

    def says(self, text: str) -> bool:
        """Whether *text* stands anywhere: instructions, messages, results, descriptions of tools."""
        said = [self.system, *self.tools.values()]
        for message in self.messages:
            said += [message.text, *(each.text for each in message.results)]
        return any(text in each for each in said)


def of_messages(body: dict[str, Any]) -> Context:
    """Of Anthropic Messages, with a whole thread in it."""
    names: dict[str, str] = {}
    found = []
    for message in body.get("messages", []):
        content = message.get("content")
        blocks = [each for each in content if isinstance(each, dict)] if _is_list(content) else []
        calls, results = [], []
        for block in blocks:
            if block.get("type") == "tool_use":
                names[block["id"]] = block["name"]
                calls.append(Call(block["name"], block.get("input") or {}))
            elif block.get("type") == "tool_result":
                name = names.get(block.get("tool_use_id", ""), "")
                failed = bool(block.get("is_error"))
                results.append(ToolResult(name, texts(block.get("content")), failed))
        said = [each for each in blocks if each.get("type") == "text"] if blocks else content
        found.append(Message(message["role"], texts(said), tuple(calls), tuple(results)))
    tools = body.get("tools") or []
    return _context(body, texts(body.get("system")), found, _offered(tools, "input_schema"))


def of_chat(body: dict[str, Any]) -> Context:
    """Of OpenAI chat completions."""
    names: dict[str, str] = {}
    system: list[str] = []
    found = []
    for message in body.get("messages", []):
        role, text = message["role"], texts(message.get("content"))
        if role in {"system", "developer"}:
            system.append(text)
            continue
        calls = []
        for call in message.get("tool_calls") or []:
            function = call.get("function") or {}
            names[call.get("id", "")] = function.get("name", "")
            calls.append(Call(function.get("name", ""), _read(function.get("arguments"))))
        if role == "tool":
            result = ToolResult(names.get(message.get("tool_call_id", ""), ""), text)
            found.append(Message("tool", "", results=(result,)))
        else:
            found.append(Message(role, text, tuple(calls)))
    functions = [each.get("function") or {} for each in body.get("tools") or []]
    return _context(body, "\n".join(system), found, _offered(functions, "parameters"))


def of_responses(body: dict[str, Any], items: Iterable[dict[str, Any]]) -> Context:
    """Of OpenAI responses; *items* is the input behind the history that the provider keeps."""
    names: dict[str, str] = {}
    system = [texts(body.get("instructions"))] if body.get("instructions") else []
    found = []
    for item in items:
        kind, role = item.get("type", "message"), item.get("role", "user")
        if kind == "message" and role in {"system", "developer"}:
            system.append(texts(item.get("content")))
        elif kind == "message":
            found.append(Message(role, texts(item.get("content"))))
        elif kind == "function_call":
            names[item.get("call_id", "")] = item["name"]
            call = Call(item["name"], _read(item.get("arguments")))
            found.append(Message("assistant", "", calls=(call,)))
        elif kind == "function_call_output":
            name = names.get(item.get("call_id", ""), "")
            result = ToolResult(name, texts(item.get("output")))
            found.append(Message("tool", "", results=(result,)))
    tools = _offered(body.get("tools") or [], "parameters")
    return _context(body, "\n".join(system), found, tools)


def _context(
    body: dict[str, Any], system: str, messages: list[Message], tools: dict[str, tuple[str, Any]]
) -> Context:
    return Context(
        str(body.get("model") or ""),
        system,
        tuple(messages),
        {name: description for name, (description, _) in tools.items()},
        {name: schema for name, (_, schema) in tools.items()},
    )


def _offered(tools: Iterable[dict[str, Any]], schema: str) -> dict[str, tuple[str, Any]]:
    return dict(_tools(tools, schema))


def _tools(tools: Iterable[dict[str, Any]], schema: str) -> Iterator[tuple[str, tuple[str, Any]]]:
    for each in tools:
        if each.get("type") == "namespace":
            yield from _tools(each.get("tools") or [], schema)
        elif "name" in each:
            yield each["name"], (str(each.get("description") or ""), each.get(schema) or {})


def _read(arguments: Any) -> Mapping[str, Any]:
    try:
        found = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _is_list(content: Any) -> bool:
    return isinstance(content, list)

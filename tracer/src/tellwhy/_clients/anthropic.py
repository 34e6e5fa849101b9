"""Anthropic Messages (`POST /v1/messages`, API version 2023-06-01 and betas) → what was asked and said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tellwhy._clients.messages import (
    Answer,
    Part,
    Question,
    blob_part,
    call_part,
    link_part,
    parsed,
    reasoning_part,
    response_part,
    text_part,
    without_bytes,
)
from tellwhy._pending import ToolCall, ToolResult

FORCED = {"auto": "free", "any": "any_tool", "tool": "one_tool", "none": "no_tool"}
"""``tool_choice.type`` -> how much choice the model had."""

TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema"})
"""Fields of a function's definition that the conventions have a word for."""

REPRESENTED = frozenset({"model", "messages", "system", "tools", "tool_choice", "stream"})
"""Fields of the body that have an attribute of their own."""

SAMPLING = {
    "max_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
}


RARE = frozenset({"stop_sequences", "output_config", "output_format", "thread"})
"""Fields that are looked at when there is one."""


def question(body: dict[str, Any]) -> Question:
    """What a request body asks."""
    asked = Question(model=body.get("model"))
    attributes, results = asked.attributes, asked.results
    for key, value in body.items():
        if key not in REPRESENTED:
            asked.parameters[key] = value
            if value is not None and key in SAMPLING:
                attributes[SAMPLING[key]] = value
    attributes["gen_ai.request.stream"] = bool(body.get("stream"))
    if not RARE.isdisjoint(asked.parameters):
        _rare(body, attributes)
    system = body.get("system")
    if system:
        asked.system = [text_part(system)] if isinstance(system, str) else _parts(system, results)
    asked.messages = [
        {"role": message.get("role"), "parts": _parts(message.get("content"), results)}
        for message in body.get("messages") or []
    ]
    if body.get("tools"):
        asked.tools = [_tool(tool) for tool in body["tools"]]
        asked.offered = _offered(body["tools"])
    asked.tool_choice = body.get("tool_choice")
    if asked.tool_choice:
        asked.forced = FORCED.get(asked.tool_choice.get("type", "auto"), "free")
    return asked


def _rare(body: dict[str, Any], attributes: dict[str, Any]) -> None:
    """What few requests say."""
    output = body.get("output_config") or {}
    wanted = output.get("format") or body.get("output_format")
    said = {
        "gen_ai.request.stop_sequences": body.get("stop_sequences"),
        "gen_ai.request.reasoning.level": output.get("effort"),
        "gen_ai.output.type": _output_type(wanted),
        "gen_ai.request.previous_response.id": (body.get("thread") or {}).get(
            "previous_message_id"
        ),
    }
    attributes |= {name: value for name, value in said.items() if value}


def answer(message: dict[str, Any]) -> Answer:
    """What a response body, or the message that a stream built up, says."""
    said = Answer(
        finish=message.get("stop_reason"), refused=message.get("stop_reason") == "refusal"
    )
    said.attributes = _usage(message.get("usage") or {})
    for name, value in (
        ("gen_ai.response.id", message.get("id")),
        ("gen_ai.response.model", message.get("model")),
        ("gen_ai.response.finish_reasons", [said.finish] if said.finish else None),
    ):
        if value:
            said.attributes[name] = value
    parts = []
    for block in message.get("content") or []:
        part = _part(block, [])
        parts.append(part)
        if part["type"] in {"tool_call", "server_tool_call"} and not block.get("_open"):
            said.calls.append(_call(block))
    said.say(message.get("role") or "assistant", parts)
    said.fail(message.get("error"))
    return said


class Assembler:
    """Builds the message that the events of a stream describe."""

    __slots__ = ("_json", "_texts", "done", "message")

    def __init__(self) -> None:
        self.message: dict[str, Any] = {}
        self.done = False
        """Whether the last event of a whole answer was seen."""
        self._json: dict[int, list[str]] = {}
        self._texts: dict[tuple[int, str], list[str]] = {}

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing."""
        return self.done

    def add(self, event: dict[str, Any]) -> None:
        """Take one event in."""
        kind = event.get("type")
        if kind == "content_block_delta":
            self._delta(event["index"], event["delta"])
        elif kind == "content_block_start":
            blocks = self.message.setdefault("content", [])
            while len(blocks) <= event["index"]:
                blocks.append({"type": "unknown", "_open": True})
            blocks[event["index"]] = {**event["content_block"], "_open": True}
        elif kind == "content_block_stop":
            self._stop(event["index"])
        elif kind == "message_start":
            self.message = {**event["message"], "content": [*event["message"].get("content", [])]}
        elif kind == "message_delta":
            self._finish(event)
        elif kind == "message_stop":
            self.done = True
        elif kind == "error":
            self.message["error"] = event.get("error") or {}

    def result(self) -> dict[str, Any]:
        """The message so far; a block that was cut short is marked ``_open``."""
        for (index, name), pieces in self._texts.items():
            pieces[:] = ["".join(pieces)]
            self.message["content"][index][name] = pieces[0]
        for index in list(self._json):
            self.message["content"][index]["input"] = "".join(self._json[index])
        return self.message

    def _delta(self, index: int, delta: dict[str, Any]) -> None:
        block = self.message["content"][index]
        kind = delta.get("type")
        if kind == "text_delta":
            self._add(index, block, "text", delta["text"])
        elif kind == "input_json_delta":
            self._json.setdefault(index, []).append(delta["partial_json"])
        elif kind == "thinking_delta":
            self._add(index, block, "thinking", delta["thinking"])
        elif kind == "signature_delta":
            self._add(index, block, "signature", delta["signature"])
        elif kind == "citations_delta":
            block["citations"] = [*(block.get("citations") or []), delta.get("citation")]
        elif kind == "compaction_delta":  # the whole summary comes in one
            block.update({k: v for k, v in delta.items() if k != "type" and v is not None})

    def _add(self, index: int, block: dict[str, Any], name: str, piece: str) -> None:
        """Keep a piece of a text; joined at the end, because adding copies all that was there."""
        self._texts.setdefault((index, name), [block.get(name) or ""]).append(piece)

    def _stop(self, index: int) -> None:
        block = self.message["content"][index]
        block.pop("_open", None)
        if text := "".join(self._json.pop(index, ())):
            block["input"] = parsed(text)

    def _finish(self, event: dict[str, Any]) -> None:
        self.message.update({k: v for k, v in (event.get("delta") or {}).items() if v is not None})
        usage = self.message.setdefault("usage", {})
        usage.update({k: v for k, v in (event.get("usage") or {}).items() if v is not None})


def _parts(content: Any, results: list[ToolResult]) -> list[Part]:
    if isinstance(content, str):
        return [text_part(content)]
    return [_part(block, results) for block in content or []]


def _part(block: Any, results: list[ToolResult]) -> Part:
    if not isinstance(block, dict):
        return text_part(str(block))
    kind = str(block.get("type"))
    if kind == "tool_result":
        result = ToolResult(
            block.get("tool_use_id") or "", _content(block), bool(block.get("is_error"))
        )
        results.append(result)
        return response_part(result)
    known = _SHAPES.get(kind)
    if known is not None:
        return known(block)
    return _server_result(block) if kind.endswith("_tool_result") else _unknown(block)


def _text(block: dict[str, Any]) -> Part:
    part = text_part(block.get("text") or "")
    return {**part, "citations": block["citations"]} if block.get("citations") else part


def _thinking(block: dict[str, Any]) -> Part:
    return reasoning_part(block.get("thinking") or "", block.get("signature"))


def _tool_use(block: dict[str, Any]) -> Part:
    return call_part(_call(block))


def _server_result(block: dict[str, Any]) -> Part:
    inner = {"type": block["type"], "content": without_bytes(block.get("content"))}
    kind = "server_tool_call_response"
    return {"type": kind, "id": block.get("tool_use_id"), kind: inner}


def _unknown(block: dict[str, Any]) -> Part:
    found = {key: value for key, value in block.items() if key != "_open"}
    return dict(without_bytes(found))


def _call(block: dict[str, Any]) -> ToolCall:
    on_server = block["type"] != "tool_use"
    return ToolCall(block.get("id"), block.get("name") or "", block.get("input"), on_server)


def _content(block: dict[str, Any]) -> Any:
    """A tool's answer: its text where it is nothing but one text, else its parts."""
    content = block.get("content")
    if not isinstance(content, list):
        return content if content is not None else ""
    parts = _parts(content, [])
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["content"]
    return parts


def _media(block: dict[str, Any]) -> Part:
    part = _source(block)
    return {**part, "title": block["title"]} if block.get("title") else part


def _source(block: dict[str, Any]) -> Part:
    kind = block["type"]
    source = block.get("source") or {}
    if isinstance(source.get("data"), str):
        if source.get("type") == "text":
            return text_part(source["data"])
        return blob_part(source["data"], source.get("media_type"), kind)
    if source.get("url"):
        return link_part(source["url"], kind)
    if source.get("file_id"):
        return {"type": "file", "modality": kind, "file_id": source["file_id"]}
    return {"type": kind, "source": without_bytes(source)}


_SHAPES: dict[str, Callable[[dict[str, Any]], Part]] = {
    "text": _text,
    "thinking": _thinking,
    "redacted_thinking": lambda _: {"type": "reasoning", "content": "", "redacted": True},
    "tool_use": _tool_use,
    "server_tool_use": _tool_use,
    "mcp_tool_use": _tool_use,
    "image": _media,
    "document": _media,
}
"""Type of a content block -> its part."""


def _tool(tool: dict[str, Any]) -> Part:
    """A function has the conventions' shape; a tool of the provider stays as it was sent."""
    if tool.get("type") not in {None, "custom"} or "input_schema" not in tool:
        return tool
    known = {"type": "function", "name": tool.get("name")}
    if tool.get("description"):
        known["description"] = tool["description"]
    known["parameters"] = tool["input_schema"]
    if not TOOL_FIELDS.issuperset(tool):
        known |= {key: value for key, value in tool.items() if key not in TOOL_FIELDS}
    return known


def _offered(tools: list[dict[str, Any]]) -> list[str]:
    return [
        str(tool.get("name") or tool.get("mcp_server_name") or tool.get("type")) for tool in tools
    ]


def _output_type(wanted: Any) -> str | None:
    return "json" if isinstance(wanted, dict) and wanted.get("type") == "json_schema" else None


def _usage(usage: dict[str, Any]) -> dict[str, Any]:
    """Tokens; the wire's ``input_tokens`` leaves cached tokens out, the conventions' includes them."""
    if usage.get("input_tokens") is None and usage.get("output_tokens") is None:
        return {}
    read = usage.get("cache_read_input_tokens") or 0
    written = usage.get("cache_creation_input_tokens") or 0
    found = {
        "gen_ai.usage.input_tokens": (usage.get("input_tokens") or 0) + read + written,
        "gen_ai.usage.output_tokens": usage.get("output_tokens") or 0,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_write.input_tokens": written,
    }
    thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens")
    if thinking is not None:
        found["gen_ai.usage.reasoning.output_tokens"] = thinking
    # Written for an hour costs more than for five minutes; the SDK's own tracing has this name.
    if hour := (usage.get("cache_creation") or {}).get("ephemeral_1h_input_tokens"):
        found["anthropic.usage.cache_creation.ephemeral_1h_input_tokens"] = hour
    if usage.get("service_tier"):
        found["anthropic.response.service_tier"] = usage["service_tier"]
    searches = (usage.get("server_tool_use") or {}).get("web_search_requests")
    if searches:
        found["tellwhy.usage.web_search_requests"] = searches
    return found

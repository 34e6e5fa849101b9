"""Bedrock Converse (`POST /model/{id}/converse` and `…-stream`, bedrock-runtime 2023-09-30) → what was asked and said."""

from __future__ import annotations

from collections.abc import Mapping
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
)
from tellwhy._pending import ToolCall, ToolResult

FORCED = {"auto": "free", "any": "any_tool", "tool": "one_tool"}
"""Key of ``toolConfig.toolChoice`` -> how much choice the model had."""

SAMPLING = {
    "maxTokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "topP": "gen_ai.request.top_p",
    "stopSequences": "gen_ai.request.stop_sequences",
}

REPRESENTED = frozenset({"modelId", "model", "messages", "system", "toolConfig", "inferenceConfig"})
"""Fields of the body that have an attribute of their own."""

REFUSED = frozenset({"guardrail_intervened", "content_filtered"})
"""Stop reasons with which something stood in the way of an answer."""

MEDIA = ("image", "document", "video", "audio")


def question(body: dict[str, Any]) -> Question:
    """What a request body asks."""
    asked = Question(model=body.get("modelId"))
    asked.parameters = {name: value for name, value in body.items() if name not in REPRESENTED}
    for name, value in (body.get("inferenceConfig") or {}).items():
        asked.parameters[name] = value
        if value is not None and name in SAMPLING:
            asked.attributes[SAMPLING[name]] = value
    if body.get("system"):
        asked.system = [_part(block, asked.results) for block in body["system"]]
    asked.messages = [
        {
            "role": message.get("role"),
            "parts": [_part(block, asked.results) for block in message.get("content") or []],
        }
        for message in body.get("messages") or []
    ]
    offering = body.get("toolConfig") or {}
    if offering.get("tools"):
        asked.tools = [_tool(tool) for tool in offering["tools"] if "cachePoint" not in tool]
        asked.offered = [str(tool.get("name") or tool.get("type")) for tool in asked.tools]
    asked.tool_choice = offering.get("toolChoice")
    if asked.tool_choice:
        asked.forced = FORCED.get(next(iter(asked.tool_choice)), "free")
    return asked


def answer(body: dict[str, Any]) -> Answer:
    """What a response body, or what a stream built up, says."""
    said = Answer(finish=body.get("stopReason"), refused=body.get("stopReason") in REFUSED)
    said.attributes = _usage(body.get("usage") or {})
    if said.finish:
        said.attributes["gen_ai.response.finish_reasons"] = [said.finish]
    message = (body.get("output") or {}).get("message") or {}
    blocks = message.get("content") or []
    parts = [_part(block, []) for block in blocks]
    said.calls = [
        _call(block["toolUse"]) for block in blocks if "toolUse" in block and not block.get("_open")
    ]
    said.say(message.get("role") or "assistant", parts)
    said.fail(body.get("error"))
    return said


class Assembler:
    """Builds the response that the events of a stream describe."""

    __slots__ = ("_blocks", "_body", "_role", "_stopped", "done")

    def __init__(self) -> None:
        self.done = False
        """Whether the last event of a whole answer was seen."""
        self._body: dict[str, Any] = {}
        self._role = "assistant"
        self._blocks: dict[int, dict[str, list[str]]] = {}
        """Place -> name of a text -> its pieces."""
        self._stopped: set[int] = set()

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing."""
        return self.done or "stopReason" in self._body

    def add(self, event: dict[str, Any]) -> None:
        """Take one event in."""
        kind = event.get("type")
        if kind == "messageStart":
            self._role = event.get("role") or self._role
        elif kind == "contentBlockStart":
            tool = (event.get("start") or {}).get("toolUse") or {}
            block = self._blocks.setdefault(event["contentBlockIndex"], {})
            block |= {name: [str(value)] for name, value in tool.items()}
        elif kind == "contentBlockDelta":
            self._delta(self._blocks.setdefault(event["contentBlockIndex"], {}), event["delta"])
        elif kind == "contentBlockStop":
            self._stopped.add(event["contentBlockIndex"])
        elif kind == "messageStop":
            self._body["stopReason"] = event.get("stopReason")
        elif kind == "metadata":  # the last one, with the counts
            self._body["usage"] = event.get("usage") or {}
            self.done = True
        elif kind == "error":
            self._body["error"] = event.get("error") or {}

    def result(self) -> dict[str, Any]:
        """The response so far; a block that was cut short is marked ``_open``."""
        content = [self._block(place) for place in sorted(self._blocks)]
        return {**self._body, "output": {"message": {"role": self._role, "content": content}}}

    def _delta(self, block: dict[str, list[str]], delta: dict[str, Any]) -> None:
        thought = delta.get("reasoningContent") or {}
        for name, piece in (
            ("text", delta.get("text")),
            ("input", (delta.get("toolUse") or {}).get("input")),
            ("thought", thought.get("text")),
            ("signature", thought.get("signature")),
            ("redacted", thought.get("redactedContent")),
        ):
            if piece is not None:
                block.setdefault(name, []).append(str(piece))

    def _block(self, place: int) -> dict[str, Any]:
        said = {name: "".join(pieces) for name, pieces in self._blocks[place].items()}
        mark = {} if place in self._stopped or self.whole else {"_open": True}
        if "toolUseId" in said or "input" in said:
            call = {"toolUseId": said.get("toolUseId"), "name": said.get("name")}
            return {"toolUse": {**call, "input": parsed(said.get("input", ""))}, **mark}
        if "redacted" in said:
            return {"reasoningContent": {"redactedContent": said["redacted"]}}
        if "thought" in said:
            told = {"text": said["thought"], "signature": said.get("signature")}
            return {"reasoningContent": {"reasoningText": told}, **mark}
        return {"text": said.get("text", ""), **mark}


def _part(block: Mapping[str, Any], results: list[ToolResult]) -> Part:
    if "text" in block:
        return text_part(str(block["text"]))
    if "toolUse" in block:
        return call_part(_call(block["toolUse"]))
    if "toolResult" in block:
        return _response(block["toolResult"], results)
    if "reasoningContent" in block:
        return _thought(block["reasoningContent"])
    kind = next((kind for kind in MEDIA if kind in block), None)
    if kind is not None:
        return _media(kind, block[kind])
    return {"type": next(iter(block), "unknown"), "content": {**block}}


def _response(told: Mapping[str, Any], results: list[ToolResult]) -> Part:
    failed = told.get("status") == "error"
    result = ToolResult(str(told.get("toolUseId") or ""), _content(told), failed)
    results.append(result)
    return response_part(result)


def _thought(told: Mapping[str, Any]) -> Part:
    thought = told.get("reasoningText")
    if thought is None:
        return {"type": "reasoning", "content": "", "redacted": True}
    return reasoning_part(str(thought.get("text") or ""), thought.get("signature"))


def _media(kind: str, media: Mapping[str, Any]) -> Part:
    source, form = media.get("source") or {}, media.get("format")
    if isinstance(source.get("bytes"), str):
        return blob_part(source["bytes"], f"{kind}/{form}" if form else None, kind)
    uri = (source.get("s3Location") or {}).get("uri")
    return link_part(str(uri), kind) if uri else {"type": kind, "format": form}


def _call(tool: Mapping[str, Any]) -> ToolCall:
    return ToolCall(tool.get("toolUseId"), str(tool.get("name") or ""), tool.get("input"), False)


def _content(told: Mapping[str, Any]) -> Any:
    """A tool's answer: its text or JSON where it is nothing but one, else its parts."""
    blocks = told.get("content") or []
    if len(blocks) == 1 and "json" in blocks[0]:
        return blocks[0]["json"]
    parts = [_part(block, []) for block in blocks]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["content"]
    return parts


def _tool(tool: Mapping[str, Any]) -> Part:
    """A function has the conventions' shape; a tool of the provider stays as it was sent."""
    told = tool.get("toolSpec")
    if told is None:
        inner = tool.get("systemTool") or {}
        return {"type": "systemTool", **inner}
    known: Part = {"type": "function", "name": told.get("name")}
    if told.get("description"):
        known["description"] = told["description"]
    known["parameters"] = (told.get("inputSchema") or {}).get("json")
    return known


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """Tokens; the wire's ``inputTokens`` leaves cached tokens out, the conventions' includes them."""
    if usage.get("inputTokens") is None and usage.get("outputTokens") is None:
        return {}
    read = usage.get("cacheReadInputTokens") or 0
    written = usage.get("cacheWriteInputTokens") or 0
    return {
        "gen_ai.usage.input_tokens": (usage.get("inputTokens") or 0) + read + written,
        "gen_ai.usage.output_tokens": usage.get("outputTokens") or 0,
        "gen_ai.usage.cache_read.input_tokens": read,
        "gen_ai.usage.cache_write.input_tokens": written,
    }

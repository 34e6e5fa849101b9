"""The nouns of one model call and the message parts they are made of.

Parts follow the OpenTelemetry GenAI conventions (`gen-ai-input-messages.json`, 1.42.0-dev), with
three additions of ours that they have no word for: ``signature`` on reasoning, ``is_error`` on a
tool's response, and ``bytes`` and ``sha256`` on a blob in place of its content.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass, field
from typing import Any

from tellwhy._blobs import blob
from tellwhy._pending import ToolCall, ToolResult

Part = dict[str, Any]
"""One part of a message, JSON-like."""


@dataclass(slots=True)
class Question:
    """What one request asks, whatever the wire format."""

    operation: str = "chat"
    model: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    """``gen_ai.request.*`` values that hold no content."""
    messages: list[Part] | None = None
    system: list[Part] | None = None
    tools: list[Part] | None = None
    tool_choice: Any = None
    parameters: dict[str, Any] = field(default_factory=dict)
    """Every other field of the body."""
    offered: list[str] = field(default_factory=list)
    """Names of the tools that the model may choose."""
    forced: str = "free"
    """``free``, ``any_tool``, ``one_tool`` or ``no_tool``."""
    results: list[ToolResult] = field(default_factory=list)
    """Tool results in the conversation, oldest first."""
    conversation_id: str | None = None


@dataclass(slots=True)
class Answer:
    """What the model said, whatever the wire format."""

    attributes: dict[str, Any] = field(default_factory=dict)
    """``gen_ai.response.*`` and ``gen_ai.usage.*`` values that hold no content."""
    messages: list[Part] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    finish: str | None = None
    """Why it stopped, in the provider's word."""
    refused: bool = False
    error: Problem | None = None

    def say(self, role: str, parts: list[Part]) -> None:
        """Take in the one message of the answer; nothing where there is neither a part nor an end."""
        if parts or self.finish:
            said: Part = {"role": role, "parts": parts}
            if self.finish:
                said["finish_reason"] = self.finish
            self.messages = [said]

    def fail(self, error: Any) -> None:
        """Take in the provider's ``error``, which is nothing in most answers."""
        if isinstance(error, dict):
            kind = str(error.get("type") or "error")
            self.error = Problem(kind, str(error.get("message") or error))


@dataclass(slots=True)
class Problem:
    """An error as the provider words it."""

    kind: str
    message: str


def text_part(text: str) -> Part:
    """Words."""
    return {"type": "text", "content": text}


def reasoning_part(text: str, signature: str | None = None) -> Part:
    """Thinking; the provider's signature proves that it was not changed."""
    part = {"type": "reasoning", "content": text}
    if signature:
        part["signature"] = signature
    return part


def call_part(call: ToolCall) -> Part:
    """A tool call; one that the provider runs itself has the conventions' shape for those."""
    if not call.on_server:
        return {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
    inner = {"type": call.name, "arguments": call.arguments}
    return {"type": "server_tool_call", "id": call.id, "name": call.name, "server_tool_call": inner}


def response_part(result: ToolResult) -> Part:
    """A tool's answer, with ``is_error`` only where it is one."""
    part = {"type": "tool_call_response", "id": result.call_id, "response": result.content}
    if result.is_error:
        part["is_error"] = True
    return part


def blob_part(encoded: str, mime_type: str | None, modality: str | None = None) -> Part:
    """What a base64 text holds: its type, size and hash, without the bytes."""
    part = _measure(encoded, mime_type)
    return {**part, "modality": modality} if modality else part


def link_part(address: str, modality: str) -> Part:
    """Media by address; a ``data:`` address is a blob."""
    if address.startswith("data:"):
        head, _, encoded = address[5:].partition(",")
        return blob_part(encoded, head.partition(";")[0] or None, modality)
    return {"type": "uri", "modality": modality, "uri": address}


_measured: dict[tuple[int, int], Part] = {}
_MEASURED_LIMIT = 512
"""Images that are remembered: a computer-use loop sends each one again in every request."""


def _measure(encoded: str, mime_type: str | None) -> Part:
    """The measure of what a base64 text holds; of the text itself when it is none."""
    key = (len(encoded), hash((encoded, mime_type)))
    if (known := _measured.get(key)) is not None:
        return known
    try:
        raw = base64.b64decode(encoded)
    except (binascii.Error, ValueError):
        raw = encoded.encode("utf-8", "replace")
    if len(_measured) >= _MEASURED_LIMIT:
        _measured.clear()
    found = _measured[key] = blob(raw, mime_type)
    return found


def parsed(arguments: Any) -> Any:
    """A tool call's arguments as JSON; the text itself when it is not JSON."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments) if arguments else {}
    except ValueError:
        return arguments


def without_bytes(value: Any) -> Any:
    """A block of a kind that we do not know, with every base64 text replaced by its measure."""
    if isinstance(value, dict):
        data = value.get("data")
        if isinstance(data, str) and ("media_type" in value or value.get("type") == "base64"):
            return blob_part(data, value.get("media_type"))
        return {key: without_bytes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_bytes(each) for each in value]
    if isinstance(value, str) and value.startswith("data:") and ";base64," in value[:128]:
        return link_part(value, "image")
    return value


def problem_of(error: BaseException) -> Problem:
    """The provider's own word for an error that an SDK raised, else the exception's class."""
    body = getattr(error, "body", None)
    inner = body.get("error", body) if isinstance(body, dict) else None
    message = str(error)
    told = getattr(error, "response", None)
    if inner is None and isinstance(told, dict):  # of botocore
        inner = {name.lower(): value for name, value in (told.get("Error") or {}).items()}
    if isinstance(inner, dict):
        kind = inner.get("code") or inner.get("type")
        message = str(inner.get("message") or message)
        if kind and kind != "error":
            return Problem(str(kind), message)
    return Problem(type(error).__name__, message)

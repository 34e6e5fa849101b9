"""Bedrock Converse: a request body becomes a response, or the events that build it up, in Amazon's framing."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

from tellwhy._model_server.script import (
    Event,
    Memory,
    Reply,
    Turn,
    digest,
    next_step,
    pieces,
    texts,
    token_count,
    words,
)

STRING = b"\x07"
"""Type of a header of an event whose value is a text."""


def reply(body: dict[str, Any], memory: Memory) -> Reply:  # noqa: ARG001 - all formats are asked so
    """Answer one request; reasoning is given where ``additionalModelRequestFields.thinking`` asks for it."""
    offering = (body.get("toolConfig") or {}).get("tools") or []
    tools = {
        tool["toolSpec"]["name"]: tool["toolSpec"].get("inputSchema", {}).get("json") or {}
        for tool in offering
        if "toolSpec" in tool
    }
    key = digest(body)
    step = next_step(_turns(body), tools)
    thinks = bool((body.get("additionalModelRequestFields") or {}).get("thinking"))
    content = _content(step, key, thinks=thinks)
    usage = {
        "inputTokens": token_count(json.dumps(body.get("messages"))),
        "outputTokens": token_count(json.dumps(content)),
    }
    usage["totalTokens"] = sum(usage.values())
    answer: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": step.get("stop") or ("tool_use" if step.get("tools") else "end_turn"),
        "usage": usage,
        "metrics": {"latencyMs": 7},
    }
    return Reply(step, answer, _events(answer))


def frame(name: str, data: dict[str, Any]) -> bytes:
    """One event in Amazon's framing: lengths and checksum, headers, JSON, checksum."""
    kind = "exception" if name == "error" else "event"
    label = ":exception-type" if kind == "exception" else ":event-type"
    said = "modelStreamErrorException" if kind == "exception" else name
    headers = b"".join(
        len(key).to_bytes(1, "big")
        + key.encode()
        + STRING
        + len(value).to_bytes(2, "big")
        + value.encode()
        for key, value in (
            (label, said),
            (":content-type", "application/json"),
            (":message-type", kind),
        )
    )
    payload = json.dumps(data).encode()
    total = 12 + len(headers) + len(payload) + 4
    prelude = total.to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    rest = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return rest + zlib.crc32(rest).to_bytes(4, "big")


def packed(event: dict[str, Any]) -> dict[str, Any]:
    """The event of a model's own stream as Bedrock passes it on."""
    return {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}


def _turns(body: dict[str, Any]) -> list[Turn]:
    turns = [Turn("system", texts(body.get("system")), 0, 0)]
    for message in body.get("messages", []):
        content = message.get("content") or []
        calls = sum("toolUse" in block for block in content)
        results = [block["toolResult"] for block in content if "toolResult" in block]
        text = texts([*content, *results])
        turns.append(Turn(message["role"], text, calls, len(results)))
    return turns


def _content(step: dict[str, Any], key: str, *, thinks: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if thinks and step.get("think"):
        signature = "sig_" + digest(step["think"], 40)
        thought = {"text": step["think"], "signature": signature}
        content.append({"reasoningContent": {"reasoningText": thought}})
    if step.get("text"):
        content.append({"text": step["text"]})
    for at, (name, arguments) in enumerate(step.get("tools", [])):
        call_id = f"tooluse_{digest([key, at], 22)}"
        content.append({"toolUse": {"toolUseId": call_id, "name": name, "input": arguments}})
    return content


def _events(answer: dict[str, Any]) -> Iterator[Event]:
    yield "messageStart", {"role": "assistant"}
    for index, block in enumerate(answer["output"]["message"]["content"]):
        place = {"contentBlockIndex": index}
        tool = block.get("toolUse")
        if tool is not None:
            start = {"toolUse": {"toolUseId": tool["toolUseId"], "name": tool["name"]}}
            yield "contentBlockStart", {**place, "start": start}
        for delta in _deltas(block):
            yield "contentBlockDelta", {**place, "delta": delta}
        yield "contentBlockStop", place
    yield "messageStop", {"stopReason": answer["stopReason"]}
    yield "metadata", {"usage": answer["usage"], "metrics": answer["metrics"]}


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "toolUse" in block:
        for piece in pieces(json.dumps(block["toolUse"]["input"])):
            yield {"toolUse": {"input": piece}}
    elif "reasoningContent" in block:
        thought = block["reasoningContent"]["reasoningText"]
        for word in words(thought["text"]):
            yield {"reasoningContent": {"text": word}}
        yield {"reasoningContent": {"signature": thought["signature"]}}
    else:
        for word in words(block["text"]):
            yield {"text": word}

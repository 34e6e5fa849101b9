"""Anthropic Messages: a request body becomes a message, or the events that build it up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tellwhy._model_server.context import of_messages
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

CALLS = {"tool_use", "server_tool_use", "mcp_tool_use"}


def reply(body: dict[str, Any], memory: Memory) -> Reply:
    """Answer one request; a request that continues a message thread sees the whole thread."""
    full = _with_thread(body, memory)
    tools = {
        tool["name"]: tool.get("input_schema") or {}
        for tool in full.get("tools") or []
        if "name" in tool
    }
    choice = (full.get("tool_choice") or {}).get("type")
    key = digest({k: v for k, v in body.items() if k not in {"metadata", "stream"}})
    step = memory.chosen(of_messages(full), key)
    if step is None:
        step = next_step(_turns(full), {} if choice == "none" else tools)
    content = _content(
        step, key, thinks=(full.get("thinking") or {}).get("type") in {"enabled", "adaptive"}
    )
    message: dict[str, Any] = {
        "id": f"msg_{key}",
        "type": "message",
        "role": "assistant",
        "model": full.get("model"),
        "content": content,
        "stop_reason": step.get("stop") or ("tool_use" if step.get("tools") else "end_turn"),
        "stop_sequence": None,
        "usage": _usage(full, content),
    }
    with memory.lock:
        held = [*full.get("messages", []), {"role": "assistant", "content": content}]
        memory.threads[message["id"]] = {**full, "messages": held}
    return Reply(step, message, _events(message))


def count(body: dict[str, Any]) -> dict[str, int]:
    """The answer of ``count_tokens``."""
    return {"input_tokens": token_count(json.dumps(body))}


def _with_thread(body: dict[str, Any], memory: Memory) -> dict[str, Any]:
    thread = body.get("thread") or {}
    with memory.lock:
        before = memory.threads.get(thread.get("previous_message_id") or "")
    if not before:
        return body
    messages = [*before["messages"], *body.get("messages", [])]
    return {**before, **{k: v for k, v in body.items() if v is not None}, "messages": messages}


def _turns(body: dict[str, Any]) -> list[Turn]:
    turns = [Turn("system", texts(body.get("system")), 0, 0)]
    for message in body.get("messages", []):
        content = message.get("content")
        kinds = (
            [block.get("type") for block in content if isinstance(block, dict)]
            if isinstance(content, list)
            else []
        )
        calls = sum(kind in CALLS for kind in kinds)
        turns.append(Turn(message["role"], texts(content), calls, kinds.count("tool_result")))
    return turns


def _content(step: dict[str, Any], key: str, *, thinks: bool) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = []
    if thinks and step.get("think"):
        signature = "sig_" + digest(step["think"], 40)
        content.append({"type": "thinking", "thinking": step["think"], "signature": signature})
    if step.get("text"):
        content.append({"type": "text", "text": step["text"], "citations": None})
    for at, (name, arguments) in enumerate(step.get("tools", [])):
        call_id = f"toolu_{digest([key, at], 22)}"
        content.append(
            {
                "type": "tool_use",
                "id": call_id,
                "name": name,
                "input": arguments,
                "caller": {"type": "direct"},
            }
        )
    return content


def _usage(body: dict[str, Any], content: list[dict[str, Any]]) -> dict[str, Any]:
    """System prompt and tools are written to the cache by the first turn, read by the others."""
    prefix = token_count(texts(body.get("system"))) + token_count(
        json.dumps(body.get("tools") or [])
    )
    first = all(message["role"] != "assistant" for message in body.get("messages", []))
    written, read = (prefix, 0) if first else (0, prefix)
    return {
        "input_tokens": token_count(json.dumps(body.get("messages"))),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "output_tokens": token_count(json.dumps(content)),
        "output_tokens_details": {
            "thinking_tokens": sum(
                token_count(part["thinking"]) for part in content if "thinking" in part
            )
        },
        "service_tier": "standard",
    }


def _events(message: dict[str, Any]) -> Iterator[Event]:
    usage = {**message["usage"], "output_tokens": 1}
    shell = {**message, "content": [], "stop_reason": None, "usage": usage}
    yield _event("message_start", message=shell)
    yield _event("ping")
    for index, block in enumerate(message["content"]):
        empty: dict[str, dict[str, Any]] = {
            "thinking": {"thinking": "", "signature": ""},
            "text": {"text": ""},
            "tool_use": {"input": {}},
        }
        yield _event(
            "content_block_start", index=index, content_block={**block, **empty[block["type"]]}
        )
        for delta in _deltas(block):
            yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=end, usage=message["usage"])
    yield _event("message_stop")


def _deltas(block: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if block["type"] == "thinking":
        for word in words(block["thinking"]):
            yield {"type": "thinking_delta", "thinking": word}
        yield {"type": "signature_delta", "signature": block["signature"]}
    elif block["type"] == "text":
        for word in words(block["text"]):
            yield {"type": "text_delta", "text": word}
    else:
        for piece in ["", *pieces(json.dumps(block["input"]))]:
            yield {"type": "input_json_delta", "partial_json": piece}


def _event(name: str, **data: Any) -> Event:
    return name, {"type": name, **data}

"""OpenAI chat completions and embeddings: a request body becomes an answer, or its chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tellwhy._model_server.context import of_chat
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

CREATED = 1_790_000_000
"""The ``created`` of every answer, Unix seconds: the same request gets the same bytes."""


def reply(body: dict[str, Any], memory: Memory) -> Reply:
    """Answer one chat completion request."""
    functions = [
        tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"
    ]
    tools = {function["name"]: function.get("parameters") or {} for function in functions}
    key = digest({k: v for k, v in body.items() if k not in {"stream", "stream_options", "user"}})
    step = memory.chosen(of_chat(body), key)
    if step is None:
        step = next_step(_turns(body), {} if body.get("tool_choice") == "none" else tools)
    calls = [
        {
            "id": f"call_{digest([key, at], 22)}",
            "type": "function",
            "function": {"name": name, "arguments": json.dumps(arguments)},
        }
        for at, (name, arguments) in enumerate(step.get("tools", []))
    ]
    message: dict[str, Any] = {
        "role": "assistant",
        "content": step.get("text"),
        "refusal": None,
        "annotations": [],
    }
    if calls:
        message["tool_calls"] = calls
    finish = step.get("stop") or ("tool_calls" if calls else "stop")
    answer = {
        "id": f"chatcmpl-{key}",
        "object": "chat.completion",
        "created": CREATED,
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": _usage(body, message, step),
        "service_tier": "default",
        "system_fingerprint": "fp_scripted",
    }
    with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    return Reply(step, answer, _events(answer, with_usage=with_usage))


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    """Sixteen numbers for each input, made from its hash."""
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = []
    for index, text in enumerate(inputs):
        number = int(digest(text), 16)
        vector = [((number >> shift) % 97) / 97 for shift in range(0, 64, 4)]
        data.append({"object": "embedding", "index": index, "embedding": vector})
    tokens = sum(token_count(str(text)) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "model": body["model"], "data": data, "usage": usage}


def _turns(body: dict[str, Any]) -> list[Turn]:
    return [
        Turn(
            "user" if message["role"] == "tool" else message["role"],
            texts(message.get("content")),
            len(message.get("tool_calls") or []),
            int(message["role"] == "tool"),
        )
        for message in body.get("messages", [])
    ]


def _usage(body: dict[str, Any], message: dict[str, Any], step: dict[str, Any]) -> dict[str, Any]:
    read, written = token_count(json.dumps(body.get("messages"))), token_count(json.dumps(message))
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": read // 2, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 12 if step.get("think") else 0},
    }


def _events(answer: dict[str, Any], *, with_usage: bool) -> Iterator[Event]:
    kept = ("id", "created", "model", "service_tier", "system_fingerprint")
    base = {**{key: answer[key] for key in kept}, "object": "chat.completion.chunk"}
    choice = answer["choices"][0]

    def chunk(delta: dict[str, Any], finish: str | None = None) -> Event:
        part = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return None, {**base, "choices": [part]}

    said = choice["message"]["content"]
    yield chunk({"role": "assistant", "content": "" if said else None, "refusal": None})
    for word in words(said or ""):
        yield chunk({"content": word})
    for index, call in enumerate(choice["message"].get("tool_calls", [])):
        function = {"name": call["function"]["name"], "arguments": ""}
        yield chunk(
            {
                "tool_calls": [
                    {"index": index, "id": call["id"], "type": "function", "function": function}
                ]
            }
        )
        for piece in pieces(call["function"]["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, choice["finish_reason"])
    if with_usage:
        yield None, {**base, "choices": [], "usage": answer["usage"]}
    yield None, "[DONE]"

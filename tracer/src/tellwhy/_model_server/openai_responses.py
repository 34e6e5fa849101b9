"""OpenAI responses: a request body becomes a response, or the events that build it up."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

from tellwhy._model_server.context import of_responses
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
"""The ``created_at`` of every answer, Unix seconds: the same request gets the same bytes."""

CALLS = {"function_call", "custom_tool_call", "computer_call", "local_shell_call", "shell_call"}


def reply(body: dict[str, Any], memory: Memory) -> Reply:
    """Answer one request; ``previous_response_id`` continues a conversation held here."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given or [])
    with memory.lock:
        items = memory.responses.get(body.get("previous_response_id") or "", []) + items
    tools = _tools(body)
    ignored = {"stream", "user", "prompt_cache_key", "client_metadata"}
    key = digest({k: v for k, v in body.items() if k not in ignored})
    step = memory.chosen(of_responses(body, items), key)
    if step is None:
        step = next_step(_turns(body, items), {} if body.get("tool_choice") == "none" else tools)
    output = _output(step, key, reasons=bool(body.get("reasoning")))
    response = _response(body, f"resp_{key}", items, output, step)
    with memory.lock:
        memory.responses[response["id"]] = items + output
    return Reply(step, response, _events(response))


def _tools(body: dict[str, Any]) -> dict[str, Any]:
    tools: dict[str, Any] = {}
    for tool in body.get("tools") or []:
        group = tool.get("tools", []) if tool.get("type") == "namespace" else [tool]
        tools.update(
            {each["name"]: each.get("parameters") or {} for each in group if "name" in each}
        )
    return tools


def _turns(body: dict[str, Any], items: list[Any]) -> list[Turn]:
    turns = [Turn("system", body.get("instructions") or "", 0, 0)]
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            turns.append(Turn(item.get("role", "user"), texts(item.get("content")), 0, 0))
        elif kind in CALLS and turns[-1].role == "assistant":
            before = turns[-1]  # text and parallel calls of one answer are one turn
            turns[-1] = Turn("assistant", before.text, before.calls + 1, 0)
        elif kind in CALLS:
            turns.append(Turn("assistant", "", 1, 0))
        elif kind.endswith("_output"):
            turns.append(Turn("user", texts(item.get("output")), 0, 1))
    return turns


def _output(step: dict[str, Any], key: str, *, reasons: bool) -> list[dict[str, Any]]:
    output: list[dict[str, Any]] = []
    if reasons and step.get("think"):
        summary = [{"type": "summary_text", "text": step["think"]}]
        output.append(
            {
                "id": f"rs_{key}",
                "type": "reasoning",
                "summary": summary,
                "encrypted_content": None,
                "status": "completed",
            }
        )
    if step.get("text"):
        part = {"type": "output_text", "text": step["text"], "annotations": [], "logprobs": []}
        output.append(
            {
                "id": f"msg_{key}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    for at, (name, arguments) in enumerate(step.get("tools", [])):
        output.append(
            {
                "id": f"fc_{digest([key, at], 20)}",
                "type": "function_call",
                "status": "completed",
                "call_id": f"call_{digest([key, at], 22)}",
                "name": name,
                "arguments": json.dumps(arguments),
            }
        )
    return output


def _response(
    body: dict[str, Any],
    key: str,
    items: list[Any],
    output: list[dict[str, Any]],
    step: dict[str, Any],
) -> dict[str, Any]:
    read, written = token_count(json.dumps(items)), token_count(json.dumps(output))
    stop = step.get("stop")
    echoed = ("instructions", "max_output_tokens", "model", "previous_response_id")
    return {
        "id": key,
        "object": "response",
        "created_at": CREATED,
        "completed_at": CREATED + 1,
        "status": "incomplete" if stop else "completed",
        "error": None,
        "incomplete_details": {"reason": stop} if stop else None,
        **{name: body.get(name) for name in echoed},
        "output": output,
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "store": body.get("store", True),
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
        "metadata": body.get("metadata") or {},
        "service_tier": "default",
        "usage": {
            "input_tokens": read,
            "input_tokens_details": {"cached_tokens": read // 2, "cache_write_tokens": 0},
            "output_tokens": written,
            "output_tokens_details": {"reasoning_tokens": 12 if step.get("think") else 0},
            "total_tokens": read + written,
        },
    }


def _events(response: dict[str, Any]) -> Iterator[Event]:
    numbers = count()

    def event(kind: str, /, **data: Any) -> Event:
        return kind, {"type": kind, "sequence_number": next(numbers), **data}

    shell = {**response, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield event("response.created", response=shell)
    yield event("response.in_progress", response=shell)
    for index, item in enumerate(response["output"]):
        where = {"output_index": index, "item_id": item["id"]}
        shells: dict[str, dict[str, Any]] = {
            "reasoning": {"summary": []},
            "message": {"content": []},
            "function_call": {"arguments": ""},
        }
        started = {**item, **shells[item["type"]], "status": "in_progress"}
        yield event("response.output_item.added", output_index=index, item=started)
        yield from _item_events(item, where, event)
        yield event("response.output_item.done", output_index=index, item=item)
    yield event(f"response.{response['status']}", response=response)


def _item_events(
    item: dict[str, Any], where: dict[str, Any], event: Callable[..., Event]
) -> Iterator[Event]:
    if item["type"] == "reasoning":
        said = item["summary"][0]["text"]
        where = {**where, "summary_index": 0}
        name = "response.reasoning_summary"
        yield event(f"{name}_part.added", **where, part={"type": "summary_text", "text": ""})
        for word in words(said):
            yield event(f"{name}_text.delta", **where, delta=word)
        yield event(f"{name}_text.done", **where, text=said)
        yield event(f"{name}_part.done", **where, part={"type": "summary_text", "text": said})
    elif item["type"] == "message":
        part = item["content"][0]
        where = {**where, "content_index": 0}
        yield event("response.content_part.added", **where, part={**part, "text": ""})
        for word in words(part["text"]):
            yield event("response.output_text.delta", **where, delta=word, logprobs=[])
        yield event("response.output_text.done", **where, text=part["text"], logprobs=[])
        yield event("response.content_part.done", **where, part=part)
    else:
        name = "response.function_call_arguments"
        for piece in pieces(item["arguments"]):
            yield event(f"{name}.delta", **where, delta=piece)
        yield event(f"{name}.done", **where, arguments=item["arguments"], name=item["name"])

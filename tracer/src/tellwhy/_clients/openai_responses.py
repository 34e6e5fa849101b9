"""OpenAI responses (`POST /v1/responses`) → what was asked and said."""

from __future__ import annotations

from typing import Any

from tellwhy._clients.messages import (
    Answer,
    Part,
    Question,
    call_part,
    parsed,
    reasoning_part,
    response_part,
    text_part,
    without_bytes,
)
from tellwhy._clients.openai_parts import (
    content_part,
    problem,
    sampling,
    set_tools,
    token_counts,
    tool_answer,
)
from tellwhy._clients.pieces import grow, joined
from tellwhy._pending import ToolCall, ToolResult

REPRESENTED = frozenset(
    {"model", "input", "instructions", "tools", "tool_choice", "stream", "previous_response_id"}
)
"""Fields of the body that have an attribute of their own."""

HOSTED = frozenset(
    {
        "web_search_call",
        "file_search_call",
        "code_interpreter_call",
        "image_generation_call",
        "mcp_call",
        "tool_search_call",
    }
)
"""Items for tools that the provider runs itself; the item holds call and result."""

ENDED = {
    "response.completed": True,
    "response.incomplete": True,
    "response.failed": False,
    "error": False,
}
"""Last event of a stream -> whether the answer is whole."""


def question(body: dict[str, Any]) -> Question:
    """What a request body asks."""
    asked = Question(model=body.get("model"))
    asked.attributes = sampling(body)
    output = (body.get("text") or {}).get("format") or {}
    for name, value in (
        ("gen_ai.request.reasoning.level", (body.get("reasoning") or {}).get("effort")),
        ("gen_ai.request.previous_response.id", body.get("previous_response_id")),
        (
            "gen_ai.output.type",
            "json" if output.get("type") in {"json_schema", "json_object"} else None,
        ),
    ):
        if value:
            asked.attributes[name] = value
    if body.get("instructions"):
        asked.system = [text_part(str(body["instructions"]))]
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given or []
    asked.messages = _messages(items, asked.results)
    conversation = body.get("conversation")
    asked.conversation_id = (
        conversation.get("id") if isinstance(conversation, dict) else conversation
    )
    set_tools(asked, body)
    asked.parameters = {key: value for key, value in body.items() if key not in REPRESENTED}
    return asked


def answer(body: dict[str, Any]) -> Answer:
    """What a response body, or the response that a stream ended with, says."""
    said = Answer(
        attributes=token_counts(body.get("usage") or {}, "input_tokens", "output_tokens"),
        error=problem(body.get("error")),
    )
    status = body.get("status")
    ended = None if status in {"in_progress", "queued"} else status
    said.finish = (body.get("incomplete_details") or {}).get("reason") or ended
    for name, value in (
        ("gen_ai.response.id", body.get("id")),
        ("gen_ai.response.model", body.get("model")),
        ("gen_ai.response.finish_reasons", [said.finish] if said.finish else None),
        ("openai.response.service_tier", body.get("service_tier")),
    ):
        if value:
            said.attributes[name] = value
    output = body.get("output") or []
    parts = [part for item in output for part in _item_parts(item, [])]
    if parts:
        message: Part = {"role": "assistant", "parts": parts}
        if said.finish:
            message["finish_reason"] = said.finish
        said.messages = [message]
    said.calls = [
        call for item in output if not item.get("_open") and (call := _call(item)) is not None
    ]
    said.refused = any(part["type"] == "refusal" for part in parts)
    return said


class Assembler:
    """Keeps the response that a stream ends with, and its pieces in case that it never does."""

    __slots__ = ("_items", "_response", "done")

    def __init__(self) -> None:
        self.done = False
        """Whether the last event of a whole answer was seen."""
        self._response: dict[str, Any] = {}
        self._items: dict[int, dict[str, Any]] = {}

    @property
    def whole(self) -> bool:
        """Whether nothing of the answer is missing."""
        return self.done

    def add(self, event: dict[str, Any]) -> None:
        """Take one event in."""
        kind = event.get("type") or ""
        if isinstance(event.get("response"), dict):
            self._response = event["response"]
        if kind in ENDED:
            self.done = ENDED[kind]
        if kind == "error":
            error = {key: event.get(key) for key in ("code", "message")}
            self._response = {**self._response, "error": event.get("error") or error}
        elif kind in {"response.output_item.added", "response.output_item.done"}:
            item = {**event["item"]}
            if isinstance(item.get("content"), list):
                item["content"] = [{**part} for part in item["content"]]  # it grows here
            if kind.endswith("added"):
                item["_open"] = True
            self._items[event["output_index"]] = item
        elif kind.endswith(".delta") and isinstance(event.get("delta"), str):
            self._grow(kind, event)

    def result(self) -> dict[str, Any]:
        """The response so far; an item that was cut short is marked ``_open``."""
        if self.done and self._response.get("output"):
            return self._response
        output = joined([self._items[index] for index in sorted(self._items)])
        return {**self._response, "output": output or self._response.get("output") or []}

    def _grow(self, kind: str, event: dict[str, Any]) -> None:
        item = self._items.get(event.get("output_index", -1))
        if item is None:
            return
        if kind in {"response.output_text.delta", "response.refusal.delta"}:
            key = "text" if "text" in kind else "refusal"
            parts = item.setdefault("content", [])
            while len(parts) <= event.get("content_index", 0):
                parts.append({"type": "output_text" if key == "text" else "refusal", key: ""})
            part = parts[event.get("content_index", 0)]
            grow(part, key, event["delta"])
        elif "reasoning" in kind:
            grow(item, "_thought", event["delta"])
        elif kind == "response.function_call_arguments.delta":
            grow(item, "arguments", event["delta"])
        elif kind == "response.custom_tool_call_input.delta":
            grow(item, "input", event["delta"])


def _messages(items: list[Any], results: list[ToolResult]) -> list[Part]:
    """Items as messages: what one side said in a row is one message."""
    messages: list[Part] = []
    merging = False
    for item in items:
        if not isinstance(item, dict):
            item = {"role": "user", "content": str(item)}  # noqa: PLW2901 - read as its meaning
        parts = _item_parts(item, results)
        spoken = item.get("type", "message") == "message"
        role = item.get("role") or "user" if spoken else _role(item)
        if merging and messages and messages[-1]["role"] == role:
            messages[-1]["parts"] += parts
        else:
            messages.append({"role": role, "parts": parts})
        merging = not spoken or role == "assistant"
    return messages


def _role(item: dict[str, Any]) -> str:
    return "tool" if str(item.get("type")).endswith(("_output", "_response")) else "assistant"


def _item_parts(item: dict[str, Any], results: list[ToolResult]) -> list[Part]:
    kind = str(item.get("type", "message"))
    if kind == "message":
        content = item.get("content")
        given = [content] if isinstance(content, str) else content or []
        return [content_part(part) for part in given]
    if kind == "reasoning":
        return [_reasoning(item)]
    if kind in HOSTED:
        return _hosted(item, kind)
    if kind.endswith("_output") and item.get("call_id"):
        failed = item.get("status") == "failed"
        results.append(ToolResult(item["call_id"], _output(item.get("output")), failed))
        return [response_part(results[-1])]
    call = _call(item)
    if call is not None:
        return [call_part(call)]
    return [dict(without_bytes({key: value for key, value in item.items() if key != "_open"}))]


def _call(item: dict[str, Any]) -> ToolCall | None:
    """The call that an item asks for, whoever runs it; None for other items."""
    kind = item.get("type", "message")
    if kind == "function_call":
        return ToolCall(item.get("call_id"), item.get("name") or "", parsed(item.get("arguments")))
    if kind == "custom_tool_call":
        return ToolCall(item.get("call_id"), item.get("name") or "", item.get("input"))
    if kind == "mcp_approval_request":
        return ToolCall(
            item.get("id"), item.get("name") or "", parsed(item.get("arguments")), on_server=True
        )
    if kind in HOSTED:
        name = item.get("name") or kind.removesuffix("_call")
        return ToolCall(item.get("id"), name, _asked(item), on_server=True)
    if kind.endswith("_call") and item.get("call_id"):
        # computer_call, local_shell_call, shell_call, apply_patch_call: run by the client.
        name = item.get("name") or kind.removesuffix("_call")
        return ToolCall(item["call_id"], name, _asked(item))
    return None


def _asked(item: dict[str, Any]) -> Any:
    """What a built-in tool was asked to do; each kind has a field of its own for it."""
    for key in ("arguments", "action", "actions", "operation", "queries", "query", "code", "input"):
        if item.get(key) is not None:
            return without_bytes(parsed(item[key]) if key == "arguments" else item[key])
    return {}


def _hosted(item: dict[str, Any], kind: str) -> list[Part]:
    call = _call(item)
    parts = [call_part(call)] if call is not None else []
    outcome = {
        key: without_bytes(item[key])
        for key in ("status", "output", "outputs", "results", "error")
        if item.get(key) is not None
    }
    if item.get("result"):  # a generated image, base64
        outcome["result_bytes"] = len(item["result"]) * 3 // 4
    if outcome:
        inner = {"type": kind, **outcome}
        parts.append(
            {
                "type": "server_tool_call_response",
                "id": item.get("id"),
                "server_tool_call_response": inner,
            }
        )
    return parts


def _reasoning(item: dict[str, Any]) -> Part:
    texts = [
        part.get("text") or ""
        for part in [*(item.get("summary") or []), *(item.get("content") or [])]
    ]
    part = reasoning_part("\n".join(texts) or item.get("_thought", ""))
    if item.get("id"):
        part["id"] = item["id"]
    if item.get("encrypted_content"):
        part["encrypted_bytes"] = len(item["encrypted_content"])
    return part


def _output(output: Any) -> Any:
    """A tool's answer: its text where it is nothing but texts, else its parts."""
    if not isinstance(output, dict):
        return tool_answer(output)
    if output.get("image_url"):  # the screenshot of a computer call
        return [content_part({**output, "type": "input_image"})]
    return without_bytes(output)

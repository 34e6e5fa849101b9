"""OpenAI chat completions and legacy completions → what was asked and said.

Many providers speak this format; who it is follows from the address, not from the body.
"""

from __future__ import annotations

from typing import Any

from tellwhy._clients.messages import (
    Answer,
    Part,
    Question,
    call_part,
    parsed,
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
from tellwhy._clients.openai_thoughts import grow_content, grow_details, thought_parts
from tellwhy._clients.pieces import grow, joined
from tellwhy._pending import ToolCall, ToolResult

REPRESENTED = frozenset(
    {"model", "messages", "prompt", "tools", "functions", "tool_choice", "stream"}
)
"""Fields of the body that have an attribute of their own."""


def question(body: dict[str, Any]) -> Question:
    """What a chat completion asks."""
    asked = Question(model=body.get("model"))
    asked.attributes = sampling(body)
    stop, choices = body.get("stop"), body.get("n")
    if stop:
        asked.attributes["gen_ai.request.stop_sequences"] = (
            [stop] if isinstance(stop, str) else stop
        )
    if choices and choices != 1:
        asked.attributes["gen_ai.request.choice.count"] = choices
    wanted = (body.get("response_format") or {}).get("type")
    if wanted:
        asked.attributes["gen_ai.output.type"] = "text" if wanted == "text" else "json"
    if body.get("prompt") is not None:
        asked.operation = "text_completion"
        asked.messages = [{"role": "user", "parts": [text_part(str(body["prompt"]))]}]
    else:
        asked.messages = [
            _message(message, asked.results) for message in body.get("messages") or []
        ]
    set_tools(asked, body)
    asked.parameters = {k: v for k, v in body.items() if k not in REPRESENTED}
    return asked


def answer(body: dict[str, Any]) -> Answer:
    """What a chat completion, or the one that a stream built up, says."""
    said = Answer(
        attributes=token_counts(body.get("usage") or {}, "prompt_tokens", "completion_tokens"),
        error=problem(body.get("error")),
    )
    choices = body.get("choices") or []
    reasons = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    for name, value in (
        ("gen_ai.response.id", body.get("id")),
        ("gen_ai.response.model", body.get("model")),
        ("gen_ai.response.finish_reasons", reasons),
        ("openai.response.service_tier", body.get("service_tier")),
    ):
        if value:
            said.attributes[name] = value
    said.finish = reasons[0] if reasons else None
    for choice in choices:
        output = _message(choice.get("message") or {"content": choice.get("text")}, [])
        if choice.get("finish_reason"):
            output["finish_reason"] = choice["finish_reason"]
        said.messages.append(output)
    # Further choices are alternatives that nobody acts on: the first is the decision.
    first = (choices[0].get("message") or {}) if choices else {}
    said.calls = [call for raw in _raw_calls(first) if (call := _call(raw)) is not None]
    said.refused = bool(first.get("refusal"))
    return said


class Assembler:
    """Builds the completion that the chunks of a stream add up to."""

    __slots__ = ("_choices", "body", "done")

    def __init__(self) -> None:
        self.body: dict[str, Any] = {}
        self.done = False
        """Whether ``[DONE]`` came."""
        self._choices: dict[int, dict[str, Any]] = {}

    @property
    def whole(self) -> bool:
        """Whether every choice has said why it stopped; not every server sends ``[DONE]``."""
        choices = self._choices.values()
        return bool(choices) and all("finish_reason" in choice for choice in choices)

    def add(self, event: dict[str, Any]) -> None:
        """Take one chunk in."""
        for key in ("id", "model", "usage", "service_tier", "error"):
            if event.get(key):
                self.body[key] = event[key]
        # Groq has said the usage of a stream here, before it knew OpenAI's field.
        for key in ("usage", "error"):
            if (event.get("x_groq") or {}).get(key):
                self.body[key] = event["x_groq"][key]
        for chunk in event.get("choices") or ():
            choice = self._choices.setdefault(
                chunk.get("index", 0), {"message": {"role": "assistant"}}
            )
            if chunk.get("finish_reason"):
                choice["finish_reason"] = chunk["finish_reason"]
            if chunk.get("text"):
                grow(choice, "text", chunk["text"])
            _grow(choice["message"], chunk.get("delta") or {})

    def end(self) -> None:
        """Take in that ``[DONE]`` came."""
        self.done = True

    def result(self) -> dict[str, Any]:
        """The completion so far; calls without a finish reason are marked ``_open``."""
        choices = []
        for choice in joined(list(self._choices.values())):
            message = choice["message"]
            calls = message.pop("_calls", {})
            if calls:
                message["tool_calls"] = [
                    {**call, "_open": "finish_reason" not in choice} for call in calls.values()
                ]
            if "text" in choice:
                message["content"] = choice["text"]
            choices.append({**choice, "message": message})
        return {**self.body, "choices": choices}


def _grow(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Add one delta to the message."""
    for key in ("content", "refusal", "reasoning_content", "reasoning"):
        if isinstance(delta.get(key), str):
            grow(message, key, delta[key])
    if isinstance(delta.get("content"), list):
        grow_content(message, delta["content"])
    if delta.get("reasoning_details"):
        grow_details(message, delta["reasoning_details"])
    if delta.get("role"):
        message["role"] = delta["role"]
    for piece in delta.get("tool_calls") or ():
        call = _call_of(message.setdefault("_calls", {}), piece)
        for kind, field in (("function", "arguments"), ("custom", "input")):
            if grown := piece.get(kind):
                inner = call.setdefault(kind, {"name": "", field: ""})
                inner["name"] += grown.get("name") or ""
                grow(inner, field, grown.get(field) or "")


def _call_of(calls: dict[Any, dict[str, Any]], piece: dict[str, Any]) -> dict[str, Any]:
    """The call that a piece belongs to.

    Some compatible servers leave the index out, or give every call the same one: there, a name
    with another id begins another call.
    """
    at, named = piece.get("index") or 0, (piece.get("function") or {}).get("name")
    known = calls.get(at)
    if known is not None and named and known["id"] not in {None, "", piece.get("id")}:
        calls[at, len(calls)] = calls.pop(at)
    call = calls.setdefault(at, {"id": None, "type": piece.get("type") or "function"})
    call["id"] = piece.get("id") or call["id"]
    return call


def _message(message: dict[str, Any], results: list[ToolResult]) -> Part:
    role = message.get("role") or "assistant"
    content = message.get("content")
    if role in {"tool", "function"}:
        result = ToolResult(message.get("tool_call_id") or "", tool_answer(content))
        results.append(result)
        return {"role": "tool", "parts": [response_part(result)]}
    parts = thought_parts(message)
    if isinstance(content, str):
        parts += [text_part(content)] if content else []
    else:
        parts += [content_part(part) for part in content or []]
    if message.get("refusal"):
        parts.append({"type": "refusal", "content": message["refusal"]})
    for raw in _raw_calls(message):
        call = _call(raw) or ToolCall(raw.get("id"), _inner(raw)[0], _inner(raw)[1])
        parts.append(call_part(call))
    if isinstance(message.get("audio"), dict):
        parts.append({"type": "audio", **without_bytes(message["audio"])})
    shaped: Part = {"role": role, "parts": parts}
    if message.get("name"):
        shaped["name"] = message["name"]
    return shaped


def _raw_calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    calls = list(message.get("tool_calls") or [])
    if message.get("function_call"):  # the API before tools, still spoken by some servers
        calls.append({"id": None, "function": message["function_call"]})
    return calls


def _call(raw: dict[str, Any]) -> ToolCall | None:
    """A call that is whole; None for one that was cut short."""
    if raw.get("_open"):
        return None
    name, arguments = _inner(raw)
    return ToolCall(raw.get("id"), name, parsed(arguments) if "custom" not in raw else arguments)


def _inner(raw: dict[str, Any]) -> tuple[str, Any]:
    if "custom" in raw:
        custom = raw["custom"] or {}
        return custom.get("name") or "", custom.get("input")
    function = raw.get("function") or {}
    return function.get("name") or "", function.get("arguments")

"""Which choice a model call was: what was offered, what was chosen, and where it says why."""

from __future__ import annotations

from typing import Any

from tellwhy import _attributes as names
from tellwhy import _redact
from tellwhy._clients.messages import Answer, Part, Question
from tellwhy._pending import ToolCall
from tellwhy._plain_json import compact

CUT_SHORT = frozenset(
    {"max_tokens", "length", "max_output_tokens", "model_context_window_exceeded", "pause_turn"}
)
"""Finish reasons of an answer that would have gone on."""

WITHHELD = frozenset({"refusal", "content_filter", "safety"})
"""Finish reasons of an answer that the model or its provider refused to give."""

CALLS = frozenset({"tool_call", "server_tool_call"})
"""Types of the parts that are tool calls."""

HANDOFF = "transfer_to_"
"""How the OpenAI Agents SDK and LangGraph name the tools that hand over to another agent."""


def request_attributes(question: Question) -> dict[str, Any]:
    """``tellwhy.decision.*`` that the request decides: the options and how free the choice is."""
    if question.operation != "chat":
        return {}
    return {
        names.DECISION_OFFERED: compact([_redact.label(name) for name in question.offered]),
        names.DECISION_FORCED: question.forced,
    }


def response_attributes(answer: Answer, *, complete: bool, content: bool) -> dict[str, Any]:
    """``tellwhy.decision.*`` that the answer decides: the choice and where the reason stands.

    Args:
        answer: what was said, perhaps only the beginning of it.
        complete: whether the answer came to its end; else only whole tool calls count.
        content: whether ``gen_ai.output.messages`` is recorded, so that a path leads somewhere.
    """
    chosen = actions(answer, complete=complete)
    source, paths = reason(answer)
    found: dict[str, Any] = {names.DECISION_REASON_SOURCE: source}
    if chosen:
        found[names.DECISION_CHOSEN] = compact(chosen)
    if paths and content:
        found[names.DECISION_REASON_PATH] = compact(paths)
    return found


def actions(answer: Answer, *, complete: bool) -> list[dict[str, Any]]:
    """What the model chose to do, in its order; nothing when it never got that far."""
    if answer.calls:
        chosen = [_action(call) for call in answer.calls]
        # What the provider ran itself is over: the text behind it is the answer.
        if complete and all(call.on_server for call in answer.calls) and _speaks_last(answer):
            chosen.append({"action": "answer"})
        return chosen
    if answer.refused or answer.finish in WITHHELD:
        return [{"action": "refusal"}]
    if answer.finish in CUT_SHORT:
        return [{"action": "truncated"}]
    if not complete or answer.error is not None or not answer.messages:
        return []
    return [{"action": "answer"}]


def reason(answer: Answer) -> tuple[str, list[str]]:
    """Where the model says why: ``reasoning``, ``text`` beside a tool call, or ``none``.

    Returns:
        The source, and JSON paths into ``gen_ai.output.messages``.
    """
    thoughts: list[str] = []
    words: list[str] = []
    explaining: list[str] = []
    for at, part in enumerate(_parts(answer)):
        kind = part.get("type")
        if kind in CALLS:
            # Text in front of a tool call explains it; behind the last one, it is the answer itself.
            explaining += words
            words = []
        elif kind == "reasoning" and _says_something(part):
            thoughts.append(f"$[0].parts[{at}]")
        elif kind == "text" and _says_something(part):
            words.append(f"$[0].parts[{at}]")
    if thoughts:
        return "reasoning", thoughts
    return ("text", explaining) if explaining else ("none", [])


def _parts(answer: Answer) -> list[Part]:
    found: list[Part] = answer.messages[0].get("parts", []) if answer.messages else []
    return found


def _speaks_last(answer: Answer) -> bool:
    parts = _parts(answer)
    return bool(parts) and parts[-1].get("type") == "text" and _says_something(parts[-1])


def _action(call: ToolCall) -> dict[str, Any]:
    kind = "handoff" if call.name.startswith(HANDOFF) else "tool_call"
    action: dict[str, Any] = {"action": kind, "name": _redact.label(call.name)}
    if call.id:
        action["tool_call_id"] = _redact.label(call.id, "id")
    if call.on_server:
        action["on_server"] = True
    return action


def _says_something(part: Part) -> bool:
    content = part.get("content")
    return isinstance(content, str) and bool(content.strip())

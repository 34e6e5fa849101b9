"""Messages that stand in events instead of attributes: of spans here, of logs by `genai_events`.

One event for each message (``gen_ai.user.message`` … ``gen_ai.choice``), or the details event of
the newer conventions, which some send as a span event and in pieces.

Source: GenAI conventions 1.28 to 1.36 for the names; Strands 1.62, which sends both, captured;
Azure AI Inference, which puts the body as JSON text into ``gen_ai.event.content``.
"""

from typing import Any

from tellwhy_collector.dialects.reading import as_dict, as_json, as_list
from tellwhy_collector.records import Span

ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE = "gen_ai.choice"
DETAILS = "gen_ai.client.inference.operation.details"
CONTENT = ("gen_ai.input.messages", "gen_ai.output.messages")


def with_events(span: Span) -> dict[str, Any]:
    """Attributes of *span* and, under the names of the conventions, the content of its events.

    What an attribute says goes before what an event says.
    """
    if not any(event.get("name") in _KNOWN for event in span.events):
        return span.attributes
    said: dict[str, list[Any]] = {name: [] for name in CONTENT}
    told: dict[str, Any] = {}
    for event in span.events:
        attributes = event.get("attributes")
        name = event.get("name")
        if name not in _KNOWN or not isinstance(attributes, dict):
            continue
        if name == DETAILS:
            for key in CONTENT:
                said[key] += as_list(attributes.get(key)) or []
            told |= {key: value for key, value in attributes.items() if key not in CONTENT}
            continue
        where, message = message_of_event(
            name, as_dict(attributes.get("gen_ai.event.content")) or attributes
        )
        said[where].append(message)
    return told | {key: value for key, value in said.items() if value} | span.attributes


_KNOWN = frozenset({*ROLES, CHOICE, DETAILS})


def message_of_event(name: str, body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The attribute of the conventions that a message belongs to, and the message.

    Args:
        name: A key of `ROLES`, or `CHOICE`.
        body: What the event says.
    """
    if name == CHOICE:
        return CONTENT[1], _choice(body)
    return CONTENT[0], _message(ROLES[name], body.get("content"), body)


def _choice(body: dict[str, Any]) -> dict[str, Any]:
    inner = as_json(body.get("message"))
    if isinstance(inner, dict) and ("content" in inner or "tool_calls" in inner):
        message = _message("assistant", inner.get("content"), inner)
    else:
        message = _message("assistant", inner, body)
    reason = body.get("finish_reason")
    return message | ({"finish_reason": reason} if reason else {})


def _message(role: str, content: Any, body: dict[str, Any]) -> dict[str, Any]:
    """One message in a shape that `messages_of` takes."""
    parsed = as_json(content)
    if isinstance(parsed, dict) and "role" in parsed:
        return {"role": role, **parsed}
    if isinstance(parsed, list):
        return {"role": role, "parts": parsed}
    message: dict[str, Any] = {"role": role, "content": content}
    if role == "tool":
        message["tool_call_id"] = body.get("tool_call_id") or body.get("id")
    if calls := as_list(body.get("tool_calls")):
        message["tool_calls"] = calls
    return message

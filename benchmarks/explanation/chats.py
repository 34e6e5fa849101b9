"""Chats of AgentRx as OTLP, in the same form as the chat sets that come as OTLP: a span a message.

The clock is synthetic, one second a message. Roles become kinds: an agent speaks in an LLM span, a
tool or a terminal in a TOOL span, user and system in CHAIN spans.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tellwhy_collector.testing import START_NS, span, traces

SECOND_NS = 10**9
TERMINALS = frozenset({"computerterminal", "computer_terminal"})
"""Speakers of Magentic-One and CaptainAgent that run code and think nothing."""

Message = dict[str, Any]


def request_of(name: str, messages: Sequence[Message]) -> tuple[dict[str, Any], dict[str, int]]:
    """One OTLP/JSON trace request, and the place of each message by its span id.

    Args:
        name: Ids are derived from it.
        messages: ``{"role", "content", "name"?, "tool_calls"?, "tool_call_id"?}`` each.
    """
    trace_id = hashlib.blake2b(name.encode(), digest_size=16).hexdigest()
    root = _span_id(name, "root")
    common = {"traceId": trace_id, "parentSpanId": root}
    end_ns = START_NS + max(len(messages), 1) * SECOND_NS
    spans = [
        span(
            {"openinference.span.kind": "AGENT"},
            traceId=trace_id,
            spanId=root,
            name="invoke_agent",
            endTimeUnixNano=str(end_ns),
        )
    ]
    places = {}
    for place, message in enumerate(messages):
        mine = _span_id(name, str(place))
        places[mine] = place
        start_ns = START_NS + place * SECOND_NS
        times = {"startTimeUnixNano": str(start_ns), "endTimeUnixNano": str(start_ns + SECOND_NS)}
        attributes = _attributes(message)
        label = f"{attributes['openinference.span.kind']} {attributes['gen_ai.agent.name']}"
        spans.append(span(attributes, **common, spanId=mine, name=label, **times))
    return traces(spans, name.partition("/")[0]), places


def _span_id(name: str, place: str) -> str:
    return hashlib.blake2b(f"{name}\n{place}".encode(), digest_size=8).hexdigest()


def _attributes(message: Message) -> dict[str, Any]:
    role = str(message.get("role", ""))
    kind = "LLM"
    if role == "tool" or role.lower() in TERMINALS:
        kind = "TOOL"
    elif role in ("user", "system"):
        kind = "CHAIN"
    attributes = {
        "openinference.span.kind": kind,
        "gen_ai.agent.name": role,
        "output.value": message.get("content") or "",
    }
    calls = message.get("tool_calls") or []
    if calls:
        called = calls[0]["function"]
        attributes["gen_ai.tool.name"] = called["name"]
        attributes["gen_ai.tool.call.arguments"] = called["arguments"]
        attributes["gen_ai.tool.call.id"] = calls[0].get("id") or ""
    if role == "tool":
        attributes["gen_ai.tool.name"] = message.get("name") or ""
        attributes["gen_ai.tool.call.id"] = message.get("tool_call_id") or ""
    return attributes

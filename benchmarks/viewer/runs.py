"""Long runs for the viewer's measurements, as OTLP/JSON requests that a collector takes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

TOOLS = [
    "get_ticket",
    "get_order",
    "track_parcel",
    "read_policy",
    "issue_refund",
    "offer_credit",
    "send_email",
    "escalate",
]
PER_REQUEST = 4_000
"""Spans in one request; a long run comes in many."""

WRITES = frozenset({"issue_refund", "offer_credit", "send_email"})


def requests(steps: int, *, number: int, started_ns: int) -> Iterator[bytes]:
    """Give the requests of one run of *steps* steps: four for each decision, and the agent.

    The run's id is *number* as 32 hexadecimal digits; its agent's span comes last.
    """
    run = _Run(number, started_ns)
    waiting: list[dict[str, Any]] = []
    for at in range(max(1, steps // 4)):
        waiting += run.decision(at)
        if len(waiting) >= PER_REQUEST:
            yield _request(waiting)
            waiting = []
    yield _request([*waiting, run.end()])


def long_text(size: int, *, number: int, started_ns: int) -> Iterator[bytes]:
    """Give a run of 40 steps in whose second decision a message and a result have *size* bytes."""
    run = _Run(number, started_ns)
    waiting = run.decision(0)
    run.messages.insert(0, _said("user", _prose(size, run.chance)))
    second = run.decision(1)
    for attribute in second[1]["attributes"]:
        if attribute["key"] == "gen_ai.tool.call.result":
            attribute["value"] = {"stringValue": json.dumps({"text": _prose(size, run.chance)})}
    waiting += second
    for at in range(2, 10):
        waiting += run.decision(at)
    yield _request([*waiting, run.end()])


def _prose(size: int, chance: random.Random) -> str:
    words = [
        "the",
        "order",
        "of",
        "this",
        "customer",
        "was",
        "sent",
        "late",
        "and",
        "came",
        "back",
        "broken",
        "so",
        "we",
        "paid",
    ]
    made, line = [], 0
    while size > 0:
        word = chance.choice(words) + ("\n" if line % 12 == 11 else " ")
        made.append(word)
        size, line = size - len(word), line + 1
    return "".join(made)


def short(runs: int, *, started_ns: int) -> Iterator[bytes]:
    """Give *runs* runs of two steps, an agent and one answer, a millisecond apart."""
    waiting: list[dict[str, Any]] = []
    for number in range(1, runs + 1):
        run = _Run(1_000_000 + number, started_ns + number * 1_000_000)
        asked = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.usage.input_tokens": run.chance.randrange(200, 9_000),
            "gen_ai.usage.output_tokens": run.chance.randrange(20, 900),
            "gen_ai.input.messages": json.dumps(run.messages),
            "gen_ai.output.messages": json.dumps([_said("assistant", f"Order {number} agrees.")]),
        }
        seconds = run.chance.uniform(0.5, 9.0)
        waiting += [run._span("chat", "model_call", seconds, attributes=asked), run.end()]
        if len(waiting) >= PER_REQUEST:
            yield _request(waiting)
            waiting = []
    if waiting:
        yield _request(waiting)


class _Run:
    def __init__(self, number: int, started_ns: int) -> None:
        self.trace = f"{number:032x}"
        self.number, self.started = number, started_ns
        self.now, self.made = started_ns, 1
        self.chance = random.Random(number)
        self.root = self._id(0)
        self.messages: list[dict[str, Any]] = [_said("user", "Reconcile the orders of the week.")]

    def _id(self, at: int) -> str:
        return f"{self.number & 0xFFFF:04x}{at + 1:012x}"

    def _span(self, name: str, kind: str, seconds: float, **more: Any) -> dict[str, Any]:
        start = more.pop("start", self.now)
        end = start + int(seconds * 1e9)
        self.now, self.made = max(self.now, end), self.made + 1
        own = {
            "tellwhy.run.id": self.trace,
            "gen_ai.agent.name": "reconciler",
            "tellwhy.step.kind": kind,
            **more.pop("attributes", {}),
        }
        failed = own.get("error.type") is not None
        return {
            "traceId": self.trace,
            "spanId": self._id(self.made),
            "parentSpanId": self.root,
            "name": name,
            "kind": 1,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(end),
            "status": {"code": 2} if failed else {},
            "attributes": [
                _attribute(key, value) for key, value in own.items() if value is not None
            ],
            **more,
        }

    def decision(self, at: int) -> list[dict[str, Any]]:
        """A model call, the tool it chose, the query inside that tool, a guard."""
        tool, call = self.chance.choice(TOOLS), f"call_{at}"
        arguments = {"order_id": f"ORD-{at:06d}", "amount": round(self.chance.uniform(1, 900), 2)}
        chosen = {"type": "tool_call", "id": call, "name": tool, "arguments": arguments}
        model = self._span(
            "chat",
            "model_call",
            self.chance.uniform(0.8, 3.0),
            attributes=self._asked(chosen, tool, call),
        )
        start, failed = self.now, self.chance.random() < 0.03
        result = "no answer" if failed else json.dumps({"ok": True, "next": f"ORD-{at + 1:06d}"})
        ran = self._span(
            f"execute_tool {tool}",
            "tool_call",
            self.chance.uniform(0.2, 1.8),
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": tool,
                "gen_ai.tool.call.id": call,
                "gen_ai.tool.call.arguments": json.dumps(arguments),
                "tellwhy.tool.call.matched_by": "call_id",
                "gen_ai.tool.call.result": None if failed else result,
                "error.type": "Timeout" if failed else None,
                "tellwhy.tool.effect": "write" if tool in WRITES else "read",
            },
        )
        query = self._span(
            "SELECT orders", "retrieval", 0.1, start=start, parentSpanId=ran["spanId"]
        )
        guard = self._span("budget", "guardrail", 0.05)
        answer = {"type": "tool_call_response", "id": call, "response": result}
        self.messages = [
            self.messages[0],
            {"role": "assistant", "parts": [chosen]},
            {"role": "tool", "parts": [answer]},
        ]
        return [model, ran, query, guard]

    def _asked(self, chosen: dict[str, Any], tool: str, call: str) -> dict[str, Any]:
        offered = [
            {"type": "function", "name": name, "description": f"Does {name}."} for name in TOOLS
        ]
        return {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.response.model": "claude-sonnet-4-5",
            "gen_ai.usage.input_tokens": 1_500,
            "gen_ai.usage.output_tokens": 80,
            "gen_ai.input.messages": json.dumps(self.messages),
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [chosen]}]),
            "gen_ai.tool.definitions": json.dumps(offered),
            "tellwhy.decision.chosen": json.dumps(
                [{"action": "tool_call", "name": tool, "tool_call_id": call}]
            ),
            "tellwhy.decision.offered": json.dumps(list(TOOLS)),
            "tellwhy.decision.forced": "free",
        }

    def end(self) -> dict[str, Any]:
        """The agent's own span around everything."""
        took_s = (self.now - self.started) / 1e9
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "tellwhy.input": json.dumps({"task": "Reconcile."}),
        }
        span = self._span(
            "invoke_agent reconciler", "agent", took_s, start=self.started, attributes=attributes
        )
        return span | {"spanId": self.root, "parentSpanId": ""}


def _said(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _attribute(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"stringValue": value}}


def _request(spans: list[dict[str, Any]]) -> bytes:
    resource = {"attributes": [_attribute("service.name", "reconciliation")]}
    scoped = [{"scope": {"name": "tellwhy"}, "spans": spans}]
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]}).encode()

"""Runs as the tracer sends them, for tests of what the pages make of them.

No test imports the tracer: these are its attributes written by hand.
"""

import json
from dataclasses import dataclass, field
from typing import Any

SCOPE = "tellwhy"


def attribute(key: str, value: Any) -> dict[str, Any]:
    """One OTLP JSON attribute; structures go as JSON text, as the tracer sends them."""
    if isinstance(value, bool):
        return {"key": key, "value": {"boolValue": value}}
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    if isinstance(value, float):
        return {"key": key, "value": {"doubleValue": value}}
    text = value if isinstance(value, str) else json.dumps(value)
    return {"key": key, "value": {"stringValue": text}}


@dataclass
class Recording:
    """Writes one run: what the model saw grows from call to call, the clock runs along."""

    agent: str
    started_ns: int
    number: int = 1
    tools: dict[str, str] = field(default_factory=dict)
    """Name → description of the tools that the model is offered."""
    task: str = ""
    system: str = "You resolve support tickets. Never spend more than the order is worth."
    model: str = "claude-sonnet-4-5"
    keep: int | None = None
    """Keep only this many messages, for very long runs."""
    service: str = "support"

    def __post_init__(self) -> None:
        """Open the run."""
        self.trace = f"{self.number:032x}"
        self.now = self.started_ns
        self.spans: list[dict[str, Any]] = []
        self.root = self._id()
        self.messages: list[dict[str, Any]] = [_said("user", self.task)] if self.task else []
        self.calls = 0

    def _id(self) -> str:
        self.ids = getattr(self, "ids", 0) + 1
        return f"{self.number & 0xFFFF:04x}{self.ids:012x}"

    def _span(self, name: str, kind: str, seconds: float | None, **more: Any) -> dict[str, Any]:
        own = {
            "tellwhy.run.id": self.trace,
            "gen_ai.agent.name": self.agent,
            "tellwhy.step.kind": kind,
        }
        span = {
            "traceId": self.trace,
            "spanId": more.pop("span_id", None) or self._id(),
            "parentSpanId": more.pop("parent", self.root),
            "name": name,
            "kind": 3 if kind == "model_call" else 1,
            "startTimeUnixNano": str(more.pop("start", self.now)),
            "status": {"code": 2} if "error_type" in more else {},
        }
        if message := more.pop("error_message", None):
            span["status"]["message"] = message
        if error := more.pop("error_type", None):
            own["error.type"] = error
        if seconds is not None:
            self.now = max(self.now, int(span["startTimeUnixNano"]) + int(seconds * 1e9))
            span["endTimeUnixNano"] = str(self.now)
        else:
            own["tellwhy.pending"] = True
        own |= {
            key: value for key, value in more.pop("attributes", {}).items() if value is not None
        }
        span["attributes"] = [attribute(key, value) for key, value in own.items()]
        self.spans.append(span)
        return span

    def wait(self, seconds: float) -> None:
        """Let time go by."""
        self.now += int(seconds * 1e9)

    def decide(
        self,
        seconds: float,
        *calls: tuple[str, dict[str, Any]],
        answer: str | None = None,
        reason: str | None = None,
        forced: str = "free",
        tokens: tuple[int, int] = (1500, 80),
        attempts: int = 1,
    ) -> list[dict[str, Any]]:
        """Ask the model; it calls tools or answers. Gives the calls with their ids."""
        made = []
        for name, arguments in calls:
            self.calls += 1
            made.append({"id": f"call_{self.calls}", "name": name, "arguments": arguments})
        parts: list[dict[str, Any]] = []
        if reason:
            parts.append({"type": "reasoning", "content": reason})
        if answer:
            parts.append({"type": "text", "content": answer})
        parts += [{"type": "tool_call", **call} for call in made]
        chosen = [
            {"action": "tool_call", "name": call["name"], "tool_call_id": call["id"]}
            for call in made
        ] or [{"action": "answer"}]
        seen = self.messages[-self.keep :] if self.keep else self.messages
        self._span(
            f"chat {self.model}",
            "model_call",
            seconds,
            attributes={
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "anthropic",
                "gen_ai.request.model": self.model,
                "gen_ai.response.model": self.model,
                "gen_ai.response.finish_reasons": ["tool_use" if made else "end_turn"],
                "gen_ai.usage.input_tokens": tokens[0],
                "gen_ai.usage.output_tokens": tokens[1],
                "gen_ai.input.messages": seen,
                "gen_ai.output.messages": [_message("assistant", *parts)],
                "gen_ai.system_instructions": [{"type": "text", "content": self.system}],
                "gen_ai.tool.definitions": [
                    {"type": "function", "name": name, "description": text}
                    for name, text in self.tools.items()
                ]
                or None,
                "gen_ai.response.time_to_first_chunk": round(seconds * 0.3, 3),
                "tellwhy.request.parameters": {"max_tokens": 1024, "temperature": 0.2},
                "tellwhy.provider.request_id": f"req_{len(self.spans)}",
                "tellwhy.attempts": attempts,
                "tellwhy.decision.chosen": chosen,
                "tellwhy.decision.offered": list(self.tools),
                "tellwhy.decision.forced": forced,
                "tellwhy.decision.reason_source": "reasoning" if reason else "none",
                "tellwhy.decision.reason_path": ["$[0].parts[0]"] if reason else None,
            },
        )
        self.messages.append(_message("assistant", *parts))
        return made

    def run_tool(
        self,
        call: dict[str, Any],
        seconds: float | None,
        result: Any = None,
        *,
        error: tuple[str, str] | None = None,
        effect: str | None = None,
        io: float = 0.0,
    ) -> None:
        """Run one tool call that the model asked for; an open end means it is still running."""
        trouble = {"error_type": error[0], "error_message": error[1]} if error else {}
        start, span_id = self.now, self._id()
        if io:
            self._span("GET /orders", "retrieval", io, parent=span_id, start=start + 5_000_000)
        self._span(
            f"execute_tool {call['name']}",
            "tool_call",
            seconds,
            span_id=span_id,
            start=start,
            attributes={
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": call["name"],
                "gen_ai.tool.type": "function",
                "gen_ai.tool.call.id": call["id"],
                "gen_ai.tool.call.arguments": call["arguments"],
                "gen_ai.tool.call.result": json.dumps(result) if result is not None else None,
                "tellwhy.tool.effect": effect,
                "tellwhy.tool.call.matched_by": "call_id",
            },
            **trouble,
        )
        told = error[1] if error else result
        self.messages.append(
            _message(
                "tool",
                {
                    "type": "tool_call_response",
                    "id": call["id"],
                    "response": told,
                    **({"is_error": True} if error else {}),
                },
            )
        )

    def refuse(self, call: dict[str, Any], text: str) -> None:
        """Tell the model that its call was not allowed."""
        part = {"type": "tool_call_response", "id": call["id"], "response": text, "is_error": True}
        self.messages.append(_message("tool", part))

    def approve(
        self, call: dict[str, Any], seconds: float, decision: str, who: str, **more: Any
    ) -> None:
        """Ask somebody about one call."""
        self._span(
            f"approve {call['name']}",
            "human",
            seconds,
            attributes={
                "tellwhy.approval.decision": decision,
                "tellwhy.approval.approver": who,
                "tellwhy.approval.approver_kind": more.get("kind", "person"),
                "tellwhy.approval.tool_call_id": call["id"],
                "tellwhy.approval.tool_name": call["name"],
                "tellwhy.approval.shown": call["arguments"],
                "tellwhy.approval.note": more.get("note"),
            },
        )

    def route(self, name: str, options: list[str], chosen: str, why: str | None = None) -> None:
        """Record a choice of plain code."""
        self._span(
            f"decide {name}",
            "other",
            0.0,
            attributes={
                "gen_ai.operation.name": "decide",
                "tellwhy.decision.name": name,
                "tellwhy.decision.offered": options,
                "tellwhy.decision.chosen": chosen,
                "tellwhy.decision.why": why,
                "tellwhy.decision.made_by": "code",
            },
        )

    def guard(self, name: str, seconds: float) -> None:
        """Run a guardrail."""
        self._span(name, "guardrail", seconds)

    def export(self, *, output: Any = None, error: str | None = None, ended: bool = True) -> Any:
        """Close the run and give it as one OTLP JSON request."""
        span = self._span(
            f"invoke_agent {self.agent}",
            "agent",
            None,
            span_id=self.root,
            parent="",
            start=self.started_ns,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "tellwhy.input": {"task": self.task},
                "tellwhy.output": output,
            },
            **({"error_type": error, "error_message": f"{error}: stopped"} if error else {}),
        )
        if ended:
            span["endTimeUnixNano"] = str(self.now + 1_000_000)
            span["attributes"] = [
                entry for entry in span["attributes"] if entry["key"] != "tellwhy.pending"
            ]
        return request(self.spans, self.service)


def _said(role: str, text: str) -> dict[str, Any]:
    return _message(role, {"type": "text", "content": text})


def _message(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": list(parts)}


def request(spans: list[dict[str, Any]], service: str) -> dict[str, Any]:
    """One OTLP JSON trace export."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [attribute("service.name", service)]},
                "scopeSpans": [{"scope": {"name": SCOPE, "version": "0.1.0"}, "spans": spans}],
            }
        ]
    }

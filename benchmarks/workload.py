"""Agent conversations as OTLP requests: growing history, text that differs, ids of their own.

The text is made word by word from this project's own documentation: each word is followed by one
that follows it there. So it is as long-winded as prose and squeezes like prose, and no passage of
any length stands twice. A run is told as our tracer tells it: an agent, its model calls (each
repeats the history so far, the instructions and the tools), its tool calls. One run in ten is told
by a second instrumentor as well, one tool call in twenty-five fails, one run in twenty asks a
person, one run in fifty fails.
"""

from __future__ import annotations

import heapq
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

ROOT = Path(__file__).resolve().parents[1]
BATCH = 512
"""Spans of one request: what an OpenTelemetry batch processor sends at most."""
LANES = 8
"""Runs that go on at the same time in one sending process."""
POOL_CHARACTERS = 8_000_000
MODELS = ("claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5")
AGENTS = ("refunds", "planner", "librarian", "on-call", "buyer")
TOOL_NAMES = ("search", "read_file", "find_order", "issue_refund", "send_mail", "run_query")


@cache
def pool() -> str:
    """A long text, the same in every process."""
    pages = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
    words = " ".join(page.read_text(encoding="utf-8") for page in pages).split()
    after: dict[str, list[str]] = defaultdict(list)
    for word, follower in pairwise(words):
        after[word].append(follower)
    chance, word, made, length = random.Random(1), words[0], [], 0
    while length < POOL_CHARACTERS:
        word = chance.choice(after.get(word) or words)
        made.append(word)
        length += len(word) + 1
    return " ".join(made)


class Counted(NamedTuple):
    """A request and what is known about it."""

    body: bytes
    spans: int
    text: int
    """Characters of messages, instructions, tools, arguments and results in it."""
    new_text: int
    """Of these, characters that stand there for the first time."""


class Agents:
    """One sending process: endless runs of several agents, told in the order in which they end."""

    def __init__(self, seed: int, *, start_ns: int, spans_s: float) -> None:
        self._chance = random.Random(seed)
        self._service = f"service-{seed % 4}"
        self._start_ns = start_ns
        self._step_ns = LANES / spans_s * 1e9
        """Time of one call in its lane, so that all lanes together make about *spans_s*."""
        self._stream = heapq.merge(*(self._lane() for _ in range(LANES)), key=lambda told: told[0])
        self._text = self._new_text = 0

    def request(self, spans: int = BATCH) -> Counted:
        """The next so many spans."""
        request, self._text, self._new_text = ExportTraceServiceRequest(), 0, 0
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = self._service
        scopes = {}
        for _ in range(spans):
            _, scope, span, text, new = next(self._stream)
            if scope not in scopes:
                scopes[scope] = group.scope_spans.add()
                scopes[scope].scope.name = scope
            scopes[scope].spans.append(span)
            self._text += text
            self._new_text += new
        return Counted(request.SerializeToString(), spans, self._text, self._new_text)

    def _lane(self) -> Iterator[tuple[int, str, Span, int, int]]:
        """Run after run: (end, scope, span, characters, new characters)."""
        now = self._start_ns
        while True:
            run = _Run(self._chance, now, self._step_ns)
            yield from run.told()
            now = run.now


def _message(role: str, *parts: dict[str, object], **more: object) -> str:
    return json.dumps({"role": role, "parts": parts, **more})


class _Run:
    """One task of one agent."""

    def __init__(self, chance: random.Random, now: int, step_ns: float) -> None:
        self.now = now
        self._chance, self._step_ns = chance, step_ns
        self._trace, self._root = chance.randbytes(16), chance.randbytes(8)
        self._agent = chance.choice(AGENTS)
        self._model = chance.choice(MODELS)
        self._conversation = f"conversation-{chance.getrandbits(20):05x}"
        fixed = random.Random(self._agent)  # one agent has the same instructions in every run
        self._system = json.dumps([{"type": "text", "content": self._words(700, fixed)}])
        self._tools = json.dumps(
            [
                {
                    "type": "function",
                    "name": name,
                    "description": self._words(70, fixed),
                    "parameters": {
                        "type": "object",
                        "properties": {"query": {"type": "string"}, "limit": {"type": "integer"}},
                    },
                }
                for name in TOOL_NAMES
            ]
        )
        self._twice, self._asks = chance.random() < 0.1, chance.random() < 0.05

    def told(self) -> Iterator[tuple[int, str, Span, int, int]]:
        """Its spans as they end, the agent's last."""
        started, failed = self.now, self._chance.random() < 0.02
        task = self._words(self._chance.randrange(150, 900))
        history = [_message("user", {"type": "text", "content": task})]
        new = len(history[0])
        for _ in range(self._chance.randrange(2, 9)):
            call = f"toolu_{self._chance.getrandbits(80):020x}"
            arguments = {"query": self._words(60), "limit": self._chance.randrange(100)}
            name = self._chance.choice(TOOL_NAMES)
            asked = {"type": "tool_call", "id": call, "name": name, "arguments": arguments}
            answer = self._answer(asked)
            yield from self._model_call(history, answer, {"name": name, "id": call}, new)
            result = self._result()
            yield from self._tool_call(name, call, json.dumps(arguments), result)
            reply = {"type": "tool_call_response", "id": call, "response": json.loads(result)}
            history += [answer, _message("tool", reply)]
            new = len(history[-1])
        last = self._words(self._chance.randrange(200, 900))
        answer = _message("assistant", {"type": "text", "content": last}, finish_reason="stop")
        yield from self._model_call(history, answer, None, new)
        span = self._span("invoke_agent " + self._agent, 1, started, b"")
        span.span_id = self._root
        if failed:
            span.status.code, span.status.message = 2, "The answer was not accepted."
        values = {
            "gen_ai.operation.name": "invoke_agent",
            "tellwhy.step.kind": "agent",
            "tellwhy.input": json.dumps({"task": task}),
            "tellwhy.output": json.dumps(last),
            **({"error.type": "Rejected"} if failed else {}),
        }
        yield self._filled(span, values, 0)

    def _model_call(
        self, history: list[str], answer: str, chose: dict[str, str] | None, new: int
    ) -> Iterator[tuple[int, str, Span, int, int]]:
        started = self._pass(1.0)
        action = {"action": "answer"}
        if chose:
            action = {"action": "tool_call", "name": chose["name"], "tool_call_id": chose["id"]}
        again = self._chance.random() < 0.01
        seen = "[" + ", ".join(history) + "]"
        response = f"msg_{self._chance.getrandbits(96):024x}"
        shared = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": self._model,
            "gen_ai.response.model": self._model,
            "gen_ai.response.id": response,
            "gen_ai.response.finish_reasons": '["tool_use"]' if chose else '["end_turn"]',
            "gen_ai.usage.input_tokens": (len(seen) + 2400) // 4,
            "gen_ai.usage.output_tokens": len(answer) // 4,
            "gen_ai.usage.cache_read.input_tokens": len(seen) // 8,
        }
        span = self._span("chat " + self._model, 3, started, self._root)
        if self._twice:
            inner = self._span("chat " + self._model, 3, started, span.span_id)
            yield self._filled(inner, shared, 0, "opentelemetry.instrumentation.anthropic")
        values = {
            **shared,
            "gen_ai.request.max_tokens": 4096,
            "gen_ai.input.messages": seen,
            "gen_ai.output.messages": f"[{answer}]",
            "gen_ai.system_instructions": self._system,
            "gen_ai.tool.definitions": self._tools,
            "server.address": "api.anthropic.com",
            "server.port": 443,
            "tellwhy.step.kind": "model_call",
            "tellwhy.attempts": 2 if again else 1,
            "tellwhy.provider.request_id": f"req_{self._chance.getrandbits(96):024x}",
            "tellwhy.request.parameters": '{"temperature": 0.7}',
            "tellwhy.decision.chosen": json.dumps([action]),
            "tellwhy.decision.offered": json.dumps(TOOL_NAMES),
            "tellwhy.decision.forced": "free",
            "tellwhy.decision.reason_source": "text",
            "tellwhy.decision.reason_path": "$[0].parts[0]",
        }
        yield self._filled(span, values, new + len(answer))

    def _tool_call(
        self, name: str, call: str, arguments: str, result: str
    ) -> Iterator[tuple[int, str, Span, int, int]]:
        started = self._pass(1.0)
        span = self._span("execute_tool " + name, 1, started, self._root)
        values = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call,
            "gen_ai.tool.call.arguments": arguments,
            "gen_ai.tool.call.result": result,
            "tellwhy.step.kind": "tool_call",
            "tellwhy.tool.effect": "write" if name in ("issue_refund", "send_mail") else "read",
            "tellwhy.tool.call.matched_by": "call_id",
        }
        if self._chance.random() < 0.04:
            values["error.type"] = "TimeoutError"
            span.status.code, span.status.message = 2, self._words(80)
        if self._asks:
            self._asks = False
            gate = self._span("approve " + name, 1, started, self._root)
            said = {
                "tellwhy.step.kind": "human",
                "tellwhy.approval.decision": "approved",
                "tellwhy.approval.approver": "on-duty",
                "tellwhy.approval.approver_kind": "person",
                "tellwhy.approval.tool_call_id": call,
                "tellwhy.approval.tool_name": name,
                "tellwhy.approval.shown": arguments,
            }
            yield self._filled(gate, said, 0)
        yield self._filled(span, values, 0)

    def _answer(self, asked: dict[str, object]) -> str:
        said = {"type": "text", "content": self._words(self._chance.randrange(60, 400))}
        return _message("assistant", said, asked, finish_reason="tool_use")

    def _result(self) -> str:
        """Rows as a tool gives them back, JSON text; some long, most short."""
        rows = [
            {
                "id": self._chance.getrandbits(40),
                "total": round(self._chance.random() * 900, 2),
                "note": self._words(self._chance.randrange(20, 160)),
            }
            for _ in range(self._chance.choice((1, 1, 2, 3, 8)))
        ]
        return json.dumps({"rows": rows})

    def _pass(self, steps: float) -> int:
        """Let time go by for about so many steps; when it was before."""
        before = self.now
        self.now += int(steps * self._step_ns * (0.5 + self._chance.random()))
        return before

    def _words(self, length: int, chance: random.Random | None = None) -> str:
        """About so many characters."""
        text = pool()
        at = (chance or self._chance).randrange(len(text) - length)
        return text[at : at + length]

    def _span(self, name: str, kind: int, started: int, parent: bytes) -> Span:
        return Span(
            trace_id=self._trace,
            span_id=self._chance.randbytes(8),
            parent_span_id=parent,
            name=name,
            kind=kind,
            start_time_unix_nano=started,
            end_time_unix_nano=self.now,
        )

    def _filled(
        self, span: Span, values: dict[str, object], new: int, scope: str = "tellwhy"
    ) -> tuple[int, str, Span, int, int]:
        """*span* with its attributes, and with what all of the run have."""
        text = 0
        if scope == "tellwhy":
            values["tellwhy.run.id"] = self._trace.hex()
            values["gen_ai.agent.name"] = self._agent
            values["gen_ai.conversation.id"] = self._conversation
        for key, value in values.items():
            pair = span.attributes.add(key=key)
            if isinstance(value, str):
                pair.value.string_value = value
                text += len(value) if len(value) > 80 else 0
            else:
                pair.value.int_value = value
        return span.end_time_unix_nano, scope, span, text, new

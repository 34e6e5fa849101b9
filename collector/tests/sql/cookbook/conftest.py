"""A night in a small shop: every fact in here is asked for by a page of the documentation.

It is 03:00 on 2 June 2026. Ids, times and texts are fixed, so the answers are too.
"""

import hashlib
import json
import time
from datetime import UTC, datetime

import pytest

from tellwhy_collector.prove.intervals import always_valid
from tellwhy_collector.prove.sampling import Count
from tellwhy_collector.testing import collector, pairs, send, traces

TODAY, YESTERDAY = datetime(2026, 6, 2, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
SECOND = 1_000_000_000
TOOLS = {
    "refund": {
        "look_up_order": "read",
        "search_orders": "read",
        "pay": "irreversible",
        "close_account": "irreversible",
    },
    "research": {"web_search": "read", "fetch_page": "read", "translate": "read"},
}
MODELS = {
    "claude-haiku-4-5": "anthropic",  # 1, 5, 0.10 and 1.25 dollars for a million tokens
    "gpt-4o-mini": "openai",  # 0.15 and 0.60 dollars
    "house-llama-3": "vllm",  # nobody publishes a price
}


def _said(role, text):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


class Run:
    """One run, told step by step: each step starts where the last one ended."""

    def __init__(self, agent, day, clock, *, conversation=None, user=None, prompt=None, root="ok"):
        hour, minute = clock.split(":")
        start = day.replace(hour=int(hour), minute=int(minute))
        self.agent, self.prompt, self.user, self.conversation = agent, prompt, user, conversation
        self.trace = hashlib.sha256(f"{agent} {start}".encode()).hexdigest()[:32]
        self.now = self.start = int(start.timestamp()) * SECOND
        self.spans, self.root = [], root
        self.model_name = "claude-haiku-4-5" if agent == "refund" else "gpt-4o-mini"

    def id(self, number):
        """Span id of the step with this number; the agent has 0."""
        return hashlib.sha256(f"{self.trace} {number}".encode()).hexdigest()[:16]

    def add(self, name, kind, seconds, attributes, *, error=None, events=(), number=None):
        """A span below the agent; without seconds it is pending."""
        number = len(self.spans) + 1 if number is None else number
        start, self.now = self.now, self.now + int((seconds or 0) * SECOND)
        own = {
            "tellwhy.run.id": self.trace,
            "tellwhy.step.kind": kind,
            "gen_ai.agent.name": self.agent,
            "gen_ai.conversation.id": self.conversation,
            "user.id": self.user,
            "tellwhy.pending": True if seconds is None else None,
            "error.type": error and error.partition(": ")[0],
        }
        found = {key: value for key, value in (own | attributes).items() if value is not None}
        span = {
            "traceId": self.trace,
            "spanId": self.id(number),
            "parentSpanId": "" if number == 0 else self.id(0),
            "name": name,
            "kind": 3 if kind == "model_call" else 1,
            "startTimeUnixNano": str(start),
            "endTimeUnixNano": "0" if seconds is None else str(self.now),
            "attributes": pairs(found),
            "status": {"code": 2, "message": error.partition(": ")[2]} if error else {},
            "events": [
                {"timeUnixNano": str(start), "name": "tellwhy.attempt", "attributes": pairs(event)}
                for event in events
            ],
        }
        self.spans.append(span)

    def model(self, seconds, tokens=(), *calls, text=None, why=None, finish=None, error=None,
              answered=(200,), first=None, system=None, heard=()):  # fmt: skip
        """A model call; tokens are input, output, cache read, cache write."""
        counts = (*tokens, *(None,) * (4 - len(tokens)))
        parts = [{"type": "reasoning", "content": why}] if why else []
        parts += [{"type": "text", "content": text}] if text else []
        parts += [
            {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
            for call_id, name, arguments in calls
        ]
        finish = finish or ("tool_use" if calls else "end_turn")
        offered = [{"type": "function", "name": tool} for tool in TOOLS[self.agent]]
        instructions = system or f"You do the {self.agent}s. Edition {self.prompt}."
        ended = seconds is not None and not error
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": MODELS[self.model_name],
            "gen_ai.request.model": self.model_name,
            "gen_ai.response.model": self.model_name if ended else None,
            "gen_ai.response.finish_reasons": [finish] if ended else None,
            "gen_ai.response.time_to_first_chunk": first,
            "gen_ai.usage.input_tokens": counts[0],
            "gen_ai.usage.output_tokens": counts[1],
            "gen_ai.usage.cache_read.input_tokens": counts[2],
            "gen_ai.usage.cache_write.input_tokens": counts[3],
            "gen_ai.prompt.name": self.prompt and self.agent,
            "gen_ai.prompt.version": self.prompt,
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": instructions}]),
            "gen_ai.tool.definitions": json.dumps(offered),
            "gen_ai.input.messages": json.dumps([_said(*item) for item in heard])
            if heard
            else None,
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}])
            if ended
            else None,
            "tellwhy.decision.forced": "free",
            "tellwhy.attempts": len(answered),
        }
        events = [
            {"tellwhy.attempt.number": number, "http.response.status_code": status,
             **({"tellwhy.attempt.retry_after_ms": 2000} if status == 429 else {})}
            for number, status in enumerate(answered, 1)
        ]  # fmt: skip
        name = f"chat {self.model_name}"
        self.add(name, "model_call", seconds, attributes, error=error, events=events)
        return self

    def tool(self, seconds, call_id, name, arguments, result=None, *, error=None):
        """A run of a tool."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": name,
            "gen_ai.tool.call.id": call_id,
            "gen_ai.tool.call.arguments": json.dumps(arguments),
            "gen_ai.tool.call.result": None if result is None else json.dumps(result),
            "tellwhy.tool.effect": TOOLS[self.agent].get(name),
        }
        self.add(f"execute_tool {name}", "tool_call", seconds, attributes, error=error)
        return self

    def asked(
        self, seconds, call_id, name, decision, approver, *, kind="person", note=None, about=None
    ):
        """An approval; *about* other arguments than those that the model wrote."""
        attributes = {
            "tellwhy.approval.decision": decision,
            "tellwhy.approval.approver": approver,
            "tellwhy.approval.approver_kind": kind,
            "tellwhy.approval.tool_call_id": call_id,
            "tellwhy.approval.tool_name": name,
            "tellwhy.approval.note": note,
            "tellwhy.approval.arguments": about and json.dumps(about),
        }
        self.add(f"approve {name}", "human", seconds, attributes)
        return self

    def told(self):
        """All spans; the agent last, as senders do."""
        if self.root == "lost":
            return self.spans
        seconds = None if self.root == "pending" else (self.now - self.start) / SECOND
        error = None if self.root in ("ok", "pending") else self.root
        attributes = {"gen_ai.operation.name": "invoke_agent"}
        self.now = self.start
        self.add(f"invoke_agent {self.agent}", "agent", seconds, attributes, error=error, number=0)
        return self.spans


def refunds():
    """What the refund agent did."""
    a7, a8 = {"order": "A-7", "amount": 40}, {"order": "A-8", "amount": 900}
    a9, less = {"order": "A-9", "amount": 5000}, {"order": "A-9", "amount": 500}
    a10, lost = {"order": "A-10", "amount": 250}, {"q": "lost parcel"}
    loop = Run("refund", TODAY, "02:20", conversation="c-202", user="eve", prompt="2",
               root="MaxTurns: gave up after 5 turns")  # fmt: skip
    for call_id in ("s1", "s2", "s3", "s4"):
        loop.model(3, (30_000, 100), (call_id, "search_orders", lost), first=0.5)
        loop.tool(6, call_id, "search_orders", lost, [])
    loop.model(20, (31_000, 4096), text="Let me think about", finish="max_tokens", first=0.5)
    return [
        Run("refund", YESTERDAY, "10:00", conversation="c-100", user="ana", prompt="1")
        .model(2, (20_000, 400, 0, 16_000), ("o1", "look_up_order", {"order": "A-7"}), first=0.4)
        .tool(0.2, "o1", "look_up_order", {"order": "A-7"}, {"total": 40})
        .model(2, (20_500, 200, 16_000), ("p1", "pay", a7), first=0.3,
               why="The parcel is lost and the order was paid.")
        .asked(45, "p1", "pay", "approved", "dana")
        .tool(0.8, "p1", "pay", a7, {"paid": 40})
        .model(1, (20_800, 100, 16_000), text="You get 40 back.", first=0.3),
        Run("refund", YESTERDAY, "15:00", conversation="c-100", user="ana", prompt="1")
        .model(2, (20_000, 200, 16_000), ("p1", "pay", a8), first=0.3,
               why="The customer asks for it a second time.")
        .asked(1.2, "p1", "pay", "approved", "dana", about={"order": "A-8", "amount": 90})
        .tool(0.9, "p1", "pay", a8, {"paid": 900})
        .model(1, (20_400, 100, 16_000), text="You get 900 back.", first=0.3),
        Run("refund", YESTERDAY, "22:00", conversation="c-101", user="cem", prompt="1",
            root="pending")
        .model(2, (20_000, 200, 16_000), ("o1", "look_up_order", {"order": "A-1"}), first=0.3)
        .tool(0.2, "o1", "look_up_order", {"order": "A-1"}, {"total": 12}),
        Run("refund", TODAY, "01:00", conversation="c-200", user="ben", prompt="1")
        .model(2, (20_000, 200, 16_000), ("p1", "pay", a9), first=0.3)
        .asked(0.01, "p1", "pay", "denied", "limit-1000", kind="rule")
        .tool(0.002, "p1", "pay", a9, error="PermissionError: denied by rule limit-1000")
        .model(2, (20_400, 100, 16_000), ("p2", "pay", less), first=0.3)
        .asked(30, "p2", "pay", "denied", "dana", note="No receipt.")
        .model(2, (20_400, 100, 16_000), text="I cannot refund that.", first=0.3),
        Run("refund", TODAY, "02:05", conversation="c-201", user="dora", prompt="2")
        .model(2, (30_000, 500), ("p1", "pay", a10), first=0.6, why="Refund first, ask later.")
        .tool(2.4, "p1", "pay", a10, {"paid": 250})
        .model(1, (30_500, 100), text="You get 250 back.", first=0.6),
        Run("refund", TODAY, "02:10", conversation="c-204", user="gil", prompt="2", root="pending")
        .model(3, (30_000, 100), ("o1", "look_up_order", {"order": "A-13"}), first=0.6)
        .tool(None, "o1", "look_up_order", {"order": "A-13"}),
        loop,
        Run("refund", TODAY, "02:30", conversation="c-203", user="fay", prompt="2",
            root="OverloadedError: Overloaded")
        .model(12, (30_000, 100), ("o1", "look_up_order", {"order": "A-11"}),
               answered=(529, 529, 200), first=9.5)
        .tool(0.2, "o1", "look_up_order", {"order": "A-11"}, {"total": 7})
        .model(30, (30_000, 100), ("o2", "look_up_order", {"order": "A-12"}),
               answered=(429, 529, 529, 200), first=27.0)
        .tool(0.1, "o2", "look_up_order", {"order": "A-12"}, error="ValueError: no order A-12")
        .model(60, answered=(529,) * 5, error="OverloadedError: Overloaded"),
        Run("refund", TODAY, "02:59", conversation="c-205", user="hal", prompt="2", root="pending")
        .model(None),
    ]  # fmt: skip


def researches():
    """What the research agent did."""
    x, y, page = {"q": "x"}, {"q": "x y"}, {"url": "https://example.com/x"}
    slow = "TimeoutError: search took 30 s"
    house = Run("research", TODAY, "01:45", conversation="c-303")
    house.model_name = "house-llama-3"
    terse = "You research. Be terse."
    return [
        Run("research", YESTERDAY, "20:00", conversation="c-300")
        .model(1.5, (8000, 100), ("w1", "web_search", x), ("f1", "fetch_page", page), first=0.2)
        .tool(1.2, "w1", "web_search", x, ["a hit"])
        .tool(4, "f1", "fetch_page", page, error="HTTPError: 503 from example.com")
        .model(2, (9000, 300), text="x is known.", first=0.2),
        Run("research", YESTERDAY, "23:50", root="lost")
        .model(1.5, (8000, 100), ("w1", "web_search", x), first=0.2)
        .tool(1.3, "w1", "web_search", x, ["a hit"]),
        Run("research", TODAY, "00:30", conversation="c-301")
        .model(1.5, (8000, 100), ("w1", "web_search", x), first=0.2, system=terse)
        .tool(30, "w1", "web_search", x, error=slow)
        .model(1.5, (8000, 100), ("w2", "web_search", y), first=0.2, system=terse)
        .tool(30, "w2", "web_search", y, error=slow)
        .model(1, (8000, 50), text="I will not help with that.", finish="refusal", system=terse),
        Run("research", TODAY, "01:30", conversation="c-302")
        .model(1.5, (8000, 100), ("w1", "web_search", x), ("f1", "fetch_page", page), first=0.2)
        .tool(1, "w1", "web_search", x, ["a long hit"])
        .model(
            4,
            (120_000, 200),
            text="x is y.",
            first=1.1,
            heard=[("user", "What is x?"), ("assistant", "Let me look."), ("tool", "y " * 400)],
        ),
        house.model(5, (5000, 50), ("t1", "translate_all", {"to": "de"}), first=0.9)
        .tool(0.001, "t1", "translate_all", {"to": "de"}, error="KeyError: no such tool")
        .model(5, (5200, 80), text="I could not.", first=0.9),
    ]


@pytest.fixture(scope="session")
def night(tmp_path_factory):
    """The address of a collector that has seen the night."""
    with collector(tmp_path_factory.mktemp("night")) as running:
        for service, runs in (("shop-refunds", refunds()), ("shop-research", researches())):
            spans = [span for run in runs for span in run.told()]
            answer = send(f"{running.http_url}/v1/traces", traces(spans, service))
            assert (answer.status, answer.json()) == (200, {})
        _settled(running.http_url)
        _judged(running.http_url)
        _tested(running.http_url)
        yield running.http_url


def _settled(url, within_s=240):
    """Wait until every trace is worked out and looked at: what was denied is known then."""
    ends = time.monotonic() + within_s
    due = "SELECT (SELECT count(*) FROM open_traces) + (SELECT count(*) FROM unexplained)"
    while send(f"{url}/api/sql", {"sql": due}).json()["rows"] != [[0]]:
        assert time.monotonic() < ends, "traces are still due"
        time.sleep(0.1)


def _judged(url):
    """Two people review what was paid and closed; on one decision they do not agree."""
    picked = (
        "SELECT run_id, decision_id, outcome FROM decisions"
        " WHERE chosen IN ('pay', 'close_account') ORDER BY start_ns, decision_id"
    )
    for at, (run, decision, outcome) in enumerate(
        send(f"{url}/api/sql", {"sql": picked}).json()["rows"]
    ):
        first = "right" if outcome == "denied" else ("wrong" if at % 3 == 0 else "right")
        second = "debatable" if at == 1 else first
        for reviewer, verdict in (("dana", first), ("erin", second)):
            note = "Paid more than was approved. #amount" if verdict == "wrong" else None
            told = {"run_id": run, "decision_id": decision, "verdict": verdict, "note": note}
            answer = send(f"{url}/api/verdicts", {**told, "reviewer": reviewer})
            assert answer.status == 200, answer.json()


TESTS = {
    "A-7": ("nothing", 0.042, Count(11, 12), [("instructions", "instructions", Count(11, 12), 0.2)]),
    "A-8": ("causes", 0.0312, Count(14, 14), [
        ("user", "user, message 1, part 2", Count(1, 14), 4210.0),
        ("instructions", "instructions, part 3", Count(13, 14), 0.4)]),
    "A-10": ("causes", 0.0795, Count(10, 11), [
        ("instructions", "instructions, part 2", Count(0, 11), 890.0),
        ("user", "user, message 1", Count(6, 11), 25.0)]),
}  # fmt: skip
"""Order of a payment -> how a test of it ended, dollars, draws as recorded, and without each item."""


def _tested(url):
    """What `tellwhy prove` sends of three payments."""
    picked = "SELECT run_id, span_id, decision_id, arguments->>'$.order' FROM decisions WHERE chosen = 'pay'"
    found = {row[3]: row[:3] for row in send(f"{url}/api/sql", {"sql": picked}).json()["rows"]}
    for order in ("A-7", "A-8", "A-10"):
        run, span, decision = found[order]
        result, cost, control, items = TESTS[order]
        proof = {
            "decision_id": decision, "model": "claude-haiku-4-5", "asked_at": "api.example.com",
            "wire": "anthropic_messages", "same_means": "tool", "method": "As the guide says.",
            "result": result, "reason": None, "control_same": control.same, "control_n": control.n,
            "items": 5, "hypotheses": 9, "redactions": 0, "calls": 40, "cached_calls": 3,
            "input_tokens": 900_000, "output_tokens": 4000, "cost_usd": cost, "price_version": "x",
        }  # fmt: skip
        causes = [_cause(place, decision, control, item) for place, item in enumerate(items)]
        told = {"run_id": run, "span_id": span, "proof_id": f"proof of {order}", "proof": proof}
        answer = send(f"{url}/api/causes", {**told, "causes": causes, "calls": []})
        assert answer.status == 200, answer.json()


def _cause(place, decision, control, item):
    """One item that was left out."""
    kind, label, without, e_value = item
    interval = always_valid(control, without)
    return {
        "decision_id": decision, "place": place, "what": "item", "kind": kind, "label": label,
        "paths": "[]", "change": "left out", "verdict": "cause" if e_value > 20 else "no_change_seen",
        "flips": without.rate < 0.5, "same": without.same, "n": without.n,
        "control_same": control.same, "control_n": control.n,
        "rate_change": without.rate - control.rate, "rate_change_low": interval.low,
        "rate_change_high": interval.high, "e_value": e_value, "p_adjusted": min(1, 1 / e_value),
    }  # fmt: skip


@pytest.fixture(scope="session")
def ask(night):
    """Ask it in SQL; the rows."""

    def rows(sql, params=None):
        answer = send(f"{night}/api/sql", {"sql": sql, "params": params}).json()
        assert answer["ok"], answer["error"]
        return answer

    return rows

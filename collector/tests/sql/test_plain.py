"""A trace that is not read into Python is one in which nothing would have been found."""

import json
import random
from dataclasses import replace
from pathlib import Path

import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.reconstruct import Reconstruction, reconstruct
from tellwhy_collector.reconstruct.plain import plain_traces
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.reconstruct.settled import lay_out

FIXTURES = Path(__file__).parents[1] / "dialects" / "fixtures"
NOTHING = Reconstruction([], [], [])


def plain(views, steps):
    """Ids of the plain traces among *steps*."""
    views.put(*steps)
    lay_out(views.cursor, sorted({step.trace_id for step in steps}), 0)
    return plain_traces(views.cursor)


def text(role, said):
    return {"role": role, "parts": [{"type": "text", "content": said}]}


def result(call_id):
    part = {"type": "tool_call_response", "id": call_id, "response": "seen"}
    return {"role": "tool", "parts": [part]}


def whole(views, trace_id, turns=3):
    """A trace of one instrumentor that leaves nothing out."""
    common = {"trace_id": trace_id, "run_id": trace_id, "agent_name": "a", "conversation_id": "c"}
    head = {**common, "parent_span_id": None, "input": "do", "output": "done"}
    steps = [views.make("root", "agent", end=100, **head)]
    messages = [text("user", "do")]
    for turn in range(turns):
        ids = [f"c{turn}-{place}" for place in range(turn)]
        chosen = [
            {"action": "tool_call", "name": "look", "tool_call_id": i, "arguments": {"n": turn}}
            for i in ids
        ] or [{"action": "answer", "text": "hm"}]
        start = turn * 20
        call = views.make(
            f"m{turn}",
            start=start,
            end=start + 5,
            response_id=f"r{turn}",
            request_id=f"q{turn}",
            input_messages=list(messages),
            output_messages=[text("assistant", "hm")],
            chosen=chosen,
            finish_reason="tool_use" if ids else "end_turn",
            **common,
        )
        steps.append(call)
        messages += [text("assistant", "hm"), *map(result, ids)]
        steps += [
            views.make(
                f"t{call_id}",
                "tool_call",
                start=start + 6,
                end=start + 9,
                tool_call_id=call_id,
                tool_name="look",
                tool_arguments={"n": turn},
                tool_result="seen",
                **common,
            )
            for call_id in ids
        ]
    return steps


CHANGES = (
    ("kind", ["agent", "model_call", "tool_call", "human", "other", "retrieval"]),
    ("dialect", ["native", "openinference", "pydantic_ai", "codex", "claude_code"]),
    ("source", ["span", "log"]),
    ("inferred", [True, False]),
    ("status", ["ok", "error", "pending"]),
    ("start_ns", [0, 5, 6, 7, 19, 26, 45, 100]),
    ("end_ns", [None, 0, 6, 9, 30, 120]),
    ("name", ["agent", "model_call"]),
    ("agent_name", [None, "a", "b"]),
    ("conversation_id", [None, "c"]),
    ("run_id", ["run", "a" * 32]),
    ("response_id", [None, "r1", "r2"]),
    ("request_id", [None, "q1", "q2"]),
    ("tool_call_id", [None, "", "c1-0", "c2-0", "c2-1"]),
    ("tool_name", [None, "look", "mcp__look"]),
    ("tool_arguments", [None, {"n": 1}, {"n": 2}, {"n": 2, "m": 3}]),
    ("tool_result", [None, "seen"]),
    (
        "chosen",
        [None, [], [{"action": "answer"}], [{"action": "tool_call", "tool_call_id": "c2-0"}]],
    ),
    ("finish_reason", [None, "tool_use", "stop"]),
    ("input_messages", [None, [result("c1-0")], [text("user", "do"), text("assistant", "x")]]),
    ("output_messages", [None, [text("assistant", "x")]]),
    ("input", [None, "do"]),
    ("output", [None, "done", {"approvals": [{"tool_call_id": "c2-0"}]}]),
    ("input_tokens", [None, 1, 2]),
    ("approval_decision", [None, "denied"]),
)
"""Fields that rules look at, and values by which their answers differ. Times in milliseconds."""


def change(chance, steps):
    """Somewhere another value, another parent or no step, a few times."""
    steps = list(steps)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(steps))
        step = steps[place]
        what = chance.random()
        if what < 0.1 and len(steps) > 1:
            del steps[place]
            continue
        if what < 0.35:
            ids = [None, "gone", *[other.span_id for other in steps]]
            steps[place] = replace(step, parent_span_id=chance.choice(ids))
            continue
        name, values = chance.choice(CHANGES)
        value = chance.choice(values)
        if name in ("start_ns", "end_ns") and value is not None:
            value = 1_767_225_600_000_000_000 + value * 1_000_000
        if name == "run_id" and value != "run":
            value = step.trace_id
        steps[place] = replace(step, **{name: value})
    return steps


def found(steps):
    """What `reconstruct` says, None when it fails."""
    try:
        return reconstruct(steps)
    except Exception:
        return None


@pytest.mark.parametrize("seed", range(4))
def test_in_a_plain_trace_nothing_would_be_found(views, seed):
    """Whole traces with a few changes: whatever a rule would find makes the trace not plain."""
    chance = random.Random(seed)
    given = {}
    for number in range(600):
        trace_id = f"{number:032x}"
        given[trace_id] = change(chance, whole(views, trace_id, chance.randint(1, 3)))
    chosen = plain(views, [step for steps in given.values() for step in steps])

    assert len(chosen) > 60
    for trace_id in chosen:
        assert found(given[trace_id]) == NOTHING, given[trace_id]


def test_in_the_plain_traces_of_recorded_senders_nothing_would_be_found(views):
    """Every fixture of every dialect."""
    given = {}
    for path in sorted(FIXTURES.rglob("*.otlp.json")):
        body = path.read_bytes()
        name = next(iter(json.loads(body)))
        signal = {"resourceSpans": "traces", "resourceLogs": "logs"}.get(name)
        if signal is None:
            continue
        for record in decode(body, signal=signal, encoding="json").records:
            if (step := normalise(record)) is not None:
                given.setdefault(step.trace_id, {})[step.span_id] = step
    chosen = plain(views, [step for steps in given.values() for step in steps.values()])

    for trace_id in chosen:
        assert found(list(given[trace_id].values())) == NOTHING


def test_a_whole_trace_of_one_instrumentor_is_plain(views):
    """Otherwise every trace would be read, and reading is most of the work."""
    steps = [*whole(views, "a" * 32), *whole(views, "b" * 32)]

    assert {"a" * 32, "b" * 32} == plain(views, steps)


def test_a_plain_trace_that_was_not_plain_before_loses_what_was_found(views):
    """The tool that was read out of a request is recorded after all."""
    trace_id = "a" * 32
    steps = whole(views, trace_id)
    late = [step for step in steps if step.tool_call_id == "c1-0"]
    views.put(*[step for step in steps if step not in late], *whole(views, "b" * 32))
    first = settle(views.cursor, [trace_id, "b" * 32])
    inferred = views.rows("tool_calls", "tool_call_id", "inferred")
    views.add(*late)
    second = settle(views.cursor, [trace_id])

    assert (2, 1) == (first.traces, first.added)
    assert ("c1-0", True) in inferred
    assert (1, 0) == (second.traces, second.added)
    assert all(not inferred for (inferred,) in views.rows("tool_calls", "inferred"))
    assert [(7,), (7,)] == views.rows("runs", "steps")

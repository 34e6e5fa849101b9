"""A trace that is not read into Python is one in which nothing would have been found."""

import random
from dataclasses import fields, replace
from pathlib import Path

import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.reconstruct import Reconstruction, reconstruct
from tellwhy_collector.reconstruct.plain import plain_traces
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.reconstruct.settled import lay_out
from tellwhy_collector.records import Step

RECORDED = Path(__file__).parents[1] / "dialects"
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


def beside(chance, step, number):
    """Another teller of *step*, a part of it, or something around it that is no call."""
    pick = chance.choice
    more = replace(step, span_id=f"more{number}")
    if pick([True, False]):
        more = replace(more, request_id=None, response_id=None, tool_call_id=None)
    if pick([True, False]):
        more = replace(more, parent_span_id=step.span_id)
    if pick([True, False]):
        more = replace(more, dialect=pick(["openinference", "strands"]))
    if pick([True, False]):
        return more
    return replace(
        more,
        kind=pick([step.kind, "other", "human"]),
        source=pick(["span", "log"]),
        inferred=pick([True, False]),
        approval_decision=pick([None, "denied"]),
        tools_offered=pick([None, [{"name": "look"}]]),
        tool_result=pick([None, step.tool_result]),
        finish_reason=pick([None, "stop"]),
        start_ns=step.start_ns + pick([0, 10_000_000]),
    )


def change(chance, steps):
    """Somewhere another value, another parent or no step, a few times."""
    steps = list(steps)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(steps))
        step = steps[place]
        what = chance.random()
        if what < 0.1 and len(steps) > 1:
            del steps[place]
            continue
        if what < 0.35:
            steps.append(beside(chance, step, len(steps)))
            if chance.random() < 0.5:
                steps[place] = replace(step, parent_span_id=steps[-1].span_id)
            continue
        if what < 0.5:
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
    for number in range(1200):
        trace_id = f"{number:032x}"
        given[trace_id] = change(chance, whole(views, trace_id, chance.randint(1, 3)))
    chosen = plain(views, [step for steps in given.values() for step in steps])

    assert len(chosen) > 60
    for trace_id in chosen:
        assert found(given[trace_id]) == NOTHING, given[trace_id]


def recorded():
    """The traces of every fixture and capture of every dialect."""
    traces = {}
    for path in sorted(RECORDED.rglob("*.otlp.json")):
        body = path.read_bytes()
        signal = "logs" if b'"resourceLogs"' in body else "traces"
        for record in decode(body, signal=signal, encoding="json").records:
            if (step := normalise(record)) is not None:
                traces.setdefault(step.trace_id, {})[step.span_id] = step
    return [list(trace.values()) for trace in traces.values()]


NAMES = [field.name for field in fields(Step) if field.name not in ("trace_id", "span_id")]


def vary(chance, steps, others, trace_id):
    """*steps* as another trace, with values that stand elsewhere or nowhere, or fewer of them."""
    steps = [replace(step, trace_id=trace_id, inferred=False) for step in steps]
    if chance.random() < 0.5:
        dialect = chance.choice(others).dialect
        steps = [replace(step, source="span", dialect=dialect) for step in steps]
    for _ in range(chance.randint(0, 6)):
        place = chance.randrange(len(steps))
        if chance.random() < 0.2 and len(steps) > 1:
            del steps[place]
            continue
        name = chance.choice(NAMES)
        value = getattr(chance.choice(others), name)
        if chance.random() < 0.4 and "| None" in Step.__dataclass_fields__[name].type:
            value = None
        steps[place] = replace(steps[place], **{name: value})
    return [
        replace(step, run_id=trace_id) if step.run_id not in ("run", trace_id) else step
        for step in steps
    ]


def test_in_the_plain_traces_of_recorded_senders_nothing_would_be_found(views):
    """Every fixture and every capture."""
    given = {steps[0].trace_id: steps for steps in recorded()}
    chosen = plain(views, [step for steps in given.values() for step in steps])

    assert len(given) > 100 > len(chosen) > 10
    for trace_id in chosen:
        assert found(given[trace_id]) == NOTHING


@pytest.mark.parametrize("seed", range(4))
def test_in_plain_variations_of_recorded_traces_nothing_would_be_found(views, seed):
    """Every rule has a fixture, so a rule that `plain` does not know is met near one of them."""
    chance, corpus = random.Random(seed), recorded()
    everything = [step for steps in corpus for step in steps]
    given = {}
    for number in range(1200):
        trace_id = f"{number:032x}"
        few = chance.choice(corpus)[:40]
        given[trace_id] = vary(chance, few, [*few, *chance.sample(everything, 4)], trace_id)
    chosen = plain(views, [step for steps in given.values() for step in steps])

    assert len(chosen) > 60
    for trace_id in chosen:
        assert found(given[trace_id]) == NOTHING, given[trace_id]


CALL = {"agent_name": "a", "conversation_id": "c", "finish_reason": "stop"}
FAR = {
    "a call around a call, with a node between": [
        ("outer", "model_call", "root", {}),
        ("node", "other", "outer", {}),
        ("inner", "model_call", "node", {}),
    ],
    "one answer on both sides of an agent": [
        ("outer", "model_call", "root", {"response_id": "r"}),
        ("agent", "agent", "outer", {}),
        ("inner", "model_call", "agent", {"response_id": "r"}),
        ("other", "model_call", "agent", {}),
    ],
    "one request on both sides of an agent": [
        ("outer", "model_call", "root", {"request_id": "r"}),
        ("agent", "agent", "outer", {}),
        ("inner", "model_call", "agent", {"request_id": "r"}),
        ("other", "model_call", "agent", {}),
    ],
    "a node that says why its call stopped": [
        ("node", "other", "root", {}),
        ("call", "model_call", "node", {"finish_reason": None}),
    ],
}
"""What chance seldom makes: span id, kind, parent and fields of each step."""


@pytest.mark.parametrize("name", FAR)
def test_a_trace_in_which_something_far_off_is_found_is_not_plain(views, name):
    """Steps that have something to do with each other although others stand between them."""
    steps = [
        views.make(span_id, kind, parent_span_id=parent, **(CALL | told))
        for span_id, kind, parent, told in FAR[name]
    ]

    assert found(steps) != NOTHING
    assert set() == plain(views, steps)


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


def test_a_step_that_is_no_duplicate_any_more_counts_in_a_plain_trace(views):
    """The only call inside another is the same call; of two inside it none is."""
    common = {"agent_name": "a", "conversation_id": "c"}
    outer = views.make("outer", end=50, response_id="r0", parent_span_id=None, **common)
    inner = [
        views.make(f"inner{n}", start=n, end=n + 9, parent_span_id="outer", **common)
        for n in (1, 2)
    ]
    views.put(outer, inner[0])
    settle(views.cursor, ["a" * 32])
    before = views.rows("runs", "model_calls")
    views.add(inner[1])
    settle(views.cursor, ["a" * 32])

    assert [(1,)] == before
    assert [(3,)] == views.rows("runs", "model_calls")
    assert [(3,)] == views.rows("run_rows", "model_calls")

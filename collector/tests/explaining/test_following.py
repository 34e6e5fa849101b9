"""Which decision stands before and behind, and what could not be chosen."""

from dataclasses import replace

import orjson
import pytest

from tellwhy_collector.dialects.choices import allowed_names
from tellwhy_collector.reconstruct.case import Case, Decision
from tellwhy_collector.reconstruct.contexts import Request, contexts_of
from tellwhy_collector.reconstruct.following import places_in
from tellwhy_collector.records import Step
from tellwhy_collector.testing import START_NS, post, rows, span, traces, wait_until_explained


def message(text, role="user"):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def decision(span_id, start_ns, agent="a", action="tool_call", index=0):
    """A choice; it was made one nanosecond after it was asked for."""
    values = dict.fromkeys(Decision.__dataclass_fields__)
    return Decision(
        **values
        | {
            "decision_id": f"{span_id}:{index}",
            "span_id": span_id,
            "agent_name": agent,
            "start_ns": start_ns,
            "decided_ns": start_ns + 1,
            "action": action,
        }
    )


def places(decisions, requests=(), steps=()):
    """Span id -> (before, after)."""
    case = Case({}, tuple(steps), tuple(decisions), contexts_of(requests))
    found = places_in(case)
    return {key: (one.previous_decision_id, one.next_decision_id) for key, one in found.items()}


def asked(name, *texts, **more):
    return Request(name, orjson.dumps([message(text) for text in texts]).decode(), **more)


def said(name, text, answer):
    """A request that holds what a model has answered."""
    result = {"type": "tool_call_response", "id": f"call-{answer}", "response": "go on"}
    messages = [message(text), message(answer, "assistant"), {"role": "tool", "parts": [result]}]
    return Request(name, orjson.dumps(messages).decode())


def test_two_exchanges_at_the_same_time_are_two_chains():
    """What a call goes on from says what came before, not the clock."""
    decisions = [decision(name, at) for at, name in enumerate(["x1", "y1", "x2", "y2"])]
    requests = [asked("x1", "x"), asked("y1", "y"), asked("x2", "x", "1"), asked("y2", "y", "1")]

    assert {
        "x1": (None, "x2:0"),
        "y1": (None, "y2:0"),
        "x2": ("x1:0", None),
        "y2": ("y1:0", None),
    } == places(decisions, requests)


def test_agents_that_are_given_the_same_task_are_chains_of_their_own():
    """Both begin with the same message; each goes on from its own answer, in whatever order."""
    order = [("a1", "a"), ("b1", "b"), ("b2", "b"), ("a2", "a")]
    decisions = [decision(name, at, agent) for at, (name, agent) in enumerate(order)]
    decisions[0] = replace(decisions[0], tool_call_id="call-a")
    requests = [asked("a1", "x"), asked("b1", "x"), said("b2", "x", "b"), said("a2", "x", "a")]

    assert {
        "a1": (None, "a2:0"),
        "b1": (None, "b2:0"),
        "b2": ("b1:0", None),
        "a2": ("a1:0", None),
    } == places(decisions, requests)


def test_an_agent_that_is_told_what_another_has_answered_goes_on_from_it():
    """Code that hands the whole conversation on writes no hand-off."""
    decisions = [decision("a1", 0, "a", action="answer"), decision("b1", 1, "b")]

    assert {"a1": (None, "b1:0"), "b1": ("a1:0", None)} == places(
        decisions, [asked("a1", "x"), said("b1", "x", "done")]
    )


def test_a_call_that_failed_is_passed_over():
    """It chose nothing; the call after it goes on from the one before."""
    decisions = [decision("m1", 1), decision("m3", 3)]
    requests = [asked("m1", "x"), asked("m2", "x", "1"), asked("m3", "x", "1", "2")]
    found = places(decisions, requests)

    assert ((None, "m3:0"), ("m1:0", None), (None, None)) == (
        found["m1"],
        found["m3"],
        found["m2"],
    )


def test_parallel_choices_share_what_comes_after():
    """One answer with two calls leads to one decision."""
    decisions = [decision("m1", 1), decision("m1", 1, index=1), decision("m2", 2)]

    assert {"m1": (None, "m2:0"), "m2": ("m1:0", None)} == places(decisions)


def test_without_requests_the_last_of_the_same_agent_counts():
    """Claude Code and plain code tell of no messages."""
    decisions = [decision("m1", 1), decision("s1", 2, "sub"), decision("m2", 3)]

    assert {"m1": (None, "m2:0"), "s1": (None, None), "m2": ("m1:0", None)} == places(decisions)


def test_a_hand_off_leads_to_the_other_agent():
    """And that agent's first decision comes from it."""
    decisions = [
        decision("m1", 1, action="handoff"),
        decision("n1", 5, "other"),
        decision("m2", 9),
    ]
    found = places(decisions, [asked("m1", "x"), asked("n1", "y"), asked("m2", "x", "1")])

    assert ((None, "n1:0"), ("m1:0", None)) == (found["m1"], found["n1"])


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("auto", None),
        ({"type": "tool", "name": "a"}, {"a"}),
        ({"type": "function", "function": {"name": "a"}}, {"a"}),
        ({"type": "function", "name": "a"}, {"a"}),
        ({"tool": {"name": "a"}}, {"a"}),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "a"}, {"type": "custom", "name": "b"}],
            },
            {"a", "b"},
        ),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"tools": [{"type": "function", "function": {"name": "a"}}]},
            },
            {"a"},
        ),
        ({"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["a"]}}, {"a"}),
        ({"type": "any"}, None),
        ({"type": "allowed_tools", "tools": "a"}, None),
        (17, None),
    ],
)
def test_every_spelling_of_a_tool_choice_is_read(choice, names):
    """Of Anthropic, OpenAI, Bedrock and Gemini; what names no tool leaves all."""
    assert (None if names is None else frozenset(names)) == allowed_names(choice)


@pytest.mark.parametrize(
    ("forced", "choice", "blocked"),
    [
        ("free", "auto", []),
        ("one_tool", {"type": "tool", "name": "a"}, ["b"]),
        ("no_tool", "none", ["a", "b"]),
        (None, None, None),
    ],
)
def test_what_was_offered_and_ruled_out_is_blocked(forced, choice, blocked):
    """NULL where the sender does not say how much choice there was."""
    call = Step(
        trace_id="t",
        span_id="m",
        parent_span_id=None,
        run_id="t",
        source="span",
        dialect="native",
        kind="model_call",
        name="chat",
        start_ns=1,
        end_ns=2,
        status="ok",
        forced=forced,
        tool_choice=choice,
    )
    tools = orjson.dumps([{"name": "a"}, {"name": "b"}]).decode()
    case = Case({}, (call,), (), contexts_of([asked("m", "x", tools_offered=tools)]))

    assert blocked == places_in(case)["m"].blocked


def call(name, at_s, texts, tools, parts, *, choice="auto"):
    """A model call as the conventions write it."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "tellwhy.step.kind": "model_call",
        "tellwhy.request.tool_choice": orjson.dumps(choice).decode(),
        "gen_ai.tool.definitions": orjson.dumps([{"name": tool} for tool in tools]).decode(),
        "gen_ai.input.messages": orjson.dumps([message(text) for text in texts]).decode(),
        "gen_ai.output.messages": orjson.dumps([{"role": "assistant", "parts": parts}]).decode(),
    }
    start = START_NS + at_s * 10**9
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9)}
    return span(attributes, traceId="f" * 32, spanId=name, **times)


def test_decisions_are_complete_in_sql(collector):
    """What was new, added, removed, blocked; thinking and text apart; what it led to."""
    thinks = [
        {"type": "reasoning", "content": "I must look."},
        {"type": "text", "content": "One moment."},
        {"type": "tool_call", "id": "c1", "name": "look", "arguments": {"id": 1}},
    ]
    answers = [{"type": "text", "content": "It is here."}]
    one, two = "1" * 16, "2" * 16
    post(
        collector.ingest,
        traces(
            [
                call(one, 1, ["where?"], ["look", "pay"], thinks),
                call(
                    two, 2, ["where?", "call", "result"], ["look", "mail"], answers, choice="none"
                ),
            ]
        ),
    )
    wait_until_explained(collector.store)

    assert [
        (one, None, f"{two}:0", 0, 1, None, None, "[]", "I must look.", "One moment."),
        (two, f"{one}:0", None, 1, 2, '["mail"]', '["pay"]', '["look","mail"]', None, None),
    ] == rows(
        collector.store,
        "SELECT span_id, previous_decision_id, next_decision_id, kept_messages, new_messages,"
        " tools_added, tools_removed, blocked, stated_thinking, stated_text"
        " FROM decisions ORDER BY start_ns",
    )


def test_a_question_that_wants_none_of_it_does_not_read_what_was_new(store):
    """Counting all decisions costs what it cost; a filter by run or time reaches both sides."""
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO decision_rows BY NAME SELECT 'r' AS run_id, 't' AS trace_id, 's' || n AS span_id,"
        " n AS start_ns, 'answer' AS action FROM range(5000) t(n)"
    )
    cursor.execute(
        "INSERT INTO call_contexts BY NAME"
        " SELECT run_id, trace_id, span_id, start_ns FROM decision_rows"
    )

    def reads(sql):
        return "call_contexts" in cursor.execute(f"EXPLAIN {sql}").fetchall()[0][1]

    assert not reads("SELECT action, count(*) FROM decisions GROUP BY action")
    assert reads("SELECT new_messages FROM decisions")
    assert [(5000,)] == cursor.execute(
        "SELECT count(new_messages IS NULL) FROM decisions"
    ).fetchall()
    cursor.close()

"""What a trace says as a whole: duplicates, completions, inferred tools."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from tellwhy_collector.decode import decode
from tellwhy_collector.dialects import normalise
from tellwhy_collector.reconstruct import reconstruct
from tellwhy_collector.records import Step

FIXTURES = Path(__file__).parent / "dialects" / "fixtures"
TRACE = "a" * 32
MS = 1_000_000


def step(span_id, kind="model_call", start=0, end=100, **fields):
    """A step of the trace; times in milliseconds."""
    common = {
        "trace_id": TRACE,
        "span_id": span_id,
        "parent_span_id": "root",
        "run_id": TRACE,
        "source": "span",
        "dialect": "otel_genai",
        "kind": kind,
        "name": kind,
        "start_ns": start * MS,
        "end_ns": None if end is None else end * MS,
        "status": "ok",
    }
    return Step(**(common | fields))


def pairs(*steps):
    """Left-out and kept span ids with the reason, whatever order the steps come in."""
    mixed = list(steps)
    random.shuffle(mixed)
    found = reconstruct(mixed)
    return {(d.span_id, d.kept_span_id, d.reason) for d in found.duplicates}


def outcome(*steps):
    """All steps after reconstruction by span id, duplicates left out."""
    found = reconstruct(list(steps))
    gone = {duplicate.span_id for duplicate in found.duplicates}
    now = {s.span_id: s for s in (*steps, *found.changed, *found.added)}
    return {span_id: s for span_id, s in now.items() if span_id not in gone}


def choosing(*calls):
    return [
        {"action": "tool_call", "name": name, "tool_call_id": call_id, "arguments": arguments}
        for call_id, name, arguments in calls
    ]


def test_two_instrumentations_of_one_call_are_one():
    """The fuller step is kept and gets what only the other knows."""
    native = step("n", dialect="anthropic_sdk", response_id="m1", request_id="r1", attempts=2)
    other = step(
        "o",
        dialect="openinference",
        response_id="m1",
        start=1,
        output_tokens=5,
        input_tokens=9,
        finish_reason="stop",
        tools_offered=[{"name": "look"}],
    )
    kept = outcome(native, other)

    assert {("n", "o", "response_id")} == pairs(native, other)
    assert ("r1", 2, 9) == (kept["o"].request_id, kept["o"].attempts, kept["o"].input_tokens)


@pytest.mark.parametrize(
    "other",
    [
        {"start": 200, "end": 300},
        {"dialect": "anthropic_sdk"},
        {"response_id": "m2"},
        {"request_id": "r2"},
        {"output_tokens": 6},
        {"response_model": "another"},
    ],
    ids=["later", "same teller", "other response", "other request", "other tokens", "other model"],
)
def test_calls_that_share_an_id_but_differ_stay_two(other):
    """Scripts and some providers reuse ids: an id alone proves nothing."""
    one = step(
        "n",
        dialect="anthropic_sdk",
        response_id="m1",
        request_id="r1",
        output_tokens=5,
        response_model="m",
    )
    fields = {"dialect": "openinference", "response_id": "m1"} | other

    assert set() == pairs(one, step("o", **fields))


def test_parallel_equal_calls_pair_one_to_one():
    """Three calls at once, each seen twice, are three."""
    steps = [
        step(f"{dialect}{i}", dialect=dialect, start=i, end=100 + i, response_model="m")
        for i in range(3)
        for dialect in ("anthropic_sdk", "openinference")
    ]
    found = pairs(*steps)

    assert 3 == len(found)
    assert 3 == len({kept for _, kept, _ in found})


def test_a_wrapper_around_one_call_is_that_call_and_around_two_is_not():
    """LangChain's span holds the SDK's; a fallback holds two calls and is neither."""
    wrapper = step("w", response_model="m", input_messages=[{"role": "user", "parts": []}])
    inner = step(
        "i", dialect="anthropic_sdk", parent_span_id="w", start=10, end=90, response_model="m"
    )
    second = replace(inner, span_id="j", start_ns=50 * MS, response_id="m2")

    assert {("i", "w", "nested")} == pairs(wrapper, inner)
    assert set() == pairs(wrapper, replace(inner, end_ns=40 * MS, response_id="m1"), second)


def test_a_tool_in_a_tool_of_the_same_name_is_one_call():
    """A framework's tool span holds the MCP client's."""
    outer = step(
        "t", "tool_call", tool_name="mcp__lab__weather", tool_call_id="c1", tool_result="21C"
    )
    inner = step(
        "m", "tool_call", dialect="mcp", parent_span_id="t", start=5, end=95, tool_name="weather"
    )

    assert {("m", "t", "nested")} == pairs(outer, inner)


def test_an_agent_between_makes_two_calls():
    """A tool that runs an agent that calls the same tool again calls it twice."""
    outer = step("t", "tool_call", tool_name="ask", end=900)
    agent = step("a", "agent", parent_span_id="t", end=800)
    inner = step("u", "tool_call", dialect="native", parent_span_id="a", start=10, tool_name="ask")

    assert set() == pairs(outer, agent, inner)


def test_a_reused_call_id_is_two_calls():
    """73 of 1,164 call ids are used twice inside one run of tau-bench."""
    one = step("t", "tool_call", tool_call_id="c1", tool_name="look", tool_result="a")
    two = step(
        "u", "tool_call", start=500, end=600, tool_call_id="c1", tool_name="look", tool_result="b"
    )

    assert set() == pairs(one, two)


def test_a_tool_that_waited_for_approval_ran_once():
    """First without a result, then again with one, for the same request of the model."""
    chosen = choosing(("c1", "pay", {"amount": 42}))
    call = step("m", chosen=chosen, end=10)
    first = step("t", "tool_call", start=20, end=30, tool_name="pay", tool_arguments={"amount": 42})
    again = step(
        "u",
        "tool_call",
        start=500,
        end=510,
        tool_name="pay",
        tool_arguments={"amount": 42},
        tool_result="paid",
    )
    asked_again = step("n", start=400, end=410, chosen=chosen)

    assert {("t", "u", "rerun")} == pairs(call, first, again)
    assert set() == pairs(call, first, asked_again, again)


def tool_result(call_id, response, *, is_error=False):
    part = {"type": "tool_call_response", "id": call_id, "response": response}
    return {"role": "user", "parts": [part | ({"is_error": True} if is_error else {})]}


def test_tools_nobody_recorded_are_read_from_the_next_request():
    """A client-only instrumentation still shows what came of each choice."""
    call = step(
        "m",
        end=10,
        chosen=choosing(("c1", "look", {"a": 1}), ("c2", "pay", {})),
        agent_name="refund",
    )
    following = step(
        "n",
        start=50,
        end=60,
        input_messages=[tool_result("c1", "seen"), tool_result("c2", "no money", is_error=True)],
    )
    found = reconstruct([call, following])
    looked, paid = found.added

    assert ("look", {"a": 1}, "seen", "ok", True, "steps") == (
        looked.tool_name,
        looked.tool_arguments,
        looked.tool_result,
        looked.status,
        looked.inferred,
        looked.source,
    )
    assert ("error", "no money", 10 * MS, 50 * MS) == (
        paid.status,
        paid.error_message,
        paid.start_ns,
        paid.end_ns,
    )
    assert [looked.span_id, paid.span_id] == [
        s.span_id for s in reconstruct([following, call]).added
    ]


def test_a_recorded_tool_is_not_inferred_and_one_without_an_id_gets_it():
    """CrewAI and LlamaIndex record tools without the model's call id."""
    call = step("m", end=10, chosen=choosing(("c1", "look", {"a": 1}), ("c2", "look", {"a": 2})))
    tools = [
        step(
            "u",
            "tool_call",
            start=20,
            end=30,
            tool_name="look",
            tool_arguments={"a": 2},
            tool_result="2",
        ),
        step(
            "t",
            "tool_call",
            start=31,
            end=32,
            tool_name="look",
            tool_arguments={"a": 1},
            tool_result="1",
        ),
    ]
    following = step(
        "n", start=50, end=60, input_messages=[tool_result("c1", "1"), tool_result("c2", "2")]
    )
    now = outcome(call, *tools, following)

    assert {"m", "t", "u", "n"} == set(now)
    assert ("c1", "c2") == (now["t"].tool_call_id, now["u"].tool_call_id)


def test_an_inferred_step_gives_way_to_a_recorded_one():
    """Our hook infers a tool that another instrumentation turns out to have seen."""
    call = step("m", dialect="native", end=10, chosen=choosing(("c1", "look", {})))
    inferred = step(
        "i",
        "tool_call",
        dialect="native",
        start=10,
        end=50,
        tool_call_id="c1",
        tool_name="look",
        inferred=True,
    )
    recorded = step(
        "t", "tool_call", start=20, end=30, tool_call_id="c1", tool_name="look", tool_result="seen"
    )

    assert {("i", "t", "recorded")} == pairs(call, inferred, recorded)


def test_an_answer_that_was_not_recorded_stands_in_the_next_request():
    """Raw streams and LlamaIndex record what was asked and not what was answered."""
    asked = [{"role": "user", "parts": [{"type": "text", "content": "weather?"}]}]
    answer = {
        "role": "assistant",
        "parts": [{"type": "tool_call", "id": "c1", "name": "look", "arguments": {}}],
    }
    call = step("m", end=10, input_messages=asked)
    following = step(
        "n", start=50, end=60, input_messages=[*asked, answer, tool_result("c1", "seen")]
    )
    now = outcome(call, following)

    assert [answer] == now["m"].output_messages
    assert "c1" == now["m"].chosen[0]["tool_call_id"]
    assert 3 == len(now)


def test_the_choice_of_a_call_without_content_is_the_tools_that_ran():
    """Content is off by default in the official instrumentations; the tools tell."""
    call = step("m", end=10, finish_reason="tool_calls")
    tool = step("t", "tool_call", start=20, end=30, tool_name="look", tool_call_id="c1")
    elsewhere = step("x", "tool_call", start=20, parent_span_id="other", tool_name="pay")

    assert [{"action": "tool_call", "name": "look", "tool_call_id": "c1"}] == outcome(
        call, tool, elsewhere
    )["m"].chosen


def test_run_agent_and_conversation_come_from_above():
    """A foreign span inside our agent belongs to our run."""
    agent = step(
        "a", "agent", dialect="native", run_id="run-1", agent_name="refund", conversation_id="c"
    )
    inner = step("m", parent_span_id="a")
    now = outcome(agent, inner)

    assert ("run-1", "refund", "c") == (
        now["m"].run_id,
        now["m"].agent_name,
        now["m"].conversation_id,
    )


def test_a_run_without_an_agent_takes_its_task_from_the_first_request():
    """The outermost step gets the task and the answer of its model calls."""
    root = step("root", "other", parent_span_id=None, dialect="unknown", end=900)
    call = step(
        "m",
        input_messages=[{"role": "user", "parts": [{"type": "text", "content": "weather?"}]}],
        chosen=[{"action": "answer", "text": "21C"}],
    )
    now = outcome(root, call)

    assert ("weather?", "21C") == (now["root"].input, now["root"].output)


def test_broken_parents_do_no_harm():
    """A parent that is missing, itself or its own child ends the walk."""
    steps = [
        step("a", parent_span_id="b", response_id="1"),
        step("b", parent_span_id="a", start=1, response_id="2"),
        step("c", parent_span_id="c"),
    ]

    assert [] == reconstruct(steps).duplicates


def read(name):
    """Steps of a fixture."""
    body = (FIXTURES / name).read_bytes()
    signal = "logs" if b'"resourceLogs"' in body else "traces"
    records = decode(body, signal=signal, encoding="json").records
    return [s for record in records if (s := normalise(record)) is not None]


def test_claude_code_events_alone_make_a_run_with_decisions():
    """Without traces the events tell what was chosen, allowed and done."""
    now = outcome(*read("claude_code/events_without_traces.otlp.json"))
    by_kind = {s.kind: s for s in now.values()}

    assert ["agent", "human", "model_call", "tool_call"] == sorted(by_kind)
    assert "Looking." == by_kind["model_call"].stated_reason
    assert [by_kind["tool_call"].tool_call_id] == [
        a["tool_call_id"] for a in by_kind["model_call"].chosen
    ]
    assert 1 == len({(s.trace_id, s.run_id) for s in now.values()})


def test_a_failed_execution_fails_its_tool_call():
    """The failure stands in the inner span, the outer one ends well."""
    now = outcome(*read("claude_code/tool_that_failed.otlp.json"))
    tool = next(s for s in now.values() if s.kind == "tool_call")
    gate = next(s for s in now.values() if s.kind == "human")

    assert ("error", "ShellError") == (tool.status, tool.error_type)
    assert tool.tool_call_id == gate.tool_call_id
    assert 2 == len(now)


def test_a_tool_that_nobody_let_run_was_denied():
    """Its span ends well; the approval under it says no."""
    now = outcome(*read("claude_code/tool_denied_by_a_hook.otlp.json"))
    tool = next(s for s in now.values() if s.kind == "tool_call")

    assert ("error", "denied", "denied by hook") == (
        tool.status,
        tool.error_type,
        tool.error_message,
    )


def test_content_in_a_log_event_completes_its_span():
    """EVENT_ONLY puts the messages into a log record that names the span."""
    event = read("otel_genai/content_in_a_log_event.otlp.json")[0]
    span = replace(
        read("otel_genai/content_not_recorded.otlp.json")[0],
        span_id=event.parent_span_id,
        trace_id=event.trace_id,
    )
    now = outcome(span, event)

    assert 1 == len(now)
    assert event.output_messages == now[span.span_id].output_messages

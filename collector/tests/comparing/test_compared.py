"""Two runs out of the store, over HTTP, and replays that are kept beside their runs."""

import orjson
import pytest

from tellwhy_collector import testing
from tellwhy_collector.testing import (
    START_NS,
    post,
    rows,
    send,
    span,
    span_id,
    trace_id,
    traces,
    wait_until_explained,
)

NAMES = ("SELECT change, moved, before_decision_id IS NOT NULL, after_decision_id IS NOT NULL"
         " FROM branch_decisions ORDER BY place")  # fmt: skip


@pytest.fixture
def running(tmp_path):
    """A collector."""
    with testing.collector(tmp_path) as running:
        yield running


def said(role, *parts):
    return {"role": role, "parts": list(parts)}


def text(content):
    return {"type": "text", "content": content}


def calling(name, **arguments):
    return {"type": "tool_call", "id": span_id(), "name": name, "arguments": arguments}


def run(*answers, model="small-1", system="Help.", rain="rain", branch=None):
    """Spans of a run: an agent, and a model call for each answer."""
    trace, agent = trace_id(), span_id()
    about = {"tellwhy.step.kind": "agent", "gen_ai.operation.name": "invoke_agent"}
    about |= {"gen_ai.agent.name": "desk", "tellwhy.run.id": trace}
    if branch is not None:
        about["tellwhy.recording.branch"] = orjson.dumps(branch).decode()
    found = [span(about, traceId=trace, spanId=agent, name="invoke_agent desk")]
    history = [said("user", text("A room, please."))]
    for at, part in enumerate(answers):
        answer = [said("assistant", part) | {"finish_reason": "stop"}]
        attributes = {
            "tellwhy.step.kind": "model_call",
            "tellwhy.run.id": trace,
            "gen_ai.agent.name": "desk",
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": model,
            "gen_ai.system_instructions": orjson.dumps([text(system)]).decode(),
            "gen_ai.input.messages": orjson.dumps(history).decode(),
            "gen_ai.output.messages": orjson.dumps(answer).decode(),
        }
        start = START_NS + at * 10**9
        times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**8)}
        found.append(span(attributes, traceId=trace, parentSpanId=agent, **times))
        result = {"type": "tool_call_response", "id": part.get("id"), "response": rain}
        history = [*history, said("assistant", part), said("tool", result)]
    return trace, found


def told(running, before, after):
    """What the API says of two runs."""
    url = f"{running.http_url}/api/compare?before={before}&after={after}"
    return send(url, b"", None, {}, "GET").json()


def test_two_runs_are_told_beside_each_other(running):
    """Heads, pairs, what changed in the arguments, and what the model saw otherwise."""
    one, first = run(calling("look", city="Oslo"), calling("book", city="Oslo"), text("Done."))
    other, second = run(
        calling("look", city="Oslo"), calling("book", city="Voss"), text("Done."), rain="snow"
    )
    post(running.ingest, traces(first + second))
    wait_until_explained(running.store)
    found = told(running, one, other)

    assert (True, one, other) == (found["ok"], found["before"]["run_id"], found["after"]["run_id"])
    assert ["same", "arguments", "same"] == [pair["change"] for pair in found["pairs"]]
    assert (1, {"same": 2, "arguments": 1}) == (found["first"], found["counts"])
    changed = found["pairs"][1]
    assert [{"path": "$.city", "before": "Oslo", "after": "Voss"}] == changed["differences"]
    assert ("book", {"city": "Voss"}) == (changed["after"]["chosen"], changed["after"]["arguments"])
    assert [[], ["messages"], ["messages"]] == [pair["saw"] for pair in found["pairs"]]
    assert found["branch"] is None


def test_what_the_model_saw_is_told_by_part(running):
    """Another model and other instructions, though it chose the same."""
    one, first = run(text("Done."))
    other, second = run(text("Done."), model="small-2", system="Help fast.")
    post(running.ingest, traces(first + second))
    wait_until_explained(running.store)

    assert [["model", "system"]] == [pair["saw"] for pair in told(running, one, other)["pairs"]]


def test_what_cannot_be_compared_says_what_to_do(running):
    """One run missing in the question, one that nobody knows."""
    missing = send(f"{running.http_url}/api/compare?before=x", b"", None, {}, "GET")
    unknown = send(f"{running.http_url}/api/compare?before=x&after=y", b"", None, {}, "GET")

    assert (400, 404) == (missing.status, unknown.status)
    assert "Ask ?before=…&after=…" in missing.json()["error"]
    assert "There is no run 'x'" in unknown.json()["error"]


def test_the_read_token_is_wanted_where_there_is_one(tmp_path):
    """The same door as SQL."""
    with testing.collector(tmp_path, read_token="s" * 32) as running:
        answer = send(f"{running.http_url}/api/compare?before=x&after=y", b"", None, {}, "GET")

    assert 401 == answer.status


@pytest.mark.parametrize("replay_first", [False, True])
def test_a_replay_is_kept_beside_its_run(running, replay_first):
    """Whichever arrives first; with what was edited and where it went live."""
    one, first = run(calling("look", city="Oslo"), calling("book", city="Oslo"), text("Done."))
    edits = {"$.model": "small-2"}
    branch = {"run_id": one, "from": first[2]["spanId"], "edits": edits, "live_tools": ["book"]}
    other, second = run(calling("look", city="Oslo"), text("No room."), branch=branch)
    for spans in (second, first) if replay_first else (first, second):
        post(running.ingest, traces(spans))
        wait_until_explained(running.store)

    assert [(other, one, one, first[2]["spanId"], '{"$.model":"small-2"}', '["book"]', 3, 1, 1)] == (
        rows(running.store, "SELECT run_id, parent_run_id, parent_trace_id, from_span_id, edits,"
             " live_tools, pairs, same, first_place FROM branches")
    )  # fmt: skip
    assert [("same", False, True, True), ("only_before", False, True, False)] == (
        rows(running.store, NAMES)[:2]
    )
    said_of_it = told(running, one, other)["branch"]
    assert {
        "from_span_id": first[2]["spanId"],
        "edits": edits,
        "live_tools": ["book"],
    } == said_of_it


def test_a_replay_is_compared_again_when_its_run_changes(running):
    """A step of the recorded run came late."""
    one, first = run(calling("look", city="Oslo"), text("Done."))
    other, second = run(calling("look", city="Oslo"), text("Done."), branch={"run_id": one})
    late = first.pop()
    post(running.ingest, traces(first + second))
    wait_until_explained(running.store)
    before = rows(running.store, "SELECT pairs, same FROM branches WHERE run_id = ?", [other])
    post(running.ingest, traces([late]))
    wait_until_explained(running.store)
    after = rows(running.store, "SELECT pairs, same FROM branches WHERE run_id = ?", [other])

    assert ([(2, 1)], [(2, 2)]) == (before, after)
    assert [(2,)] == rows(running.store, "SELECT count(*) FROM branch_decisions")


def test_a_replay_of_a_run_that_is_not_here_is_kept_alone(running):
    """Nothing to compare with; what it replays is told all the same."""
    _, spans = run(text("Done."), branch={"run_id": "elsewhere"})
    post(running.ingest, traces(spans))
    wait_until_explained(running.store)

    assert [("elsewhere", None, None)] == rows(
        running.store, "SELECT parent_run_id, parent_trace_id, pairs FROM branches"
    )


@pytest.mark.parametrize("value", ["no JSON", "[1]", '{"run_id": 5}'])
def test_what_is_no_branch_makes_none(running, value):
    """Whoever writes the attribute."""
    about = {"tellwhy.step.kind": "agent", "tellwhy.recording.branch": value}
    post(running.ingest, traces([span(about)]))
    wait_until_explained(running.store)

    assert [] == rows(running.store, "FROM branches")

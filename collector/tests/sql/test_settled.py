"""runs and decisions at any moment say what is computed from all steps at once."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tellwhy_collector import renormalise
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import START_NS, open_store, post, rows, span, traces

PAIRS = (("run_facts()", "runs_of"), ("decision_facts()", "decisions_of"))


def both(store, view, macro):
    """What *view* says, and what is computed from everything."""
    return (
        rows(store, f"SELECT * FROM {view} ORDER BY ALL"),
        rows(store, f"SELECT * FROM {macro}('steps') ORDER BY ALL"),
    )


def check(store):
    for view, macro in PAIRS:
        said, computed = both(store, view, macro)
        assert computed == said


def call(trace, number, *, ended=True, offset=0):
    """A span of a run: an agent, or a model call that chose a tool, or the tool."""
    start = START_NS + (number * 10 + offset) * 10**9
    chosen = {"type": "tool_call", "id": f"c{number % 4}", "name": "look", "arguments": {"n": 1}}
    kinds = (
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": f"a{number}"},
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": f"m{number % 3}",
            "gen_ai.response.id": f"r{number // 2}",
            "gen_ai.usage.input_tokens": number,
            "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": [chosen]}]),
        },
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "look",
            "gen_ai.tool.call.id": f"c{number % 4}",
        },
        {"http.route": "/"},
    )
    return span(
        kinds[number % 4],
        traceId=f"{trace:032x}",
        spanId=f"{number + 1:016x}",
        parentSpanId="" if number == 0 else f"{1:016x}",
        startTimeUnixNano=str(start),
        endTimeUnixNano=str(start + 5 * 10**9) if ended else "0",
    )


MOVES = st.lists(
    st.one_of(
        st.tuples(
            st.just("send"), st.integers(1, 3), st.integers(0, 11), st.booleans(), st.integers(0, 1)
        ),
        st.tuples(st.just("settle"), st.sets(st.integers(1, 3))),
    ),
    min_size=1,
    max_size=14,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(moves=MOVES)
def test_the_views_are_exact_at_any_moment(store, moves):
    """Late, pending, ended, repeated and duplicate records, settled at any time or not."""
    cursor = store.cursor()
    for table in ("spans", "steps", "step_duplicates", "ingest_requests", "open_traces", "settled_traces", "run_rows", "decision_rows"):  # fmt: skip
        cursor.execute(f"DELETE FROM {table}")
    ingest = Ingest(store, Settings(), normalise)
    ingest.start()
    try:
        for move in moves:
            if move[0] == "send":
                _, trace, number, ended, offset = move
                post(ingest, traces([call(trace, number, ended=ended, offset=offset)]))
            else:
                cursor.execute("BEGIN")
                settle(cursor, [f"{trace:032x}" for trace in move[1]])
                cursor.execute("COMMIT")
        # Only here: any list of moves may end at any moment, and a look takes 0.1 s.
        check(store)
        cursor.execute("BEGIN")
        settle(cursor, [f"{trace:032x}" for trace in (1, 2, 3)])
        cursor.execute("COMMIT")
    finally:
        ingest.stop()
        cursor.close()
    check(store)
    assert [(0,)] == rows(store, "SELECT count(*) FROM open_traces")
    assert rows(store, "SELECT count(*) FROM run_rows") == rows(store, "SELECT count(*) FROM runs")


def test_a_commit_meanwhile_keeps_its_trace_open(store, ingest):
    """What came after the settler looked is computed, not read from what it wrote."""
    post(ingest, traces([call(1, 0), call(1, 1)]))
    cursor = store.cursor()
    cursor.execute("BEGIN")
    settle(cursor, [f"{1:032x}"])
    post(ingest, traces([call(1, 2), call(1, 5)]))
    cursor.execute("COMMIT")
    cursor.close()

    assert [(1,)] == rows(store, "SELECT count(DISTINCT trace_id) FROM open_traces")
    assert [(4,)] == rows(store, "SELECT steps FROM runs")
    check(store)


def test_what_a_killed_process_left_open_is_settled_at_the_next_start(tmp_path):
    """Open is on disk with the steps; nothing has to be remembered."""
    path = tmp_path / "tests.duckdb"
    opened = open_store(path)
    first = Ingest(opened, Settings(), normalise)
    first.start()
    post(first, traces([call(1, 0), call(1, 1), call(2, 1)]))
    first.stop()
    assert [(2,)] == rows(opened, "SELECT count(*) FROM open_traces")
    second = Ingest(opened, Settings(), normalise, on_quiet=settle)
    second.start()
    second.stop()

    assert [(0,)] == rows(opened, "SELECT count(*) FROM open_traces")
    assert [(2,)] == rows(opened, "SELECT count(*) FROM run_rows")
    check(opened)
    opened.close()
    renormalise.rebuild(Settings(database=path))
    again = open_store(path)
    assert [(0, 2)] == rows(
        again, "SELECT (SELECT count(*) FROM open_traces), (SELECT count(*) FROM run_rows)"
    )
    check(again)
    again.close()


def test_an_older_file_begins_with_every_trace_open(tmp_path):
    """Steps from before these tables are computed until they are settled."""
    path = tmp_path / "tests.duckdb"
    opened = open_store(path)
    ingest = Ingest(opened, Settings(), normalise)
    ingest.start()
    post(ingest, traces([call(1, 0), call(1, 1), call(2, 1)]))
    ingest.stop()
    cursor = opened.cursor()
    for name in ("runs", "decisions", "open_steps", "conversations"):
        cursor.execute(f"DROP VIEW IF EXISTS {name}")
    for name in ("open_traces", "settled_traces", "run_rows", "decision_rows"):
        cursor.execute(f"DROP TABLE {name}")
    cursor.execute("DELETE FROM schema_versions WHERE number = 3")
    cursor.close()
    opened.close()
    again = open_store(path)

    assert [(2,)] == rows(again, "SELECT count(*) FROM open_traces")
    assert [(2,)] == rows(again, "SELECT count(*) FROM runs")
    check(again)
    again.close()


@pytest.mark.parametrize(("parent", "outcome"), [("t", "denied"), ("root", "succeeded")])
def test_a_tool_that_was_denied_inside_was_denied(views, parent, outcome):
    """It asked and returned the refusal; one that ran against a gate outside it did run."""
    choice = [{"action": "tool_call", "name": "pay", "tool_call_id": "c1", "arguments": {}}]
    views.put(
        views.make("root", "agent", end=90, parent_span_id=None),
        views.make("m", start=1, chosen=choice),
        views.make("t", "tool_call", start=20, end=30, tool_call_id="c1"),
        views.make(
            "h",
            "human",
            start=21,
            end=22,
            tool_call_id="c1",
            approval_decision="denied",
            parent_span_id=parent,
        ),
    )

    assert (outcome,) == views.one("decisions", "outcome")


def test_a_trace_on_which_our_code_fails_does_not_hold_up_the_others(views, caplog):
    """One malformed trace is counted and said; the other one is settled, and both can be read."""
    odd = views.make("1" * 16, trace_id="b" * 32, run_id="b" * 32, chosen=["not an action"])
    views.put(odd, views.make("2" * 16))

    done = settle(views.cursor, ["a" * 32, "b" * 32])

    assert (2, 1) == (done.traces, done.failed)
    assert "b" * 32 in caplog.text
    assert ["a" * 32, "b" * 32] == sorted(run for (run,) in views.rows("runs", "run_id"))

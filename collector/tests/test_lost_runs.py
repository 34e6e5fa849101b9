"""Runs that are under way, runs whose process died, and what replaces what."""

import itertools

import pytest

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.renormalise import rebuild
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    START_NS,
    logs,
    open_store,
    pairs,
    post,
    rows,
    span,
    trace_id,
    traces,
)

INSTANCE = "b" * 32
HERE = {"tellwhy.process.instance": INSTANCE}
AGENT = {"tellwhy.step.kind": "agent", "gen_ai.agent.name": "shop"}
TOOL = {
    "tellwhy.step.kind": "tool_call",
    "gen_ai.tool.name": "refund",
    "gen_ai.tool.call.arguments": '{"order":"4411"}',
}
CALL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
LOST = {"error.type": "process_died", "tellwhy.lost": True, "tellwhy.lost.reason": "killed"}


class Run:
    """An agent in a tool, and the records that a tracer sends of it."""

    def __init__(self):
        self.trace = trace_id()

    def span(self, place, facts, **changes):
        """The agent (1) or a step in it."""
        return span(
            facts | HERE,
            traceId=self.trace,
            spanId=f"{place:016x}",
            parentSpanId="" if place == 1 else f"{1:016x}",
            startTimeUnixNano=str(START_NS + place),
            **changes,
        )

    def pending(self, place, facts):
        """It has started."""
        return self.span(place, facts | {"tellwhy.pending": True}, endTimeUnixNano="0")

    def lost(self, place, facts, reason="killed"):
        """Its process has ended."""
        facts = facts | LOST | {"tellwhy.lost.reason": reason}
        return self.span(place, facts, status={"code": 2, "message": f"({reason})"})

    def ended(self, place, facts):
        """It has ended."""
        return self.span(place, facts | {"tellwhy.sequence": place})


def beat(reason=None, after_s=0, **said):
    """A heartbeat of the process; *reason* is how it ended."""
    facts = HERE | {"tellwhy.open_spans": 2, "tellwhy.heartbeat_interval_s": 5.0} | said
    if reason:
        facts["tellwhy.process.ended"] = reason
    record = {
        "timeUnixNano": str(START_NS + int(after_s * 1e9)),
        "eventName": "tellwhy.heartbeat",
        "attributes": pairs(facts),
    }
    request = logs([record], service="shop")
    request["resourceLogs"][0]["scopeLogs"][0]["scope"]["name"] = "tellwhy"
    return request


def time_passes(store, seconds):
    """Nothing is heard for so long."""
    cursor = store.cursor()
    for table, column in (("processes", "last_heard_at"), ("watching", "started_at")):
        cursor.execute(f"UPDATE {table} SET {column} = {column} - to_seconds({seconds})")
    cursor.close()


def settled(store):
    """Work everything out, as the settler does when a trace is quiet."""
    cursor = store.cursor()
    cursor.execute("BEGIN")
    settle(cursor, [row[0] for row in rows(store, "SELECT DISTINCT trace_id FROM steps")])
    cursor.execute("COMMIT")
    cursor.close()


def runs(store):
    return rows(store, "SELECT status, lost_reason, died_in FROM runs")


@pytest.fixture(params=[False, True], ids=["open", "settled"])
def rested(request, store):
    """Ask before and after the trace was worked out: the answer is the same."""
    return (lambda: settled(store)) if request.param else (lambda: None)


@pytest.mark.parametrize("order", [*itertools.permutations(("pending", "lost", "ended"))])
@pytest.mark.parametrize("how", ["together", "apart", "restarted", "settled"])
def test_a_real_end_stays_whatever_the_order(tmp_path, order, how):
    """Before a stated one, that before a start; across restarts and after settling."""
    store, run = open_store(tmp_path / "x.duckdb"), Run()
    records = [getattr(run, name)(1, AGENT) for name in order]
    ingest = Ingest(store, Settings(), normalise)
    ingest.start()
    for record in [records] if how == "together" else [[one] for one in records]:
        post(ingest, traces(record))
        if how == "restarted":
            ingest.stop()
            ingest = Ingest(store, Settings(), normalise)
            ingest.start()
        if how == "settled":
            settled(store)
    ingest.stop()

    assert [(None, 1)] == rows(store, "SELECT lost_reason, sequence FROM spans")
    assert [("ok", None)] == rows(store, "SELECT status, lost_reason FROM steps")
    assert [("succeeded", None, None)] == runs(store)
    store.close()


@pytest.mark.parametrize("forgetful", [False, True])
def test_a_lost_end_beyond_memory_gives_way_to_the_real_one(tmp_path, forgetful):
    """The table is asked where memory does not reach."""
    store, run = open_store(tmp_path / "x.duckdb"), Run()
    chosen = Settings(recent_spans=1 if forgetful else 100)
    ingest = Ingest(store, chosen, normalise)
    ingest.start()
    post(ingest, traces([run.lost(1, AGENT)]))
    for _ in range(5):
        post(ingest, traces([span()]))
    post(ingest, traces([run.lost(1, AGENT | {"again": 1}), run.ended(1, AGENT)]))
    ingest.stop()

    found = "SELECT lost_reason FROM spans WHERE trace_id = ?"
    assert [(None,)] == rows(store, found, [run.trace])
    store.close()


def test_a_start_that_says_more_replaces_the_first(ingest, store):
    """What was known late, as the arguments of a tool; one that says less comes too late."""
    run = Run()
    post(
        ingest, traces([run.pending(1, AGENT), run.pending(2, {"tellwhy.step.kind": "tool_call"})])
    )
    post(ingest, traces([run.pending(2, TOOL)]))
    post(ingest, traces([run.pending(2, {"tellwhy.step.kind": "tool_call"})]))

    assert [('{"order":"4411"}',)] == rows(
        store, "SELECT tool_arguments FROM steps WHERE kind = 'tool_call'"
    )


def test_a_run_under_way_shows_when_its_process_was_last_heard(ingest, store, rested):
    """That tells slow from dead."""
    run = Run()
    post(ingest, beat(), "logs")
    post(ingest, traces([run.pending(1, AGENT), run.pending(2, TOOL)]))
    rested()

    assert [("running", None, None, True)] == rows(
        store,
        "SELECT status, lost_reason, died_in, last_seen > now()::timestamp - INTERVAL 9 SECOND FROM runs",
    )


@pytest.mark.parametrize("reason", ["killed", "SIGTERM", "exit"])
def test_a_run_whose_process_died_is_lost(ingest, store, rested, reason):
    """With the step that it died in and its arguments."""
    run = Run()
    post(ingest, traces([run.pending(1, AGENT), run.pending(2, TOOL)]))
    rested()
    post(ingest, traces([run.lost(1, AGENT, reason), run.lost(2, TOOL, reason)]))
    rested()

    assert [("lost", reason, "refund", f"{2:016x}", "process_died")] == rows(
        store, "SELECT status, lost_reason, died_in, died_in_span_id, error_type FROM runs"
    )
    assert [("shop",), ("refund",)] == rows(
        store, "SELECT coalesce(tool_name, agent_name) FROM failures ORDER BY start_ns"
    )
    assert [("tool_call", "refund", '{"order":"4411"}', reason)] == rows(
        store, "SELECT died_in_kind, died_in, died_in_arguments, lost_reason FROM lost_runs"
    )


def test_a_step_that_died_in_another_process_does_not_lose_the_run(ingest, store, rested):
    """The agent got over it."""
    run = Run()
    post(ingest, traces([run.lost(2, TOOL), run.ended(1, AGENT)]))
    rested()

    assert [("succeeded", None, None)] == runs(store)
    assert [("process_died", True)] == rows(store, "SELECT error_type, recovered FROM failures")


def test_a_silent_process_loses_its_runs_until_it_speaks(ingest, store, rested):
    """Nobody says that it died, so nothing is written down."""
    run = Run()
    post(ingest, beat(), "logs")
    post(ingest, traces([run.pending(1, AGENT), run.pending(2, TOOL)]))
    rested()
    time_passes(store, 29)
    assert [("running", None, None)] == runs(store)
    time_passes(store, 2)
    assert [("lost", "silent", "refund")] == runs(store)
    assert [("refund", '{"order":"4411"}')] == rows(
        store, "SELECT died_in, died_in_arguments FROM lost_runs"
    )
    assert [(INSTANCE, 2)] == rows(store, "SELECT instance, open_spans FROM silent_processes")
    assert [("process_silent", "shop"), ("process_silent", "refund")] == rows(
        store, "SELECT error_type, coalesce(tool_name, agent_name) FROM failures ORDER BY start_ns"
    )

    post(ingest, beat(after_s=60), "logs")
    assert [("running", None, None)] == runs(store)
    assert [] == rows(store, "SELECT * FROM failures")
    post(ingest, traces([run.ended(1, AGENT), run.ended(2, TOOL)]))
    rested()

    assert [("succeeded", None, None)] == runs(store)


def test_a_slow_heart_is_waited_for(ingest, store):
    """Three of its own intervals, when they are longer."""
    post(ingest, beat(**{"tellwhy.heartbeat_interval_s": 60.0}), "logs")
    post(ingest, traces([Run().pending(1, AGENT)]))
    time_passes(store, 170)
    assert [("running", None, None)] == runs(store)
    time_passes(store, 20)

    assert [("lost", "silent", "shop")] == runs(store)


def test_nobody_is_silent_before_somebody_listens(ingest, store):
    """A collector that was away for an hour gives everybody time to speak."""
    post(ingest, traces([Run().pending(1, AGENT)]))
    time_passes(store, 3600)
    assert [("lost", "silent", "shop")] == runs(store)
    ingest.stop()
    again = Ingest(store, Settings(lost_after_s=40), normalise)

    assert [("running", None, None)] == runs(store)
    assert [(40.0,)] == rows(store, "SELECT lost_after_s FROM watching")
    again.start()
    again.stop()


def test_a_process_that_has_ended_loses_what_it_left_open(ingest, store, rested):
    """At once, although the records of its lost steps have not come."""
    run = Run()
    post(ingest, traces([run.pending(1, AGENT), run.pending(2, TOOL)]))
    rested()
    post(ingest, beat("SIGTERM", 1), "logs")

    assert [("lost", "SIGTERM", "refund")] == runs(store)


def test_a_run_of_a_sender_without_heartbeats_is_never_silent(ingest, store):
    """Nothing is known of its process."""
    pending = span({"gen_ai.operation.name": "invoke_agent"}, endTimeUnixNano="0")
    post(ingest, traces([pending]))
    time_passes(store, 3600)

    assert [("running", None, None)] == runs(store)


def test_a_run_that_stood_in_several_steps_names_the_innermost(ingest, store):
    """Parallel tools, one with a call inside; an agent that waits is named only alone."""
    run = Run()
    spans = [
        run.lost(1, AGENT),
        run.lost(2, TOOL),
        run.lost(3, TOOL | {"gen_ai.tool.name": "ship"}),
    ]
    inner = run.lost(4, CALL)
    spans.append({**inner, "parentSpanId": f"{3:016x}"})
    spans.append({**run.lost(5, {"http.route": "/"}), "parentSpanId": f"{2:016x}"})
    post(ingest, traces(spans))

    assert [("lost", "killed", "m, refund")] == runs(store)


def test_lost_runs_are_understood_again(ingest, store):
    """`renormalise` gives the same."""
    run = Run()
    post(ingest, traces([run.lost(1, AGENT), run.lost(2, TOOL)]))
    pending = Run()
    post(ingest, traces([pending.pending(1, AGENT)]))
    ingest.stop()
    asked = "SELECT status, lost_reason, died_in, last_seen IS NULL FROM runs ORDER BY ALL"
    before = rows(store, asked)
    store.close()
    rebuild(Settings(database=store.path))
    again = open_store(store.path)

    assert before == rows(again, asked) != []
    again.close()

"""What was settled is looked at soon, again when it changes, and after a restart."""

import orjson

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.explaining import CALLS_AT_ONCE, cases_of, explain
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    START_NS,
    collector,
    open_store,
    post,
    rows,
    span,
    span_id,
    trace_id,
    traces,
    wait_until_explained,
)

TRACE = trace_id()
CONTEXTS = "SELECT span_id, previous_span_id, kept_messages, new_messages FROM call_contexts ORDER BY start_ns"


def message(text, role="user"):
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def call(name, at_s, texts):
    """A model call that was shown these texts."""
    attributes = {
        "gen_ai.operation.name": "chat",
        "gen_ai.input.messages": orjson.dumps([message(text) for text in texts]).decode(),
        "gen_ai.output.messages": orjson.dumps(
            [message("fine", "assistant") | {"finish_reason": "stop"}]
        ).decode(),
    }
    start = START_NS + at_s * 10**9
    times = {"startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9)}
    return span(attributes, traceId=TRACE, spanId=name, **times)


FIRST, SECOND = span_id(), span_id()


def test_calls_are_told_as_what_is_new_in_them(collector):
    """And told again when an earlier call comes late."""
    post(collector.ingest, traces([call(SECOND, 2, ["a", "b", "c"])]))
    wait_until_explained(collector.store)
    assert [(SECOND, None, 0, 3)] == rows(collector.store, CONTEXTS)

    post(collector.ingest, traces([call(FIRST, 1, ["a"])]))
    wait_until_explained(collector.store)
    assert [(FIRST, None, 0, 1), (SECOND, FIRST, 1, 2)] == rows(collector.store, CONTEXTS)
    assert 2 == collector.ingest.explainer.done


def test_what_was_due_at_the_end_is_looked_at_after_the_next_start(tmp_path):
    """What is due stands in the file."""
    path = tmp_path / "due.duckdb"
    store = open_store(path)
    taking = Ingest(store, Settings(), normalise, on_quiet=settle)
    taking.start()
    post(taking, traces([call(FIRST, 1, ["a"])]))
    taking.stop()
    assert [(TRACE,)] == rows(store, "SELECT trace_id FROM unexplained")
    store.close()

    with collector(tmp_path, database=path) as running:
        wait_until_explained(running.store)
        assert [(FIRST, None, 0, 1)] == rows(running.store, CONTEXTS)


def test_a_case_holds_a_run_as_the_views_tell_it(collector):
    """Steps without the messages, decisions, contexts."""
    post(collector.ingest, traces([call(FIRST, 1, ["a"])]))
    wait_until_explained(collector.store)
    cursor = collector.store.cursor()
    (case,) = cases_of(cursor, TRACE)
    cursor.close()

    assert (TRACE, "succeeded") == (case.run["run_id"], case.run["status"])
    assert ([FIRST], None) == ([s.span_id for s in case.steps], case.steps[0].input_messages)
    assert [("answer", "fine")] == [(d.action, d.answer_text) for d in case.decisions]
    assert [message("a")] == case.contexts[FIRST].new


def test_the_suspects_of_a_run_stand_in_their_table(collector):
    """One row for each of its turns, replaced when the run is looked at again."""
    post(collector.ingest, traces([call(FIRST, 1, ["a"])]))
    wait_until_explained(collector.store)
    post(collector.ingest, traces([call(SECOND, 2, ["a", "b"])]))
    wait_until_explained(collector.store)

    ranked = rows(collector.store, "SELECT span_id, rank, share FROM suspects ORDER BY rank")
    assert [(FIRST, 0, 0.5), (SECOND, 1, 0.5)] == ranked


def test_a_trace_that_cannot_be_looked_at_does_not_stop_the_others(store, caplog):
    """It is counted, logged, and due no more until it changes."""
    other = call(span_id(), 1, ["b"]) | {"traceId": trace_id()}

    def act(cursor, trace_ids):
        if TRACE in trace_ids:
            raise ValueError("not this one")
        explain(cursor, trace_ids)

    taking = Ingest(store, Settings(), normalise, on_quiet=settle, on_settled=act)
    taking.start()
    post(taking, traces([call(FIRST, 1, ["a"]), other]))
    wait_until_explained(store)
    taking.stop()

    assert [(other["spanId"], None, 0, 1)] == rows(store, CONTEXTS)
    assert 1 == taking.explainer.failed
    assert "could not be looked at" in caplog.text


def test_traces_that_are_read_together_stay_apart(store):
    """More than one go of them, all with one and the same run id."""
    run = {"key": "tellwhy.run.id", "value": {"stringValue": "r"}}
    sent = [
        [call(span_id(), at_s, ["a", "b"][:at_s]) | {"traceId": one} for at_s in (1, 2)]
        for one in (trace_id() for _ in range(CALLS_AT_ONCE // 2 + 2))
    ]
    for each in sent:
        for one in each:
            one["attributes"].append(run)
    taking = Ingest(store, Settings(), normalise, on_quiet=settle)
    taking.start()
    post(taking, traces([one for each in sent for one in each]))
    taking.stop()
    cursor = store.cursor()
    cursor.execute("BEGIN")
    done = explain(cursor, [each[0]["traceId"] for each in sent])
    cursor.execute("COMMIT")
    cursor.close()

    assert (len(sent), 0) == (done.traces, done.failed)
    assert [(0,)] == rows(store, "SELECT count(*) FROM unexplained")
    expected = {(b["traceId"], b["spanId"], a["spanId"], 1, 1) for a, b in sent}
    assert expected == set(
        rows(
            store,
            "SELECT trace_id, span_id, previous_span_id, kept_messages, new_messages "
            "FROM call_contexts WHERE previous_span_id IS NOT NULL",
        )
    )

import threading
import time
from concurrent.futures import wait
from dataclasses import replace

import duckdb
import orjson
import pytest

from tellwhy_collector.dialects import normalise
from tellwhy_collector.errors import MalformedExport, QueueFull, StoreUnavailable
from tellwhy_collector.ingest import Batch, Ingest, Item
from tellwhy_collector.ingest.columns import (
    SPANS,
    Layout,
    span_row,
    step_row,
)
from tellwhy_collector.ingest.names import Names
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    batch,
    logs,
    metrics,
    post,
    record,
    rows,
    span,
    traces,
)


def test_an_answer_means_that_span_and_step_are_there(ingest, store):
    """Both are committed in one transaction before the sender is answered."""
    sent = span({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})

    assert 0 == post(ingest, traces([sent])).rejected
    assert [(sent["traceId"], "m")] == rows(store, "SELECT trace_id, request_model FROM spans")
    assert [(sent["spanId"], "ok")] == rows(store, "SELECT span_id, status FROM steps")


def test_logs_and_metrics_are_stored(ingest, store):
    """All three signals take the same way."""
    point = {"timeUnixNano": "1000", "asInt": "5", "attributes": []}
    post(ingest, logs([{"timeUnixNano": "1000", "body": {"stringValue": "hello"}}]), "logs")
    post(ingest, metrics([{"name": "n", "sum": {"dataPoints": [point]}}]), "metrics")

    assert [("hello", 1000)] == rows(store, "SELECT body, time_ns FROM logs")
    assert [("n", "sum", 5.0)] == rows(store, "SELECT name, kind, value FROM metric_points")


def test_a_record_that_fits_no_column_costs_only_itself(ingest, store):
    """Its batch-mates and the requests beside it are stored; its sender is told."""
    good = record()
    poison = batch(good, record(name="poison"))
    row = list(poison.items[1].row)
    row[SPANS.names.index("flags")] = -1
    poison.items[1].row = tuple(row)

    outcomes = [ingest.put(one) for one in (batch(record()), poison, batch(record()))]

    assert [0, 1, 0] == [one.result(30).rejected for one in outcomes]
    assert "cannot be stored" in outcomes[1].result().message
    assert [(3,)] == rows(store, "SELECT count(*) FROM spans")
    assert [(1,)] == rows(store, "SELECT count(*) FROM spans WHERE span_id = ?", [good.span_id])


def test_a_step_that_fits_no_column_costs_only_the_step(ingest, store):
    """What the sender said is kept; what we made of it was our fault."""
    one = record()
    step = replace(normalise(one), input_tokens=2**70)
    put = Batch("traces", "h", 1, [Item(span_row(one, Layout(Names())), step_row(step))])

    assert 0 == ingest.put(put).result(30).rejected
    assert [(1, 0)] == rows(
        store, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM steps)"
    )


def test_a_dialect_that_fails_costs_only_the_step(store, caplog):
    """Dialects promise not to raise; ingest does not depend on it."""

    def broken(_record):
        raise KeyError("x")

    ingest = Ingest(store, Settings(), broken)
    ingest.start()

    assert 0 == post(ingest, traces([span()])).rejected
    ingest.stop()
    assert [(1, 0)] == rows(
        store, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM steps)"
    )


def test_malformed_bodies_reach_their_sender_only(ingest, store):
    """The error travels in that request's future."""
    bad = ingest.submit(b"{", signal="traces", encoding="json")
    good = ingest.submit(orjson.dumps(traces([span()])), signal="traces", encoding="json")

    with pytest.raises(MalformedExport):
        bad.result(30)
    assert 0 == good.result(30).rejected


def test_the_queue_is_bounded_in_bytes(store):
    """More is refused at once, and what is given back can be taken again."""
    limits = Settings(max_queue_bytes=2048, max_body_bytes=1024)
    ingest = Ingest(store, limits, normalise)
    with ingest.ticket() as first, ingest.ticket() as second:
        first.grow(1500)
        with pytest.raises(QueueFull, match="1,500 bytes wait for the writer; the limit is 2,048"):
            second.grow(600)
        second.grow(548)
        assert "wait for the writer" in (ingest.trouble or "") or not ingest.writer.alive
        assert 2048 == ingest.held_bytes

    assert 0 == ingest.held_bytes
    ingest.stop()


def test_what_was_taken_is_stored_before_the_end(store):
    """Stopping answers everybody who waits, then refuses."""
    ingest = Ingest(store, Settings(), normalise)
    ingest.start()
    waiting = [
        ingest.submit(orjson.dumps(traces([span()])), signal="traces", encoding="json")
        for _ in range(40)
    ]
    ingest.stop()

    assert [(40,)] == rows(store, "SELECT count(*) FROM spans")
    assert all(one.result(0).rejected == 0 for one in waiting)
    late = ingest.submit(b"{}", signal="traces", encoding="json")
    with pytest.raises(StoreUnavailable):
        late.result(5)


def test_requests_from_many_threads_are_grouped(ingest, store):
    """Whatever waits goes into one transaction; everybody is answered."""
    start = threading.Barrier(8)
    done = []

    def sender():
        start.wait()
        for _ in range(10):
            body = orjson.dumps(traces([span() for _ in range(3)]))
            done.append(ingest.submit(body, signal="traces", encoding="json"))

    threads = [threading.Thread(target=sender) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(done, 60)

    assert [(240,)] == rows(store, "SELECT count(*) FROM spans")
    assert ingest.counters.commits < ingest.counters.requests == 80


def test_a_caller_that_goes_away_does_not_stop_the_writer(ingest, store):
    """A disconnected client cancels its own waiting, nothing else."""
    one = ingest.submit(orjson.dumps(traces([span()])), signal="traces", encoding="json")

    assert not one.cancel()
    assert 0 == one.result(30).rejected
    assert 0 == post(ingest, traces([span()])).rejected


def until(condition, seconds=20.0):
    """Wait for *condition*, then give what it gave."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("The condition did not come true.")


def test_quiet_traces_are_worked_out_once(store):
    """The hook gets a cursor in a transaction and the touched traces, also of a process before."""
    calls = []

    def hook(cursor, traces_):
        cursor.execute("INSERT INTO step_duplicates VALUES ('t', 's', 'k', 'tests')")
        calls.append(sorted(traces_))

    sent = span()
    for wanted in (1, 2):
        ingest = Ingest(store, Settings(), normalise, on_quiet=hook)
        ingest.start()
        post(ingest, traces([sent]))
        until(lambda n=wanted: len(calls) == n)
        ingest.stop()

    assert [[sent["traceId"]]] * 2 == calls
    assert [(2,)] == rows(store, "SELECT count(*) FROM step_duplicates")


def test_a_failing_hook_is_rolled_back_and_counted(store, caplog):
    """It harms neither what is stored nor what comes."""

    def hook(cursor, _traces):
        cursor.execute("DELETE FROM steps")
        raise KeyError("x")

    ingest = Ingest(store, Settings(), normalise, on_quiet=hook)
    ingest.start()
    post(ingest, traces([span()]))
    until(lambda: ingest.settler.failed)

    assert 0 == post(ingest, traces([span()])).rejected
    assert [(2,)] == rows(store, "SELECT count(*) FROM steps")
    ingest.stop()


def test_an_end_does_not_wait_for_traces_that_take_long(store):
    """They are left, all of them, and the file can be closed at once."""
    begun, tried = threading.Event(), []

    def slow(cursor, traces):
        tried.append(len(traces))
        begun.set()
        cursor.execute("SELECT sum(a.range * b.range) FROM range(10000000) a, range(100000) b")

    taking = Ingest(store, Settings(), normalise, on_quiet=slow)
    taking.start()
    post(taking, traces([span(), span()]))
    assert begun.wait(20)
    before = time.monotonic()

    assert not taking.stop(settle_s=0.1)
    assert [2] == tried
    assert time.monotonic() - before < 10
    store.close()


def test_a_commit_that_meets_the_settler_waits_for_it(store):
    """The end of a span arrives while the settler writes its pending step: no error, one row."""
    inside, go_on = threading.Event(), threading.Event()

    def hook(cursor, _traces):
        if not inside.is_set():
            cursor.execute("UPDATE steps SET name = 'settled'")
            inside.set()
            go_on.wait(10)

    ingest = Ingest(store, Settings(), normalise, on_quiet=hook)
    ingest.start()
    ended = span()
    post(ingest, traces([{**ended, "endTimeUnixNano": "0"}]))
    assert inside.wait(10)
    waiting = ingest.submit(orjson.dumps(traces([ended])), signal="traces", encoding="json")
    threading.Timer(0.2, go_on.set).start()

    assert 0 == waiting.result(30).rejected
    ingest.stop()
    assert [("ok",)] == rows(store, "SELECT status FROM steps")


def test_trouble_of_the_database_is_told_as_come_again(store):
    """Nothing is half stored, and the next request is served."""
    ingest = Ingest(store, Settings(), normalise)
    ingest.start()
    cursor = store.cursor()
    cursor.execute("ALTER TABLE ingest_requests RENAME TO elsewhere")
    with pytest.raises(StoreUnavailable, match="Send again later"):
        post(ingest, traces([span()]))
    cursor.execute("ALTER TABLE elsewhere RENAME TO ingest_requests")

    assert 0 == post(ingest, traces([span()])).rejected
    assert [(1,)] == rows(store, "SELECT count(*) FROM spans")
    assert 1 == ingest.counters.failed_commits
    ingest.stop()


def test_a_lost_database_ends_the_writer_and_tells_the_process(store):
    """Never limp on: everybody is answered with 503 and the process is told to end."""
    told = []

    def lost(_cursor, _traces):
        raise duckdb.FatalException("FATAL Error: lost")

    ingest = Ingest(store, Settings(), normalise, on_quiet=lost, on_fatal=told.append)
    ingest.start()
    post(ingest, traces([span()]))
    until(lambda: told)

    assert "lost" in str(told[0])
    ingest.stop()

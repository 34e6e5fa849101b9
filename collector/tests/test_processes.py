"""Heartbeats, sequence numbers and gaps."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.ingest.group import Group
from tellwhy_collector.ingest.ledger import Ledger
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    batch,
    logs,
    open_store,
    pairs,
    post,
    record,
    rows,
    span,
    traces,
)

INSTANCE = "a" * 32
SECOND = 10**9
NOW = 1_780_000_000 * SECOND


def heartbeat(after_s=0, instance=INSTANCE, **said):
    """A log record as the tracer sends it."""
    attributes = {"tellwhy.process.instance": instance} | {
        ("process.pid" if name == "pid" else f"tellwhy.{name.replace('__', '.')}"): value
        for name, value in said.items()
    }
    return {
        "timeUnixNano": str(NOW + int(after_s * SECOND)),
        "eventName": "tellwhy.heartbeat",
        "attributes": pairs(attributes),
    }


def beats(*records):
    """A log request of our scope."""
    request = logs(records, service="shop")
    request["resourceLogs"][0]["scopeLogs"][0]["scope"]["name"] = "tellwhy"
    return request


def numbered(*numbers, instance=INSTANCE, **changes):
    """Spans with these sequence numbers."""
    return traces(
        [
            span(
                {"tellwhy.process.instance": instance, "tellwhy.sequence": number, "a": 1},
                **changes,
            )
            for number in numbers
        ]
    )


def long_ago(store):
    """Let a minute go by."""
    cursor = store.cursor()
    for table, column in (
        ("processes", "last_heard_at"),
        ("processes", "last_stored_at"),
        ("missing_spans", "since"),
        ("watching", "started_at"),
    ):
        cursor.execute(f"UPDATE {table} SET {column} = {column} - INTERVAL 1 MINUTE")
    cursor.close()


def gaps(store):
    return rows(store, "SELECT first_sequence, last_sequence FROM gaps ORDER BY ALL")


def test_a_heartbeat_is_a_row_of_processes_and_no_log(ingest, store):
    """One row a process, however often it speaks."""
    first = heartbeat(pid=7, sequence=3, open_spans=2, heartbeat_interval_s=5.0, dropped_spans=0)
    post(ingest, beats(first), "logs")
    post(ingest, beats(heartbeat(5, pid=7, sequence=9, open_spans=1, dropped_spans=4)), "logs")

    assert [(0,)] == rows(store, "SELECT count(*) FROM logs")
    assert [("shop", 7, 9, 1, 4, 5.0, None)] == rows(
        store,
        "SELECT service_name, pid, last_sequence, open_spans, dropped_spans, heartbeat_interval_s, "
        "ended_by FROM processes",
    )
    assert [(1, "logs")] * 2 == rows(store, "SELECT records, signal FROM ingest_requests")


def test_log_records_that_only_look_like_heartbeats_stay_logs(ingest, store):
    """Another scope, no instance, one that is too long."""
    post(ingest, logs([heartbeat()]), "logs")
    post(ingest, beats(heartbeat(instance="")), "logs")
    post(ingest, beats(heartbeat(instance="x" * 65)), "logs")

    assert [(3, 0)] == rows(
        store, "SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM processes)"
    )


SAID = (
    heartbeat(0, sequence=1, open_spans=2, spool_bytes=10),
    heartbeat(5, sequence=5, open_spans=1, spool_bytes=20, dropped_spans=1),
    heartbeat(9, sequence=6, open_spans=0, process__ended="killed"),
)


@pytest.mark.parametrize("order", [*itertools.permutations(range(3))])
def test_the_newest_heartbeat_counts_whatever_the_order(ingest, store, order):
    """What the newest leaves out is kept from an older one; a number is never lowered."""
    for place in order:
        post(ingest, beats(SAID[place]), "logs")
        post(ingest, beats(SAID[place]), "logs")

    (row,) = rows(
        store,
        "SELECT last_sequence, open_spans, dropped_spans, ended_by, epoch_ns(ended_at), "
        "epoch_ns(last_seen_at) FROM processes",
    )
    assert (6, 0, 1, "killed", NOW + 9 * SECOND, NOW + 9 * SECOND) == row


def test_a_process_that_speaks_again_has_not_ended(ingest, store):
    """It was taken for dead."""
    for said in (SAID[2], heartbeat(12, sequence=7, open_spans=1)):
        post(ingest, beats(said), "logs")

    assert [(None, None)] == rows(store, "SELECT ended_by, ended_at FROM processes")


def test_numbers_that_were_skipped_are_gaps_until_they_come(ingest, store):
    """After ten seconds; what comes late closes its part of the gap."""
    post(ingest, numbered(1, 2, 3, 7))
    post(ingest, numbered(12))
    assert [] == gaps(store)
    long_ago(store)
    assert [(4, 6), (8, 11)] == gaps(store)

    post(ingest, numbered(5, 8, 11))
    long_ago(store)

    assert [(4, 4), (6, 6), (9, 10)] == gaps(store)
    post(ingest, numbered(4, 6, 9, 10))
    assert [] == gaps(store)
    assert [(0,)] == rows(store, "SELECT count(*) FROM missing_spans")


def test_what_was_announced_and_never_came_is_a_gap(ingest, store):
    """With what the process says that it dropped."""
    post(ingest, numbered(1, 2))
    post(ingest, beats(heartbeat(sequence=5, dropped_spans=2, process__ended="exit")), "logs")
    assert [] == gaps(store)
    long_ago(store)

    assert [("shop", 3, 5, 3, 2, "exit")] == rows(
        store,
        "SELECT service_name, first_sequence, last_sequence, missing, dropped_spans, ended_by FROM gaps",
    )


def test_a_spool_that_is_still_being_sent_is_no_gap(ingest, store):
    """Numbers are announced long before their spans come, as after an hour without a collector."""
    post(ingest, beats(heartbeat(sequence=100)), "logs")
    long_ago(store)
    assert [(1, 100)] == gaps(store)
    post(ingest, numbered(1, 2))

    assert [] == gaps(store)


def test_a_number_on_a_pending_span_is_stored_with_the_span(ingest, store):
    """Process and number stand in columns, and are read back from there."""
    post(ingest, numbered(4))

    assert [(INSTANCE, 4, '{"a":1}')] == rows(
        store, "SELECT process_instance, sequence, attributes::JSON::VARCHAR FROM spans"
    )


def test_a_process_that_cannot_be_one_stays_in_the_attributes(ingest, store):
    """Nothing that a sender says is lost."""
    post(ingest, numbered(0, instance="x" * 65))
    post(ingest, numbered(-1, instance="b"))

    assert [(None, None), ("b", None)] == rows(
        store, "SELECT process_instance, sequence FROM spans ORDER BY ALL NULLS FIRST"
    )
    assert [(True,), (True,)] == rows(
        store, "SELECT contains(attributes::JSON::VARCHAR, 'tellwhy.sequence') FROM spans"
    )


def test_a_span_that_comes_again_is_no_gap(ingest, store):
    """The adopter of a spool sends what the process had sent already."""
    sent = numbered(1)
    post(ingest, sent)
    post(ingest, {"resourceSpans": [*sent["resourceSpans"], *numbered(2)["resourceSpans"]]})
    long_ago(store)

    assert [] == gaps(store)


def test_a_killed_collector_remembers_what_it_stored(store):
    """The row of a process is written once a second; the rest is read from the spans."""
    for numbers in ([1], [2, 3], [5]):
        group = Group(store.cursor(), 100, Ledger(60))
        attributes = {"tellwhy.process.instance": INSTANCE}
        group.commit(
            [batch(*(record(attributes=attributes | {"tellwhy.sequence": n}) for n in numbers))]
        )
    long_ago(store)

    assert [(4, 4)] == gaps(store)


NUMBERS = st.lists(st.integers(1, 30), max_size=6)
STEPS = st.lists(st.tuples(st.booleans(), st.lists(NUMBERS, min_size=1, max_size=3)), max_size=8)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=STEPS, announced=st.integers(0, 40))
def test_gaps_are_what_a_plain_set_says(tmp_path_factory, steps, announced):
    """Any order, any grouping, restarts between."""
    store = open_store(tmp_path_factory.mktemp("gaps") / "x.duckdb")
    stored = set()
    attributes = {"tellwhy.process.instance": INSTANCE}
    try:
        group = Group(store.cursor(), 100, Ledger(60))
        for restart, requests in steps:
            if restart:
                group = Group(store.cursor(), 100, Ledger(60))
            group.commit(
                [
                    batch(*(record(attributes=attributes | {"tellwhy.sequence": n}) for n in some))
                    for some in requests
                ]
            )
            stored.update(n for some in requests for n in some)
        ingest = Ingest(store, Settings(), normalise)
        ingest.start()
        post(ingest, beats(heartbeat(sequence=announced, process__ended="exit")), "logs")
        ingest.stop()
        long_ago(store)

        missing = {n for first, last in gaps(store) for n in range(first, last + 1)}
        assert set(range(1, max([announced, *stored]) + 1)) - stored == missing
    finally:
        store.close()


def test_the_newest_ranges_of_a_process_are_kept(store, monkeypatch):
    """A sender that skips every other number does not fill the memory."""
    monkeypatch.setattr("tellwhy_collector.ingest.processes.MAX_HOLES", 3)
    group = Group(store.cursor(), 100, Ledger(60))
    attributes = {"tellwhy.process.instance": INSTANCE}
    for number in range(1, 20, 2):
        group.commit([batch(record(attributes=attributes | {"tellwhy.sequence": number}))])

    assert [(14,), (16,), (18,)] == rows(
        store, "SELECT first_sequence FROM missing_spans ORDER BY 1"
    )

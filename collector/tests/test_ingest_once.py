import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.ingest.group import Group
from tellwhy_collector.ingest.ledger import Ledger
from tellwhy_collector.records import Step
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    START_NS,
    batch,
    logs,
    metrics,
    open_store,
    post,
    record,
    rows,
    span,
    trace_id,
    traces,
)


@pytest.mark.parametrize(
    ("signal", "request_", "table"),
    [
        ("traces", traces([span()]), "spans"),
        ("logs", logs([{"timeUnixNano": "1"}]), "logs"),
        (
            "metrics",
            metrics([{"name": "n", "gauge": {"dataPoints": [{"timeUnixNano": "1"}]}}]),
            "metric_points",
        ),
    ],
)
def test_a_request_that_is_sent_again_is_stored_once(store, signal, request_, table):
    """A sender whose answer was lost sends the same bytes, also to the next process."""
    for _ in range(2):
        ingest = Ingest(store, Settings(), normalise)
        ingest.start()
        for _ in range(2):
            post(ingest, request_, signal)
        ingest.stop()

    assert [(1,)] == rows(store, f"SELECT count(*) FROM {table}")
    assert [(1,)] == rows(store, "SELECT count(*) FROM ingest_requests")


def test_a_request_that_is_sent_again_gets_the_same_answer(ingest):
    """Its refused records are not forgotten."""
    request = traces([span(), span(traceId="")])

    assert post(ingest, request) == post(ingest, request)
    assert 1 == post(ingest, request).rejected


def test_a_span_in_two_requests_is_stored_once(ingest, store):
    """The first counts, and the ledger says how many came again."""
    sent = span()
    post(ingest, traces([sent, sent]))
    post(ingest, traces([sent, span()]))
    post(ingest, traces([{**sent, "name": "other"}]))

    assert [("chat",)] == rows(store, "SELECT name FROM spans WHERE span_id = ?", [sent["spanId"]])
    assert [(1,), (1,), (1,)] == rows(store, "SELECT duplicates FROM ingest_requests")


def test_the_same_span_id_in_another_trace_is_another_span(ingest, store):
    """Span ids are unique only inside their trace."""
    sent = span()
    post(ingest, traces([sent, {**sent, "traceId": trace_id()}]))

    assert [(2,)] == rows(store, "SELECT count(*) FROM spans")


@pytest.mark.parametrize("together", [True, False])
def test_the_end_replaces_the_pending_record(ingest, store, together):
    """Readers see a started span, then an ended one, never both."""
    ended = span()
    pending = {**ended, "endTimeUnixNano": "0"}
    requests = [[pending, ended]] if together else [[pending], [ended]]
    for spans in requests:
        post(ingest, traces(spans))

    assert [(1, 1)] == rows(store, "SELECT count(*), count(end_ns) FROM spans")
    assert [("ok", 1)] == rows(store, "SELECT any_value(status), count(*) FROM steps")


def test_a_late_pending_record_changes_nothing(ingest, store):
    """Never the reverse: the spool may send the start after the end."""
    ended = span()
    post(ingest, traces([ended]))
    post(ingest, traces([{**ended, "endTimeUnixNano": "0"}]))

    assert [(1, 1)] == rows(store, "SELECT count(*), count(end_ns) FROM spans")


IDS = [(f"{n % 3 + 1:032x}", f"{n + 1:016x}") for n in range(9)]
ARRIVAL = st.tuples(st.integers(0, len(IDS) - 1), st.booleans())
GROUPS = st.lists(
    st.tuples(st.booleans(), st.lists(st.lists(ARRIVAL, max_size=4), min_size=1, max_size=3)),
    min_size=1,
    max_size=8,
)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(groups=GROUPS, limit=st.integers(1, 6))
def test_random_arrivals_leave_what_a_plain_dict_leaves(tmp_path_factory, groups, limit):
    """Any order, any grouping, restarts between, a memory that forgets: each span once, its
    first end kept, its start only while there is no end.
    """
    store = open_store(tmp_path_factory.mktemp("random") / "x.duckdb")
    expected = {}
    try:
        group = Group(store.cursor(), limit, Ledger(60))
        for number, (restart, requests) in enumerate(groups):
            if restart:
                group = Group(store.cursor(), limit, Ledger(60))
            batches = []
            for place, arrivals in enumerate(requests):
                spans = []
                for index, pending in arrivals:
                    name = f"{number}.{place}.{len(spans)}"
                    end = None if pending else START_NS + 5
                    ids = dict(zip(("trace_id", "span_id"), IDS[index], strict=True))
                    spans.append(record(name=name, end_ns=end, **ids))
                    known = expected.get(IDS[index])
                    if known is None or (known[1] is None and end is not None):
                        expected[IDS[index]] = (name, end)
                batches.append(batch(*spans))
            group.commit(batches)
        for table in ("spans", "steps"):
            found = rows(store, f"SELECT trace_id, span_id, name, end_ns FROM {table}")
            if table == "spans":
                assert expected == {(t, s): (name, end) for t, s, name, end in found}
            assert sorted(expected) == sorted((t, s) for t, s, _, _ in found)
    finally:
        store.close()


def test_steps_of_log_records_are_kept_once(store):
    """Two requests with the same event give two log rows and one step."""

    def always(one):
        ids = {"trace_id": "r", "span_id": "s", "parent_span_id": None, "run_id": "r"}
        return Step(
            **ids,
            source="log",
            dialect="tests",
            kind="other",
            name="event",
            start_ns=one.time_ns,
            end_ns=one.time_ns,
            status="ok",
        )

    for attempt in range(2):
        ingest = Ingest(store, Settings(), always)
        ingest.start()
        event = {"timeUnixNano": "5", "eventName": "e"}
        post(ingest, logs([event], service=f"try {attempt}"), "logs")
        ingest.stop()

    assert [(2, 1)] == rows(
        store, "SELECT (SELECT count(*) FROM logs), (SELECT count(*) FROM steps)"
    )


def test_old_rows_of_the_ledger_go(store):
    """What no retry can meet any more is not kept."""
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO ingest_requests VALUES ('h', 'traces', TIMESTAMP '2020-01-01', 1, 1, 0, 0, 0, NULL)"
    )
    ledger = Ledger(60)
    ledger.load(cursor)
    assert ledger.known("h") is None
    ledger.trim(cursor)

    assert [] == rows(store, "SELECT * FROM ingest_requests")

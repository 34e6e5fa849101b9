import time
from datetime import UTC, datetime, timedelta

import pytest

from tellwhy_collector import retention as retention_module
from tellwhy_collector.dialects import normalise
from tellwhy_collector.ingest import Ingest
from tellwhy_collector.reconstruct.settle import settle
from tellwhy_collector.retention import Retention
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import (
    collector,
    logs,
    metrics,
    pairs,
    post,
    rows,
    send,
    span,
    trace_id,
    traces,
)

NOW = datetime.now(UTC).replace(tzinfo=None)
POINT = {"name": "n", "gauge": {"dataPoints": [{"timeUnixNano": "1", "asInt": "1"}]}}
SIZES = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


@pytest.fixture
def filled(store):
    """A store with settled traces, some received long ago."""
    ingest = Ingest(store, Settings(), normalise, on_quiet=settle)
    ingest.start()

    def fill(request, signal="traces", age_days=0.0, name=None):
        post(ingest, request, signal)
        table = {"traces": "spans", "logs": "logs", "metrics": "metric_points"}[signal]
        cursor = store.cursor()
        cursor.execute(
            f"UPDATE {table} SET received_at = ? WHERE received_at >= ?",
            [NOW - timedelta(days=age_days), NOW],
        )
        cursor.close()

    yield fill
    ingest.stop()


def sweep(store, days=100.0):
    return Retention(store, Settings()).sweep(NOW - timedelta(days=days))


def left(store, table, what="trace_id"):
    return sorted({value for (value,) in rows(store, f"SELECT {what} FROM {table}")})


def test_old_traces_go_whole_and_young_ones_stay(store, filled):
    """Spans, steps, what was worked out: nothing of an old trace is left in any table."""
    old, young = trace_id(), trace_id()
    filled(traces([span(SIZES, traceId=old), span(SIZES, traceId=old)]), age_days=101)
    filled(traces([span(SIZES, traceId=young)]), age_days=99)
    end = time.monotonic() + 20
    while len(left(store, "run_rows")) < 2:
        assert time.monotonic() < end
        time.sleep(0.05)
    swept = sweep(store)

    tables = [
        name
        for (name,) in rows(
            store,
            "SELECT DISTINCT table_name FROM duckdb_columns() WHERE column_name = 'trace_id' "
            "AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE NOT temporary)",
        )
    ]
    assert {"spans", "steps", "run_rows", "decision_rows"} <= set(tables)
    for table in tables:
        assert old not in left(store, table), table
    for table in ("spans", "steps", "run_rows"):
        assert [young] == left(store, table)
    assert 1 == swept.traces
    assert 4 < swept.rows


def test_a_trace_that_still_gets_records_is_not_old(store, filled):
    """Not half of it goes: one young span or log record keeps the whole trace."""
    by_span, by_log = trace_id(), trace_id()
    for one in (by_span, by_log):
        filled(traces([span(traceId=one)]), age_days=200)
        filled(logs([{"timeUnixNano": "5", "traceId": one, "spanId": "1" * 16}]), "logs", 200)
    filled(traces([span(traceId=by_span)]), age_days=1)
    filled(logs([{"timeUnixNano": "6", "traceId": by_log, "spanId": "1" * 16}]), "logs", 1)

    assert 0 == sweep(store).rows
    assert [(3, 3)] == rows(
        store, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM logs)"
    )


@pytest.mark.parametrize("start_ns", [1, 2**62])
def test_a_wrong_clock_deletes_nothing(store, filled, start_ns):
    """Age is counted from receipt: 1970 and 2116 are stored as sent, and kept."""
    filled(
        traces([span(startTimeUnixNano=str(start_ns), endTimeUnixNano=str(start_ns + 1))]),
        age_days=1,
    )

    assert 0 == sweep(store).rows
    assert [(start_ns,)] == rows(store, "SELECT start_ns FROM spans")


def test_records_without_a_trace_go_by_their_receipt(store, filled):
    """Log records, metric points and audit rows, each on its own."""
    for age in (1, 200):
        filled(logs([{"timeUnixNano": str(age)}]), "logs", age)
        filled(metrics([POINT | {"name": f"m{age}"}]), "metrics", age)
        cursor = store.cursor()
        cursor.execute(
            "INSERT INTO audit BY NAME SELECT ? AS time, time AS last_time, 1 AS times, "
            "'query' AS kind, 'none' AS token, '' AS address",
            [NOW - timedelta(days=age)],
        )
        cursor.close()
    swept = sweep(store)

    assert 3 == swept.rows
    assert [1] == left(store, "logs", "time_ns")
    assert ["m1"] == left(store, "metric_points", "name")
    assert 1 == len(left(store, "audit", "time"))


def test_steps_of_log_records_without_a_trace_go_by_their_own_time(store, filled):
    """A command-line agent that sends only events: its steps have no other age."""
    for age_days, session in ((200, "old"), (1, "young")):
        at = time.time_ns() - age_days * 86_400 * 10**9
        attributes = pairs({"event.name": "user_prompt", "session.id": session, "prompt": "x"})
        filled(
            logs(
                [
                    {
                        "timeUnixNano": str(at),
                        "body": {"stringValue": "claude_code.user_prompt"},
                        "attributes": attributes,
                    }
                ],
                service="claude-code",
            ),
            "logs",
            age_days,
        )
    before = rows(store, "SELECT count(DISTINCT trace_id) FROM steps WHERE source = 'log'")
    sweep(store)

    assert [(2,)] == before
    assert ["young"] == left(store, "steps", "conversation_id")
    assert 1 == len(left(store, "logs", "time_ns"))


def test_a_trace_with_a_verdict_stays(store, filled):
    """What somebody has judged is kept for ever, and so is the evidence."""
    judged, other = trace_id(), trace_id()
    for one in (judged, other):
        filled(traces([span(SIZES, traceId=one)]), age_days=200)
    cursor = store.cursor()
    cursor.execute(
        "INSERT INTO verdicts BY NAME SELECT 'v1' AS verdict_id, now()::TIMESTAMP AS time, trace_id,"
        " run_id, start_ns, 'erika.mustermann' AS reviewer, 'right' AS verdict, [] AS labels,"
        " 'none' AS token FROM steps WHERE trace_id = ?",
        [judged],
    )
    cursor.close()
    sweep(store)

    assert [judged] == left(store, "spans")
    assert 1 == len(left(store, "verdicts", "verdict_id"))


def test_it_is_done_in_small_transactions_while_spans_come_in(tmp_path, monkeypatch):
    """Every sender is answered with 200, and every new span is there afterwards."""
    monkeypatch.setattr(retention_module, "FEWEST", 8)
    monkeypatch.setattr(retention_module, "MOST", 8)
    with collector(tmp_path, retention_days=0) as running:
        url = f"{running.http_url}/v1/traces"
        for _ in range(4):
            send(url, traces([span() for _ in range(50)]))
        cutoff = datetime.now(UTC).replace(tzinfo=None)
        statuses = []
        commits = []
        inner = running.retention._transaction

        def counted(cursor):
            statuses.append(send(url, traces([span()])).status)
            commits.append(1)
            return inner(cursor)

        monkeypatch.setattr(running.retention, "_transaction", counted)
        swept = running.retention.sweep(cutoff)
        while swept.traces < 200:  # those that were just being worked out are left to the next look
            swept.add(running.retention.sweep(cutoff))
        left_over = rows(running.store, "SELECT count(*) FROM spans")

    assert 200 == swept.traces
    assert 200 // 8 <= len(commits)
    assert {200} == set(statuses)
    assert [(len(statuses),)] == left_over


def test_the_room_of_what_went_is_used_again(tmp_path):
    """After a checkpoint the file has free blocks, and the next fill does not make it grow."""
    text = "SELECT used_blocks, free_blocks FROM pragma_database_size() WHERE database_name = 'tellwhy'"
    sizes = []
    with collector(tmp_path, retention_days=0) as running:
        cursor = running.store.cursor()
        for turn in range(3):
            at = turn * 100_000
            cursor.execute(
                "INSERT INTO spans BY NAME SELECT md5(i::VARCHAR) AS trace_id, '0' AS span_id, "
                "'n' AS name, 3 AS kind, now()::TIMESTAMP AS start_time, i AS start_ns, "
                "0 AS status_code, 0 AS flags, 0 AS dropped_attributes, 0 AS dropped_events, "
                "0 AS dropped_links, repeat(md5(i::VARCHAR), 4) AS input_messages, "
                f"now()::TIMESTAMP AS received_at FROM range({at}, {at + 60_000}) t(i)"
            )
            cursor.execute("CHECKPOINT tellwhy")
            sizes.append(running.path.stat().st_size)
            running.retention.sweep(datetime.now(UTC).replace(tzinfo=None))
            cursor.execute("CHECKPOINT tellwhy")
        used, free = cursor.execute(text).fetchall()[0]
        cursor.close()

    assert free > used
    assert sizes[2] < 1.5 * sizes[0]


def test_it_begins_by_itself_and_says_what_it_did(tmp_path, monkeypatch, caplog):
    """Looked at soon after the start; the log and /metrics tell how much went."""
    monkeypatch.setattr(retention_module, "FIRST_S", 0.3)
    with collector(tmp_path, retention_days=1e-9) as running:
        send(f"{running.http_url}/v1/traces", traces([span()]))
        end = time.monotonic() + 20
        while not running.retention.total.rows:
            assert time.monotonic() < end
            time.sleep(0.02)
        text = send(f"{running.http_url}/metrics", method="GET").body.decode()

    assert "tellwhy_retention_traces_total 1.0" in text
    assert "TELLWHY_RETENTION_DAYS is 1e-09): 1 traces" in caplog.text


def test_zero_keeps_everything_for_ever(tmp_path, monkeypatch):
    """No thread looks for anything old."""
    monkeypatch.setattr(retention_module, "FIRST_S", 0.0)
    with collector(tmp_path, retention_days=0) as running:
        assert not running.retention._thread.is_alive()


def test_half_a_year_is_the_default():
    """As long as the European rules on AI ask of logs, at the least."""
    assert 183 == Settings().retention_days

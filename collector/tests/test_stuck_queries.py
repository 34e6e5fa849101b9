"""Queries that DuckDB does not end: what is told of them, and how the collector gets rid of them."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tellwhy_collector import restart
from tellwhy_collector.settings import Settings
from tellwhy_collector.testing import open_store, rows, send, span, traces
from tellwhy_collector.watch import Stop, Watch

TEXT = "with a as (select string_agg('a', '') as s from range(20000)) "
BUSY = TEXT + "select levenshtein(s || i, s || 'b' || i) from a, range(2000) t(i)"
"""One vector of this takes a quarter of an hour, and nobody can interrupt it meanwhile."""

HUNGRY = TEXT + (
    "select length(repeat(s, 100) || i), levenshtein(s || i, s || 'b' || i) from a, range(200) t(i)"
)
"""Takes 400 MB and more, then goes on for minutes."""

ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TELLWHY_")}


class Deaf:
    """Stands where a cursor of DuckDB does that runs a function which looks for no interrupt."""

    def __init__(self):
        self.interrupts = 0

    def interrupt(self):
        """Nothing but count."""
        self.interrupts += 1


def wait_for(condition, seconds=180.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return found


@contextmanager
def watching(**settings):
    given_up = []
    limits = {"query_memory": "20MB", "database_memory": "20MB", "max_query_s": 0.01, **settings}
    watch = Watch(Settings(**limits), lambda: 0, given_up.append)
    stop, cursor = Stop(), Deaf()
    watch.begin(stop, cursor)
    try:
        yield watch, stop, cursor, given_up
    finally:
        watch.end(stop)
        watch.close()


def test_a_deaf_query_is_given_up_once():
    """It is interrupted again and again, called overdue, and given up when its time is over."""
    with watching(stuck_query_s=2.5) as (watch, stop, cursor, given_up):
        wait_for(lambda: watch.overdue == [stop])
        wait_for(lambda: given_up)
        seen = cursor.interrupts
        wait_for(lambda: cursor.interrupts > seen + 3)

    assert [(stop, False)] == [(one.stop, one.urgent) for one in given_up]
    assert "TELLWHY_STUCK_QUERY_S" in given_up[0].why
    assert ([], []) == (watch.running, watch.overdue)


def test_a_deaf_query_that_takes_memory_is_urgent():
    """Twice the memory of a query, a second after it was stopped, is given up without waiting."""
    with watching(stuck_query_s=0) as (_, stop, _, given_up):
        held = b"x" * 100_000_000
        wait_for(lambda: given_up)
        assert len(held) == 100_000_000

    assert [(stop, True)] == [(one.stop, one.urgent) for one in given_up]


def test_never_means_never():
    """With 0 a query may go on for ever; it is told of all the same."""
    with watching(stuck_query_s=0) as (watch, stop, cursor, given_up):
        wait_for(lambda: watch.overdue == [stop])
        seen = cursor.interrupts
        wait_for(lambda: cursor.interrupts > seen + 3)

    assert [] == given_up


@pytest.mark.parametrize(
    "other",
    [
        "select *  from steps\nwhere trace_id in ('c', 'd', 'e') and kind = 'it''s'",
        "select * from steps where trace_id in ('a') and kind = ''",
    ],
)
def test_fingerprints_overlook_texts(other):
    """Statements that differ in texts and in blanks alone are one; numbers make another."""
    one = "select * from steps where trace_id in ('a', 'b') and kind = 'x'"
    assert restart.fingerprint(one) == restart.fingerprint(other)
    assert restart.fingerprint(one) != restart.fingerprint(f"{one} limit 1")
    assert restart.fingerprint("select 1") != restart.fingerprint("select 2")


@contextmanager
def serving(path, **settings):
    """`tellwhy serve`; gives the process, its address, and all that it has printed, as it grows."""
    words = [sys.executable, "-m", "tellwhy_collector", "--database", str(path)]
    words += ["--http-port", "0", "--grpc-port", "0"]
    environ = ENVIRONMENT | {f"TELLWHY_{name.upper()}": text for name, text in settings.items()}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(iter(process.stdout.readline, "")))
    reader.start()
    try:
        wait_for(lambda: len(lines) >= 5)
        yield process, lines[2].split()[1], lines
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def ask(url, sql):
    """Status and answer; None and nothing where the connection broke."""
    body = json.dumps({"sql": sql}).encode()
    try:
        answer = send(f"{url}/api/sql", body, "application/json")
    except (OSError, http.client.HTTPException):
        return None, {}
    return answer.status, json.loads(answer.body)


def ready(url):
    try:
        return send(f"{url}/readyz", method="GET").status == 200
    except (OSError, http.client.HTTPException):
        return False


def feed(url, acknowledged, ending):
    """Send spans, each until it is acknowledged, as a sender of traces does."""
    while not ending.is_set():
        one = span()
        while not ending.is_set():
            try:
                if send(f"{url}/v1/traces", traces([one])).status == 200:
                    acknowledged.append(one["spanId"])
                    break
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sql", "said"),
    [(BUSY, "still runs"), (HUNGRY, "goes on to take memory")],
    ids=["cpu", "memory"],
)
def test_the_collector_starts_itself_again(tmp_path, sql, said):
    """Same process, same ports, every acknowledged span once; the statement is refused from then on."""
    path, acknowledged, ending = tmp_path / "x.duckdb", [], threading.Event()
    memory = {"query_memory": "100MB", "database_memory": "200MB"}
    stuck_s = "1" if sql == BUSY else "0"
    with serving(path, max_query_s="0.5", stuck_query_s=stuck_s, **memory) as (process, url, lines):
        sender = threading.Thread(target=feed, args=(url, acknowledged, ending))
        sender.start()
        wait_for(lambda: acknowledged)
        asking = threading.Thread(target=ask, args=(url, sql))
        asking.start()
        wait_for(lambda: sum("ready" in line for line in lines) == 2)
        wait_for(lambda: ready(url))
        before = len(acknowledged)
        wait_for(lambda: len(acknowledged) > before + 5)
        asking.join()

        assert process.poll() is None
        assert url == lines[-3].split()[1]
        assert any(said in line and "string_agg" in line for line in lines)
        assert 200 == ask(url, "select 1")[0]
        status, answer = ask(url, sql)
        assert (400, True) == (status, "had to start again" in answer["error"])
        metrics = send(f"{url}/metrics", method="GET").body.decode()
        assert "tellwhy_restarts_total 1.0" in metrics
        ending.set()
        sender.join()
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(120)
    store = open_store(path)
    found = [span_id for (span_id,) in rows(store, "SELECT span_id FROM spans")]
    store.close()

    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)


@pytest.mark.slow
def test_readiness_tells_of_a_lock_out(tmp_path):
    """Where no place is left, /readyz says so, ingest goes on, and a signal ends the process."""
    limits = {"max_query_s": "0.2", "max_query_wait_s": "0.1", "max_queries": "1"}
    with serving(tmp_path / "x.duckdb", stuck_query_s="0", **limits) as (process, url, _):
        assert ready(url)
        assert 408 == ask(url, BUSY)[0]
        wait_for(lambda: not ready(url))

        told = json.loads(send(f"{url}/readyz", method="GET").body)
        assert "All 1 places for SQL are held" in told["error"]
        assert 503 == ask(url, "select 1")[0]
        assert 200 == send(f"{url}/v1/traces", traces([span()])).status
        metrics = send(f"{url}/metrics", method="GET").body.decode()
        assert "tellwhy_queries_overdue 1.0" in metrics
        process.send_signal(signal.SIGTERM)
        process.wait(120)

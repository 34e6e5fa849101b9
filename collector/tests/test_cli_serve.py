import http.client
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from tellwhy_collector.testing import open_store, rows, send, span, traces

READY = re.compile(
    r"tellwhy collector ready\n"
    r"  database  (?P<database>.+)\n"
    r"  OTLP/HTTP (?P<http>http://127\.0\.0\.1:\d+)\n"
    r"  OTLP/gRPC 127\.0\.0\.1:\d+\n"
    r"  SQL       (?P=http)/api/sql\n"
)

pytestmark = pytest.mark.slow


def command(path, *words):
    ports = ["--http-port", "0", "--grpc-port", "0"]
    return [sys.executable, "-m", "tellwhy_collector", "--database", str(path), *ports, *words]


ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TELLWHY_")}


@contextmanager
def serving(path, **options):
    """`tellwhy serve` as a process of its own; gives it and its OTLP/HTTP address."""
    process = subprocess.Popen(
        command(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        **options,
    )
    try:
        text = "".join(process.stdout.readline() for _ in range(5))
        found = READY.fullmatch(text)
        assert found, text + process.stderr.read()
        assert str(path) == found["database"]
        yield process, found["http"]
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(tmp_path, number):
    """Exit 0, soon, silent, and what was acknowledged is in the file."""
    path = tmp_path / "x.duckdb"
    with serving(path) as (process, url):
        assert 200 == send(f"{url}/v1/traces", traces([span()])).status
        process.send_signal(number)
        out, err = process.communicate(timeout=30)

    assert (0, "", "") == (process.returncode, out, err)
    store = open_store(path)
    assert [(1, 1)] == rows(
        store, "SELECT (SELECT count(*) FROM spans), (SELECT count(*) FROM steps)"
    )
    store.close()


def test_nothing_acknowledged_is_lost_when_it_is_killed(tmp_path):
    """SIGKILL at random moments while four senders post; every 200 is in the file."""
    path = tmp_path / "x.duckdb"
    acknowledged = set()
    sent = []
    for attempt in range(3):
        with serving(path) as (process, url):
            threads = [
                threading.Thread(target=post_until_refused, args=(url, sent, acknowledged))
                for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            wanted = len(acknowledged) + random.Random(attempt).randint(50, 300)
            end = time.monotonic() + 30
            while len(acknowledged) < wanted and time.monotonic() < end:
                time.sleep(0.005)
            process.kill()
            for thread in threads:
                thread.join()
    store = open_store(path)
    found = [span_id for (span_id,) in rows(store, "SELECT span_id FROM spans")]
    steps = [span_id for (span_id,) in rows(store, "SELECT span_id FROM steps")]
    store.close()

    assert len(acknowledged) >= 150
    assert acknowledged <= set(found) <= set(sent)
    assert len(found) == len(set(found))
    assert set(found) == set(steps)


def post_until_refused(url, sent, acknowledged):
    while True:
        spans = [span() for _ in range(5)]
        sent.extend(one["spanId"] for one in spans)
        try:
            answer = send(f"{url}/v1/traces", traces(spans))
        except (OSError, http.client.HTTPException):
            return
        assert 200 == answer.status
        acknowledged.update(one["spanId"] for one in spans)


def failing(path, *words):
    done = subprocess.run(
        command(path, *words),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert "" == done.stdout
    assert 1 == done.returncode
    return done.stderr


def test_a_file_in_use_ends_it_with_one_sentence(tmp_path):
    """It names the file, the process and the way out."""
    path = tmp_path / "x.duckdb"
    with serving(path) as (process, _):
        assert (
            f"tellwhy serve: {path} is in use by another process (PID {process.pid}). Is another "
            "collector running on it? Stop it, or choose another file with TELLWHY_DATABASE or "
            "--database.\n"
        ) == failing(path)


def test_what_cannot_work_ends_it_with_one_sentence(tmp_path):
    """Damaged file, missing folder, taken port, remote address: exit 1, no traceback."""
    bad = tmp_path / "bad.duckdb"
    bad.write_bytes(b"no database")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = [
            failing(bad),
            failing(tmp_path / "no" / "x.duckdb"),
            failing(tmp_path / "x.duckdb", "--http-port", port),
            failing(tmp_path / "x.duckdb", "--grpc-port", port),
            failing(tmp_path / "x.duckdb", "--host", "0.0.0.0"),
            failing(tmp_path / "x.duckdb", "--max-body-bytes", "much"),
        ]

    wanted = [
        "is not a DuckDB database",
        "does not exist. Make it",
        f"Port {port} of 127.0.0.1 cannot be listened on",
        f"Port {port} of 127.0.0.1 cannot be listened on",
        "--guarded-by",
        "--max-body-bytes is 'much'; write a whole number.",
    ]
    for text, part in zip(said, wanted, strict=True):
        assert part in text
        assert 1 == text.count("\n")


def full_disk():
    """Files may not grow beyond 3 MB from here on; to DuckDB that is a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))


def small_files():
    """Files may not grow beyond 3 MB until the test allows more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, resource.RLIM_INFINITY))


def test_a_disk_with_room_again_is_used_again(tmp_path):
    """The log cannot grow: 503 with Retry-After, questions are answered; then 200 by itself."""
    path = tmp_path / "x.duckdb"
    acknowledged = set()

    def post(url):
        one = span({"x": random.Random(1).randbytes(60_000).hex()})
        answer = send(f"{url}/v1/traces", traces([one]))
        if answer.status == 200:
            acknowledged.add(one["spanId"])
        return answer

    with serving(path, preexec_fn=small_files) as (process, url):
        for _ in range(60):
            if (answer := post(url)).status != 200:
                break
        assert (503, "1") == (answer.status, answer.headers["retry-after"])
        question = send(f"{url}/api/sql", {"sql": "select count(*) from spans"})
        assert [[len(acknowledged)]] == question.json()["rows"]
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, unlimited)
        assert [200] * 30 == [post(url).status for _ in range(30)]
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    store = open_store(path)
    found = {span_id for (span_id,) in rows(store, "SELECT span_id FROM spans")}
    store.close()

    assert 0 == process.returncode
    assert acknowledged == found


def test_a_stop_under_load_keeps_what_was_acknowledged(tmp_path):
    """SIGTERM while four senders post: exit 0, every 200 is in the file, nobody waits in vain."""
    path = tmp_path / "x.duckdb"
    acknowledged, others = set(), []

    def post(url):
        while True:
            spans = [span() for _ in range(20)]
            try:
                answer = send(f"{url}/v1/traces", traces(spans))
            except (OSError, http.client.HTTPException):
                return
            if answer.status != 200:
                others.append(answer.status)
                return
            acknowledged.update(one["spanId"] for one in spans)

    with serving(path) as (process, url):
        threads = [threading.Thread(target=post, args=(url,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 30
        while len(acknowledged) < 500 and time.monotonic() < end:
            time.sleep(0.005)
        process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(30)
        _, err = process.communicate(timeout=30)
    store = open_store(path)
    found = {span_id for (span_id,) in rows(store, "SELECT span_id FROM spans")}
    store.close()

    assert (0, "") == (process.returncode, err)
    assert set(others) <= {503}
    assert len(acknowledged) >= 500
    assert acknowledged <= found


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path):
    """Senders are told to come back, or the process ends with a message; 200 stays true."""
    path = tmp_path / "x.duckdb"
    acknowledged = set()
    with serving(path, preexec_fn=full_disk) as (process, url):
        for _ in range(60):
            one = span({"x": random.Random(1).randbytes(60_000).hex()})
            try:
                answer = send(f"{url}/v1/traces", traces([one]))
            except OSError:
                break
            if answer.status != 200:
                assert 503 == answer.status
                break
            acknowledged.add(one["spanId"])
        else:
            raise AssertionError("The disk was never full.")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)
    store = open_store(path)
    found = {span_id for (span_id,) in rows(store, "SELECT span_id FROM spans")}
    store.close()

    assert acknowledged
    assert acknowledged <= found
    assert "Traceback" not in err
    assert process.returncode in {0, 1}
    assert process.returncode == 0 or "tellwhy serve: the database failed" in err

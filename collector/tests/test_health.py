import os
import re
import tempfile
import threading
import time
from pathlib import Path

import duckdb
import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from prometheus_client.parser import text_string_to_metric_families

from tellwhy_collector.receive.grpc import SERVICES
from tellwhy_collector.testing import collector, logs, rows, send, span, to_protobuf, traces

READ = "read-token-of-the-tests"
MIB = 1024**2


def numbers(running, **headers):
    """Every sample of /metrics: name, and name with labels, to value."""
    answer = send(f"{running.http_url}/metrics", headers=headers, method="GET")
    assert 200 == answer.status, answer.body
    assert "text/plain; version=0.0.4; charset=utf-8" == answer.headers["content-type"]
    found = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        assert family.documentation
        for sample in family.samples:
            labels = ",".join(value for _, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


def test_metrics_count_what_became_of_records(collector):
    """By signal: accepted, refused, known already; commits and how long they took."""
    one = span()
    url = f"{collector.http_url}/v1/traces"
    send(url, traces([one, span(), span(spanId="ab")]))
    send(url, traces([one, span()], service="again"))
    send(f"{collector.http_url}/v1/logs", logs([{"timeUnixNano": "1"}]))
    send(url, b"{", "application/json")
    found = numbers(collector)

    assert 3 == found["tellwhy_records_accepted_total{traces}"]
    assert 1 == found["tellwhy_records_accepted_total{logs}"]
    assert 0 == found["tellwhy_records_accepted_total{metrics}"]
    assert 1 == found["tellwhy_records_rejected_total{traces}"]
    assert 1 == found["tellwhy_records_duplicate_total{traces}"]
    assert 0 == found["tellwhy_records_dropped_total"]
    assert 1 == found["tellwhy_exports_refused_total{http,400}"]
    assert 3 == found["tellwhy_commits_total"] == found["tellwhy_commit_seconds_count"]
    assert 0 < found["tellwhy_commit_seconds_sum"] < 60
    assert 0 == found["tellwhy_commits_failed_total"] == found["tellwhy_queued_bytes"]
    assert collector.settings.max_queue_bytes == found["tellwhy_queue_limit_bytes"]


def test_metrics_tell_of_questions_and_of_the_process(collector):
    """Statements by status, what the audit wrote, connections, disk, memory."""
    for sql in ("select 1", "select 1", "drop table runs"):
        send(f"{collector.http_url}/api/sql", {"sql": sql})
    found = numbers(collector)

    assert 2 == found["tellwhy_queries_total{200}"]
    assert 1 == found["tellwhy_queries_total{400}"]
    assert 3 == found["tellwhy_query_seconds_count"]
    assert 1 <= found["tellwhy_http_connections"]
    assert 1 == found["tellwhy_writer_alive"]
    assert 0 == found["tellwhy_audit_dropped_total"] == found["tellwhy_queries_running"]
    for name in ("database_bytes", "database_log_bytes", "disk_free_bytes"):
        assert 0 < found[f"tellwhy_{name}"]
    assert 10 * MIB < found["process_resident_memory_bytes"] < 10_000 * MIB


def test_metrics_tell_what_is_still_to_be_worked_out(collector):
    """A trace that rests is worked out, then looked at; after that nothing waits."""
    assert 200 == send(f"{collector.http_url}/v1/traces", traces([span()])).status
    until(lambda: numbers(collector)["tellwhy_traces_explained_total"] == 1)
    until(lambda: numbers(collector)["tellwhy_traces_unexplained"] == 0)
    found = numbers(collector)

    assert 0 == found["tellwhy_traces_unsettled"]
    assert 0 == found["tellwhy_explanations_failed_total"]


def test_metrics_want_the_read_token(tmp_path):
    """As everything that tells of what is stored; health does not."""
    with collector(tmp_path, read_token=READ) as running:
        refused = send(f"{running.http_url}/metrics", method="GET")
        found = numbers(running, Authorization=f"Bearer {READ}")

    assert (401, 'Bearer realm="tellwhy"') == (refused.status, refused.headers["www-authenticate"])
    assert found


def test_metrics_are_not_for_web_pages(collector):
    """The same fence against foreign pages and names as before the API."""
    headers = {"Host": "evil.example"}
    assert 403 == send(f"{collector.http_url}/metrics", headers=headers, method="GET").status


def test_ready_means_that_a_request_can_be_stored(collector):
    """200 while it can; 503 with the reason when the writer has ended."""
    assert {"ok": True} == send(f"{collector.http_url}/readyz", method="GET").json()
    collector.ingest.writer.stop()
    answer = send(f"{collector.http_url}/readyz", method="GET")

    assert (503, "The writer is not running.") == (answer.status, answer.json()["error"])


def test_a_database_that_does_not_answer_is_not_ready(collector):
    """It says what the database said, and the process stays alive to its supervisor."""
    _close(collector.store._connection)
    answer = send(f"{collector.http_url}/readyz", method="GET")

    assert 503 == answer.status
    assert answer.json()["error"].startswith("The database does not answer: ")
    assert 200 == send(f"{collector.http_url}/healthz", method="GET").status


def _close(connection):
    """Close it as soon as nobody works with it."""
    end = time.monotonic() + 20
    while True:
        try:
            connection.close()
        except duckdb.Error:
            assert time.monotonic() < end
        else:
            return


@pytest.fixture
def small_disk():
    """A folder on a file system of memory, where a file can take room and give it back."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        yield Path(folder)


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_disk_that_fills_up_turns_senders_away_until_there_is_room(small_disk):
    """503 with the reason and when to come again at both doors, and by itself 200 afterwards."""
    state = os.statvfs(small_disk)
    free = state.f_bavail * state.f_frsize
    took = min(free // 2, 200 * MIB)
    with collector(small_disk, min_free_bytes=free - took // 2) as running:
        url = f"{running.http_url}/v1/traces"
        assert 200 == send(url, traces([span()])).status
        filler = small_disk / "filler"
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, took)
        until(lambda: send(f"{running.http_url}/readyz", method="GET").status == 503)
        told = send(f"{running.http_url}/readyz", method="GET").json()["error"]
        refused = send(url, traces([span()]))
        with grpc.insecure_channel(running.grpc_target) as channel:
            export = channel.unary_unary(f"/{SERVICES['traces']}/Export")
            with pytest.raises(grpc.RpcError) as caught:
                export(to_protobuf(traces([span()])), timeout=20)
        filler.unlink()
        until(lambda: send(url, traces([span()])).status == 200)
        stored = rows(running.store, "SELECT count(*) FROM spans")

    assert re.match(r"The disk that holds .*tests\.duckdb has [\d,]+ bytes free; [\d,]+ are", told)
    assert (503, "10", told[:40]) == (
        refused.status,
        refused.headers["retry-after"],
        refused.json()["message"][:40],
    )
    assert grpc.StatusCode.UNAVAILABLE == caught.value.code()
    details = Status.FromString(dict(caught.value.trailing_metadata())["grpc-status-details-bin"])
    retry = RetryInfo()
    assert details.details[0].Unpack(retry)
    assert 10 == retry.retry_delay.seconds
    assert [(2,)] == stored


def test_questions_are_answered_while_the_disk_is_full(tmp_path):
    """What is kept can be read; only senders are turned away."""
    with collector(tmp_path, min_free_bytes=10**18) as running:
        assert 503 == send(f"{running.http_url}/v1/traces", traces([span()])).status
        assert 200 == send(f"{running.http_url}/api/sql", {"sql": "select 1"}).status


def test_many_probes_ask_the_database_once(collector):
    """A supervisor that asks often does not start a thread for each question."""
    done = []
    threads = [
        threading.Thread(
            target=lambda: done.append(send(f"{collector.http_url}/readyz", method="GET").status)
        )
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [200] * 20 == done
    assert sum(thread.name == "pulse" for thread in threading.enumerate()) <= 1

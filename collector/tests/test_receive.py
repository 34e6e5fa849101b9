import gzip
import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from urllib.parse import urlsplit

import orjson
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tellwhy_collector.testing import (
    collector,
    logs,
    metrics,
    rows,
    send,
    span,
    to_protobuf,
    traces,
)

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
LIMIT = 64 * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    """One collector for this file, with a small limit on bodies."""
    folder = tmp_path_factory.mktemp("receive")
    with collector(folder, max_body_bytes=LIMIT, max_queue_bytes=4 * LIMIT) as found:
        yield found


def stored(running, sent):
    return rows(running.store, "SELECT count(*) FROM spans WHERE span_id = ?", [sent["spanId"]])[0][
        0
    ]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    "media_type", [JSON, PROTOBUF, "application/json; charset=utf-8", "APPLICATION/JSON"]
)
def test_both_encodings_are_answered_in_kind(running, media_type, packed):
    """200, an empty Export response, and the sender's own encoding."""
    sent = span()
    as_json = media_type.lower().startswith(JSON)
    body = orjson.dumps(traces([sent])) if as_json else to_protobuf(traces([sent]))

    answer = send(f"{running.http_url}/v1/traces", body, media_type, packed=packed)

    assert (200, b"{}" if as_json else b"") == (answer.status, answer.body)
    assert (JSON if as_json else PROTOBUF) == answer.headers["content-type"]
    assert 1 == stored(running, sent)


POINT = {"timeUnixNano": "1", "asInt": "1"}
BAD_METRIC = {"name": "n", "gauge": {"dataPoints": [POINT]}}


@pytest.mark.parametrize(
    ("signal", "request_", "response"),
    [
        (
            "traces",
            traces([span(), span(spanId="ab"), span(spanId="")]),
            ExportTraceServiceResponse,
        ),
        (
            "logs",
            logs([{"timeUnixNano": "1"}, {"traceId": "ab"}, {"spanId": "abcd"}]),
            ExportLogsServiceResponse,
        ),
    ],
)
def test_refused_records_are_counted_and_explained(running, signal, request_, response):
    """200 with partial_success: the sender must not send the good ones again."""
    url = f"{running.http_url}/v1/{signal}"
    name, json_name = {
        "traces": ("rejected_spans", "rejectedSpans"),
        "logs": ("rejected_log_records", "rejectedLogRecords"),
    }[signal]

    as_json = send(url, request_).json()["partialSuccess"]
    as_protobuf = response.FromString(send(url, to_protobuf(request_, signal), PROTOBUF).body)

    assert "2" == as_json[json_name]
    assert "is not" in as_json["errorMessage"]
    assert 2 == getattr(as_protobuf.partial_success, name)
    assert "is not" in as_protobuf.partial_success.error_message


def test_metrics_are_taken(running):
    """The third signal, in both encodings."""
    url = f"{running.http_url}/v1/metrics"
    request = metrics([BAD_METRIC])

    assert b"{}" == send(url, request).body
    body = send(url, to_protobuf(request, "metrics"), PROTOBUF).body
    assert ExportMetricsServiceResponse() == ExportMetricsServiceResponse.FromString(body)


def test_a_refused_record_message_is_short(running):
    """Fifty refused spans do not make an answer of fifty sentences."""
    request = traces([span(name="x" * 500, traceId="") for _ in range(50)])

    partial = send(f"{running.http_url}/v1/traces", request).json()["partialSuccess"]

    assert "50" == partial["rejectedSpans"]
    assert len(partial["errorMessage"]) <= 1024


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"content_type": None}, 415, "Content-Type is ''"),
        ({"content_type": "text/plain"}, 415, "Content-Type is 'text/plain'"),
        ({"headers": {"Content-Encoding": "br"}}, 415, "Content-Encoding is 'br'"),
        ({"headers": {"Content-Encoding": "gzip, gzip"}}, 415, "'gzip, gzip'"),
        ({"headers": {"Content-Encoding": "gzip"}}, 400, "cannot be unpacked"),
        ({"method": "GET"}, 405, "GET is not a method of OTLP"),
        ({"method": "PUT"}, 405, "PUT is not a method of OTLP"),
        ({"body": b"{"}, 400, "The body is not JSON"),
        ({"body": b"\0", "content_type": PROTOBUF}, 400, "not a protobuf"),
        ({"body": b"x" * (LIMIT + 1)}, 413, f"{LIMIT + 1:,} bytes or more"),
    ],
)
def test_every_error_is_a_status_in_the_senders_encoding(running, changes, status, says):
    """google.rpc.Status with a sentence that says what to do."""
    arguments = {"body": b"{}", "content_type": JSON, **changes}

    answer = send(f"{running.http_url}/v1/traces", **arguments)

    assert status == answer.status
    if changes.get("content_type") == PROTOBUF:
        message, code = (found := Status.FromString(answer.body)).message, found.code
        assert PROTOBUF == answer.headers["content-type"]
    else:
        message, code = answer.json()["message"], answer.json()["code"]
        assert JSON == answer.headers["content-type"]
    assert says in message
    assert code
    assert "retry-after" not in answer.headers
    if status == 405:
        assert "POST" == answer.headers["allow"]


@pytest.mark.parametrize("path", ["traces", "logs", "metrics", "nothing"])
@pytest.mark.parametrize("body", [b"{}", b"no JSON"])
def test_every_answer_to_a_sender_says_whose_collector_it_is(running, path, body):
    """By this header a tracer knows whom it may tell of steps that have not ended."""
    answer = send(f"{running.http_url}/v1/{path}", body, JSON)

    assert version("tellwhy-collector") == answer.headers["tellwhy-collector"]


def test_an_unknown_address_is_not_found(running):
    """In OTLP's shape under /v1, in the API's elsewhere."""
    assert "/v1/traces" in send(f"{running.http_url}/v1/trace", b"{}").json()["message"]
    answer = send(f"{running.http_url}/nowhere", method="GET")
    assert (404, False) == (answer.status, answer.json()["ok"])


ONE = to_protobuf(traces([span()]))
PACKED = gzip.compress(ONE, mtime=0)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (PACKED[:-6], 400),
        (PACKED[:-8] + bytes(8), 400),
        (PACKED + b"garbage", 400),
        (b"", 400),
        (PACKED + b"\0" * 100, 200),
        (gzip.compress(ONE[:20]) + gzip.compress(ONE[20:]), 200),
        (gzip.compress(bytes(LIMIT + 1)), 413),
        (gzip.compress(bytes(1024)) * 1024, 413),
        (gzip.compress(gzip.compress(bytes(LIMIT * 10))), 400),
    ],
    ids="""cut wrong_sum garbage_behind empty zeros_behind two_members one_byte_over bomb_of_members
    packed_twice""".split(),
)
def test_gzip_is_unpacked_within_the_limit(running, body, status):
    """Cut off, wrong checksum, several members, bombs: each has its answer."""
    headers = {"Content-Encoding": "gzip"}

    answer = send(f"{running.http_url}/v1/traces", body, PROTOBUF, headers)

    assert status == answer.status


def connected(running):
    parts = urlsplit(running.http_url)
    return socket.create_connection((parts.hostname, parts.port), timeout=20)


HEAD = "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def test_a_body_of_no_announced_length_is_limited_too(running):
    """Chunked transfer has no Content-Length to refuse by."""
    with connected(running) as wire:
        wire.sendall(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
        for _ in range(4):
            wire.sendall(piece)
        wire.sendall(b"0\r\n\r\n")
        answer = http.client.HTTPResponse(wire)
        answer.begin()

        assert 413 == answer.status


def test_a_sender_that_asks_first_sends_no_body_in_vain(running):
    """Expect: 100-continue is answered with the refusal."""
    with connected(running) as wire:
        wire.sendall(f"{HEAD}Content-Length: 99999999\r\nExpect: 100-continue\r\n\r\n".encode())
        answer = http.client.HTTPResponse(wire)
        answer.begin()

        assert 413 == answer.status


def test_a_sender_that_goes_away_holds_nothing(running):
    """Its bytes are given back to the queue."""
    with connected(running) as wire:
        wire.sendall(f"{HEAD}Content-Length: 60000\r\n\r\n".encode() + b" " * 30000)
        end = time.monotonic() + 10
        while running.ingest.held_bytes == 0 and time.monotonic() < end:
            time.sleep(0.01)
        assert running.ingest.held_bytes > 0
    while running.ingest.held_bytes and time.monotonic() < end:
        time.sleep(0.01)

    assert 0 == running.ingest.held_bytes


def test_a_connection_is_kept(running):
    """Exporters send every few seconds; each on the connection they have."""
    parts = urlsplit(running.http_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=20)
    sockets = set()
    for _ in range(3):
        connection.request("POST", "/v1/traces", b"{}", {"Content-Type": JSON})
        connection.getresponse().read()
        sockets.add(id(connection.sock))
    connection.close()

    assert 1 == len(sockets)


def test_overload_is_told_at_once_with_when_to_come_back(running):
    """503, Retry-After and a sentence; readyz says the same; later it is taken again."""
    url = f"{running.http_url}/v1/traces"
    with running.ingest.ticket() as others:
        # As many bytes as wait for the writer during a long checkpoint.
        others.grow(4 * LIMIT)
        as_json = send(url, traces([span()]))
        as_protobuf = send(url, to_protobuf(traces([span()])), PROTOBUF)
        ready = send(f"{running.http_url}/readyz", method="GET")
        health = send(f"{running.http_url}/healthz", method="GET")

    assert (503, "1") == (as_json.status, as_json.headers["retry-after"])
    assert "Send again in a moment" in as_json.json()["message"]
    retry = RetryInfo()
    assert Status.FromString(as_protobuf.body).details[0].Unpack(retry)
    assert 1 == retry.retry_delay.seconds
    assert (503, 200) == (ready.status, health.status)
    assert "bytes wait for the writer" in ready.json()["error"]
    assert 200 == send(url, traces([span()])).status


@pytest.mark.parametrize("content_type", ["text/plain", JSON])
def test_a_refused_sender_sees_the_answer_behind_its_large_body(running, content_type):
    """It writes before it reads: closing on it would show a reset connection instead."""
    body = b" " * (50 * LIMIT)

    answer = send(f"{running.http_url}/v1/traces", body, content_type)

    assert (415 if content_type != JSON else 413) == answer.status


def test_concurrent_senders_lose_nothing(running):
    """Eight senders at once, each span acknowledged and stored once."""
    sent = [[span() for _ in range(5)] for _ in range(40)]
    url = f"{running.http_url}/v1/traces"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda spans: send(url, traces(spans)), sent))

    assert {200} == {answer.status for answer in answers}
    wanted = {one["spanId"] for spans in sent for one in spans}
    found = {span_id for (span_id,) in rows(running.store, "SELECT span_id FROM spans")}
    assert wanted <= found


def test_health_tells_the_truth(running):
    """Alive and ready while the writer runs, with what it has done."""
    health = send(f"{running.http_url}/healthz", method="GET")

    assert (200, True) == (health.status, json.loads(health.body)["ok"])
    assert health.json()["records"] >= 0
    assert {"ok": True} == send(f"{running.http_url}/readyz", method="GET").json()

import gzip
import http.server
import socket
import threading

import pytest
from google.rpc.status_pb2 import Status
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from tellwhy import _post
from tellwhy._post import Answer, Batch, HttpSink
from tellwhy._settings import Settings


class Door(http.server.BaseHTTPRequestHandler):
    """Answers as its server's list says, then 200."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        """Note the request and answer it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body, self.client_address))
        status, headers, text = (
            self.server.answers.pop(0) if self.server.answers else (200, {}, b"")
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        """Silence."""


@pytest.fixture
def door():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.seen, server.answers = [], []
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def sink_for(server, **settings):
    return HttpSink(Settings(endpoint=f"http://127.0.0.1:{server.server_port}", **settings))


def test_a_batch_is_posted_as_otlp(door):
    """Path, content type and body are those of OTLP/HTTP."""
    sink = sink_for(door, headers={"x-team": "a"})

    assert Answer("delivered") == sink.put(Batch(b"body", 1), 5)
    path, headers, body, _ = door.seen[0]
    assert ("/v1/traces", b"body") == (path, body)
    assert "application/x-protobuf" == headers["Content-Type"]
    assert "a" == headers["x-team"]
    sink.forget()


def test_gzip_packs_the_body(door):
    """compression="gzip" is told in the header."""
    sink = sink_for(door, compression="gzip")
    sink.put(Batch(b"body" * 100, 1), 5)
    _, headers, body, _ = door.seen[0]

    assert ("gzip", b"body" * 100) == (headers["Content-Encoding"], gzip.decompress(body))
    sink.forget()


def test_one_connection_serves_many_batches(door):
    """The connection is kept alive."""
    sink = sink_for(door)
    for _ in range(3):
        sink.put(Batch(b"x", 1), 5)

    assert 1 == len({client for *_, client in door.seen})
    sink.forget()


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (503, {"Retry-After": "7"}, ("retry", 7.0)),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, ("retry", None)),
        (429, {"Retry-After": "100000"}, ("retry", 60.0)),
        (502, {}, ("retry", None)),
        (413, {}, ("too_large", None)),
        (400, {}, ("refused", None)),
        (415, {}, ("refused", None)),
        (429, {"Retry-After": "nan"}, ("retry", None)),
        (408, {}, ("retry", None)),
        (500, {}, ("retry", None)),
        (302, {"Location": "/login"}, ("retry", None)),
        (401, {}, ("retry", None)),
        (404, {}, ("retry", None)),
    ],
)
def test_statuses_mean_what_otlp_says(door, status, headers, expected):
    """Refuse what says that the spans are wrong, halve what is too large, wait for all else."""
    door.answers.append((status, headers, b"why"))
    sink = sink_for(door)
    answer = sink.put(Batch(b"x", 1), 5)

    assert expected == (answer.outcome, answer.retry_after_s)
    assert f"status {status}: why" == answer.detail
    assert (status in (302, 401, 404)) == answer.is_barred
    assert (status == 500) == answer.is_fault
    sink.forget()


def test_a_web_page_is_no_receiver(door):
    """A login page answers 200 to everything; the spans wait for an address that takes them."""
    door.answers.append((200, {"Content-Type": "text/html; charset=utf-8"}, b"<p>Sign in</p>"))
    sink = sink_for(door)
    answer = sink.put(Batch(b"x", 1), 5)

    assert ("retry", True, "status 200, a web page") == (
        answer.outcome,
        answer.is_barred,
        answer.detail,
    )
    sink.forget()


def test_spans_that_a_good_answer_rejects_are_told():
    """OTLP's partial success, in protobuf."""
    said = ExportTraceServiceResponse()
    said.partial_success.rejected_spans = 3
    said.partial_success.error_message = "no names"
    answer = _post._answer(200, "application/x-protobuf", said.SerializeToString(), None)

    assert ("delivered", 3, "no names") == (answer.outcome, answer.rejected, answer.detail)
    assert 0 == _post._answer(200, "application/x-protobuf", b"\xff", None).rejected


def test_the_words_of_an_error_are_taken_out_of_their_message():
    """OTLP wraps them in a status message; without that the body itself is told."""
    wrapped = Status(message="A token is wanted.").SerializeToString()

    assert (
        "status 401: A token is wanted."
        == _post._answer(401, "application/x-protobuf", wrapped, None).detail
    )
    assert "status 401: go away" == _post._answer(401, "text/plain", b"go away", None).detail


def test_a_connection_that_was_closed_meanwhile_is_renewed(door):
    """An idle connection that the collector dropped costs nothing."""
    door.answers.append((200, {"Connection": "close"}, b""))
    sink = sink_for(door)

    assert "delivered" == sink.put(Batch(b"a", 1), 5).outcome
    assert "delivered" == sink.put(Batch(b"b", 1), 5).outcome
    sink.forget()


def test_nobody_there_is_an_answer_and_not_an_exception():
    """A refused connection is retried later."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    answer = HttpSink(Settings(endpoint=f"http://127.0.0.1:{port}")).put(Batch(b"x", 1), 5)

    assert "retry" == answer.outcome
    assert "refused" in answer.detail


def test_a_server_that_never_answers_is_left_in_time():
    """The timeout bounds the wait."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        sink = HttpSink(Settings(endpoint=f"http://127.0.0.1:{silent.getsockname()[1]}"))
        answer = sink.put(Batch(b"x", 1), 0.2)
        sink.forget()

    assert "retry" == answer.outcome


def test_a_server_that_speaks_no_http_is_no_exception():
    """Garbage is an answer to try again later."""
    with socket.socket() as odd:
        odd.bind(("127.0.0.1", 0))
        odd.listen()

        def answer():
            connection, _ = odd.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"SSH-2.0-x\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        sink = HttpSink(Settings(endpoint=f"http://127.0.0.1:{odd.getsockname()[1]}"))
        outcome = sink.put(Batch(b"x", 1), 5).outcome
        thread.join()
        sink.forget()

    assert "retry" == outcome


def test_a_path_and_a_query_of_the_endpoint_are_kept(door):
    """A collector behind a proxy path is reached."""
    sink = HttpSink(Settings(endpoint=f"http://127.0.0.1:{door.server_port}/otel/"))
    sink.put(Batch(b"x", 1), 5)

    assert "/otel/v1/traces" == door.seen[0][0]
    sink.forget()

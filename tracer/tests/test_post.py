import gzip
import http.server
import socket
import threading

import pytest

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
        (500, {}, ("refused", None)),
    ],
)
def test_statuses_mean_what_otlp_says(door, status, headers, expected):
    """Retry what OTLP lists, halve what is too large, refuse the rest."""
    door.answers.append((status, headers, b"why"))
    sink = sink_for(door)
    answer = sink.put(Batch(b"x", 1), 5)

    assert expected == (answer.outcome, answer.retry_after_s)
    assert f"status {status}: why" == answer.detail
    sink.forget()


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

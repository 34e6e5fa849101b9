import atexit
import http.server
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

# A machine that does other work makes inputs slowly, which says nothing about what is tested.
settings.register_profile("tellwhy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tellwhy")

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So do shells start what runs in the background; programs that tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

os.environ["TELLWHY_STRICT"] = "1"
_state = tempfile.mkdtemp(prefix="tellwhy-tests-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
os.environ["XDG_STATE_HOME"] = _state  # where spools go: never into the home folder
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]

import tellwhy.testing  # noqa: E402 - after the environment is as the tests need it
from tellwhy import _configure, _guard  # noqa: E402


@pytest.fixture
def recorded() -> Iterator[tellwhy.testing.Recording]:
    """What the test's agent records, in memory."""
    with tellwhy.testing.recording() as recording:
        yield recording


@pytest.fixture
def lenient(monkeypatch) -> Iterator[None]:
    """The tracer as users run it: its own errors are swallowed."""
    monkeypatch.setenv("TELLWHY_STRICT", "0")
    tellwhy._settings.reset()
    _guard.reset()
    yield
    tellwhy._settings.reset()
    _guard.reset()


@pytest.fixture
def fresh() -> Iterator[None]:
    """A process in which tellwhy has not been used yet, and is not after the test."""
    _configure.reset()
    yield
    _configure.reset()


class Receiver(http.server.ThreadingHTTPServer):
    """An OTLP/HTTP endpoint on loopback that keeps what it gets."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Posted)
        self.bodies: list[bytes] = []
        self.logs: list[bytes] = []
        self.header: str | None = None
        """What to say in `tellwhy-collector`; None for a receiver that is not ours."""
        self.statuses: list[int] = []
        """What to answer to the next requests; then 200."""
        self.came = threading.Condition()
        """Notified after every request."""

    @property
    def url(self) -> str:
        """Its base address."""
        return f"http://127.0.0.1:{self.server_port}"

    def resources(self) -> list:
        """Everything that came, as protobuf messages."""
        return [
            each
            for body in self.bodies
            for each in ExportTraceServiceRequest.FromString(body).resource_spans
        ]

    def spans(self) -> list:
        """The spans that came, in the order in which they came."""
        return [s for r in self.resources() for scope in r.scope_spans for s in scope.spans]

    def names(self) -> list[str]:
        """Their names."""
        return [span.name for span in self.spans()]

    def final(self) -> dict[str, dict]:
        """The attributes of each span that has an end, by its name."""
        return {span.name: attributes_of(span) for span in self.spans() if span.end_time_unix_nano}

    def beats(self) -> list[dict]:
        """Attributes of the signs of life, in the order in which they came."""
        return [
            attributes_of(record)
            for body in self.logs
            for resource in ExportLogsServiceRequest.FromString(body).resource_logs
            for scope in resource.scope_logs
            for record in scope.log_records
        ]

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Return when *condition* holds after some request; fail after 20 s."""
        with self.came:
            assert self.came.wait_for(condition, 20), (self.names(), self.beats())


def attributes_of(record) -> dict:
    """The attributes of a span or log record as plain values."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in record.attributes
    }


class _Posted(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.statuses.pop(0) if body and self.server.statuses else 200
        with self.server.came:
            if status == 200:
                (self.server.logs if self.path == "/v1/logs" else self.server.bodies).append(body)
            self.server.came.notify_all()
        self.send_response(status)
        if self.server.header is not None:
            self.send_header("tellwhy-collector", self.server.header)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Silence."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A collector's OTLP/HTTP port."""
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def program():
    """Runs a program of its own: `program(code, TELLWHY_ENDPOINT=…)` gives what it printed."""

    def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    return run

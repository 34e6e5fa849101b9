"""Real processes for tests that cross rooms: a collector on free ports and a scripted model."""

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tellwhy_collector.testing import lay_database

_state = tempfile.mkdtemp(prefix="tellwhy-tests-")
atexit.register(shutil.rmtree, _state, ignore_errors=True)
os.environ["XDG_STATE_HOME"] = _state  # where spools go: never into the home folder

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # So do shells start what runs in the background; programs that tests start would ignore it too.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine that does other work makes inputs slowly, which says nothing about what is tested.
settings.register_profile("tellwhy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tellwhy")


class RunningCollector:
    """One `tellwhy serve` process."""

    def __init__(self, database: Path, http_port: int = 0, *more: str) -> None:
        words = ["serve", "--database", str(database)]
        words += ["--http-port", str(http_port), "--grpc-port", "0", *more]
        self.database = database
        lay_database(database)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tellwhy", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        said = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said.append(line)
            if line.startswith("  OTLP/HTTP"):
                self.url = line.split()[-1]
            if line.startswith("  SQL"):
                return
        raise AssertionError(f"the collector did not start:\n{''.join(said)}")

    @property
    def port(self) -> int:
        """Its HTTP port."""
        return int(self.url.rsplit(":", 1)[1])

    def ask(self, sql: str, *params: object) -> list[list]:
        """Rows of one SELECT."""
        body = json.dumps({"sql": sql, "params": params}).encode()
        request = urllib.request.Request(
            f"{self.url}/api/sql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.loads(response.read())["rows"]

    def wait_for(self, expected: list[list], sql: str, *params: object) -> None:
        """Ask until the rows are the expected ones."""
        deadline = time.monotonic() + 20
        while (rows := self.ask(sql, *params)) != expected:
            assert time.monotonic() < deadline, f"{sql}: {rows}, not {expected}"
            time.sleep(0.05)

    def stop(self) -> int:
        """End it politely and give back its exit status."""
        self.process.terminate()
        self.process.communicate(timeout=30)
        return self.process.returncode

    def kill(self) -> None:
        """End it without a warning."""
        self.process.kill()
        self.process.communicate(timeout=30)


@pytest.fixture
def collector(tmp_path):
    """Start collectors; each one that still runs after the test is ended."""
    running = []

    def start(database: Path | None = None, http_port: int = 0, *more: str) -> RunningCollector:
        running.append(RunningCollector(database or tmp_path / "runs.duckdb", http_port, *more))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.stop()


@pytest.fixture
def models():
    """Run a scripted model server."""
    from tellwhy._model_server import serve

    with serve() as server:
        yield server


@pytest.fixture
def agent_environment(models):
    """Variables for an agent's process: our model server, no settings of the person who tests."""
    foreign = ("OTEL_", "TELLWHY_", "ANTHROPIC_", "OPENAI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {
        "ANTHROPIC_BASE_URL": models.url,
        "ANTHROPIC_API_KEY": "x",
        "OPENAI_BASE_URL": f"{models.url}/v1",
        "OPENAI_API_KEY": "x",
        "NO_PROXY": "127.0.0.1",
        # On a busy machine the last export may take longer than a real agent would wait for it.
        "TELLWHY_EXIT_TIMEOUT_S": "20",
    }

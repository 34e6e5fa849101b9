"""`tellwhy serve` as a process that can be killed, started again on its ports, and kept small."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Self

START_S = 120
STOP_S = 120
ROWS = 100_000
"""Most rows that the collector gives at once."""

BOUNDED = (
    "import os, resource, sys; limit = int(sys.argv[1]); "
    "resource.setrlimit(resource.RLIMIT_AS, (limit, limit)); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)
"""What `ulimit -v` does in a shell."""


def memory_mb(pid: int) -> float:
    """Resident memory of a process now; 0 where the system does not tell."""
    return _status(pid, "VmRSS:")


def address_space_mb(pid: int) -> float:
    """Address space of a process: what `ulimit -v` bounds."""
    return _status(pid, "VmSize:")


def _status(pid: int, field: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(field):
                return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def settings_of_nobody(**more: str) -> dict[str, str]:
    """The environment without settings of whoever runs this, and with *more*."""
    foreign = ("OTEL_", "TELLWHY_", "ANTHROPIC_", "OPENAI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return kept | {"NO_PROXY": "127.0.0.1"} | more


class Collector:
    """One database and the process that serves it; a new process takes the ports of the last."""

    def __init__(self, folder: Path, *words: str, address_space: int = 0) -> None:
        """Start nothing yet.

        Args:
            folder: Where the database and the process's log are.
            words: Further options of `tellwhy serve`.
            address_space: Most address space of the process, in bytes; 0 for no bound.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.database = folder / "runs.duckdb"
        self.log = folder / "collector.log"
        self.http_port = self.grpc_port = 0
        self._words = words
        self._address_space = address_space
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self.started()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Its HTTP address."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def pid(self) -> int:
        """Its process."""
        assert self.process is not None
        return self.process.pid

    def begin(self, *words: str) -> None:
        """Start the process without waiting for it."""
        serve = ["-m", "tellwhy", "serve", "--database", str(self.database)]
        serve += ["--http-port", str(self.http_port), "--grpc-port", str(self.grpc_port)]
        if self._address_space:
            serve = ["-c", BOUNDED, str(self._address_space), *serve]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *serve, *self._words, *words],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=settings_of_nobody(),
            )

    def started(self, *words: str) -> Self:
        """Start the process and wait until it answers."""
        self.begin(*words)
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "OTLP/HTTP" in line:
                self.http_port = int(line.rsplit(":", 1)[1])
            if "OTLP/gRPC" in line:
                self.grpc_port = int(line.rsplit(":", 1)[1])
            if "api/sql" in line:
                return self
        status = self.process.wait()
        log = self.log.read_text(encoding="utf-8")[-2000:]
        raise SystemExit(f"The collector ended with {status} before it was ready:\n{log}")

    def kill(self) -> None:
        """End it by SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self._wait()

    def stop(self) -> int:
        """End it politely, if it runs; its exit status."""
        if self.process is None:
            return 0
        self.process.terminate()
        return self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            if self.process.stdout is not None:
                self.process.stdout.close()

    def ask(self, sql: str, *params: object) -> list[list]:
        """All rows of a SELECT; more than the collector gives at once are an error."""
        body = json.dumps({"sql": sql, "params": params, "max_rows": ROWS}).encode()
        request = urllib.request.Request(
            f"{self.url}/api/sql", body, {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            answer = json.loads(response.read())
        assert not answer["truncated"], sql
        return answer["rows"]

    def wait_for(self, expected: list[list], sql: str, timeout_s: float = 60) -> bool:
        """Whether the rows became the expected ones in time."""
        until = time.monotonic() + timeout_s
        while self.ask(sql) != expected:
            if time.monotonic() > until:
                return False
            time.sleep(0.2)
        return True


class Verdict:
    """Which promises were broken; prints one JSON line and gives the exit status."""

    def __init__(self, fault: str) -> None:
        self._line: dict[str, object] = {"fault": fault}
        self.broken: list[str] = []

    def expect(self, holds: bool, otherwise: str) -> None:
        """Note a broken promise, the first twenty in words."""
        if not holds:
            self.broken.append(otherwise)

    def told(self, **figures: object) -> int:
        """Print the line; 1 when a promise was broken."""
        self._line |= figures | {"broken": self.broken[:20], "broken_count": len(self.broken)}
        print(json.dumps(self._line), flush=True)
        return int(bool(self.broken))

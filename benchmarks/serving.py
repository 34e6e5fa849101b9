"""`tellwhy serve` as a process of its own, and what it costs: processor, memory, file."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import duckdb

START_S = 120
STOP_S = 300
"""To settle what is open, and to write the last checkpoint of five million spans."""


def processor_s(pid: int | str = "self") -> float:
    """Processor time that process *pid* has used, all threads; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int | str, *, peak: bool = False) -> int:
    """Resident memory of process *pid* now, or the most so far; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    field = "VmHWM:" if peak else "VmRSS:"
    return next((int(line.split()[1]) // 1024 for line in lines if line.startswith(field)), 0)


def stored_bytes(database: Path) -> int:
    """Bytes of the file and of its write-ahead log."""
    log = database.with_name(database.name + ".wal")
    return sum(path.stat().st_size for path in (database, log) if path.exists())


def used_bytes(database: Path) -> int:
    """Bytes of the file's blocks that hold something; the others are kept for what comes next."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{database}' AS weighed (READ_ONLY)")
        found = connection.execute(
            "SELECT used_blocks * block_size FROM pragma_database_size() "
            "WHERE database_name = 'weighed'"
        ).fetchone()
    return found[0]


class Serving:
    """A collector process on free ports of this machine, ended when the block ends."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        words = ["-m", "tellwhy", "serve", "--http-port", "0", "--grpc-port", "0", "--database"]
        self._process = subprocess.Popen(
            [sys.executable, *words, str(self.database)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "OTLP/HTTP" in line:
                self.url = line.split()[1]
            if "api/sql" in line:
                return self
        raise SystemExit(f"The collector ended before it was ready: {self._process.wait()}.")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def settled(self, timeout_s: float) -> float:
        """Seconds until no trace waits to be worked out; what is left after *timeout_s* waits on."""
        door, started = Door(self.url), time.monotonic()
        while time.monotonic() - started < timeout_s:
            if not door.ask("SELECT 1 FROM open_traces LIMIT 1"):
                break
            time.sleep(0.25)
        return time.monotonic() - started


class Door:
    """One kept connection to a collector."""

    def __init__(self, url: str, timeout_s: float = 120) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_s)

    def post(self, body: bytes) -> float:
        """Send spans, again while it is told to come back later; seconds until the 200."""
        started = time.perf_counter()
        while True:
            headers = {"Content-Type": "application/x-protobuf"}
            self._connection.request("POST", "/v1/traces", body, headers)
            answer = self._connection.getresponse()
            answer.read()
            if answer.status == 200:
                return time.perf_counter() - started
            if answer.status not in (429, 503):
                raise SystemExit(f"The collector answered {answer.status}.")
            time.sleep(float(answer.headers.get("Retry-After") or 0.1))

    def ask(self, sql: str, params: object = None) -> list[list[object]]:
        """The rows of a query."""
        body = json.dumps({"sql": sql, "params": params or []}).encode()
        self._connection.request("POST", "/api/sql", body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        if not answer["ok"]:
            raise SystemExit(f"{sql}: {answer['error']}")
        return answer["rows"]

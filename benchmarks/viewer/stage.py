"""A collector that holds the runs, and the viewer before it, both as processes of their own."""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from multiply import multiply
from runs import long_text, requests, short
from serving import STOP_S, Door, Serving

HOUR_NS = 3_600 * 10**9
SETTLE_S = 1_200
"""Longest wait until a filled collector has worked out every trace. Seconds."""
TEMPLATE_RUNS = 5_000
"""Short runs that go through the collector; the rest of a long list are their copies."""
LONG = 9
"""Number of the run with long texts."""


def run_id(number: int) -> str:
    """The id of a run that `runs` made."""
    return f"{number:032x}"


def post(url: str, bodies: Iterator[bytes]) -> None:
    """Send OTLP/JSON requests; each is committed when this returns."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
    for body in bodies:
        connection.request("POST", "/v1/traces", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"The collector answered {answer.status}.")
    connection.close()


def fill(database: Path, sizes: list[int], text_bytes: int) -> None:
    """One run for each of *sizes* in steps, numbered from 1, and one with texts of *text_bytes*."""
    now = time.time_ns()
    with Serving(database) as collector:
        for number, steps in enumerate(sizes, 1):
            started_ns = now - 72 * HOUR_NS + number * HOUR_NS
            post(collector.url, requests(steps, number=number, started_ns=started_ns))
        post(collector.url, long_text(text_bytes, number=LONG, started_ns=now - 80 * HOUR_NS))
        waited_s = collector.settled(SETTLE_S)
        if Door(collector.url).ask("SELECT 1 FROM open_traces LIMIT 1"):
            raise SystemExit(f"The collector had not worked out every run after {waited_s:.0f} s.")


def fill_list(database: Path, wanted: int) -> int:
    """About *wanted* short runs: some went through the collector, the others are copies; how many."""
    template = min(wanted, TEMPLATE_RUNS)
    now = time.time_ns()
    with Serving(database) as collector:
        post(collector.url, short(template, started_ns=now - HOUR_NS))
        collector.settled(SETTLE_S)
    return multiply(database, 2 * wanted) // 2


class Looking:
    """A viewer process on a free port of this machine, ended when the block ends."""

    def __init__(self, collector_url: str) -> None:
        self.collector_url, self.url = collector_url, ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        words = ["-m", "tellwhy", "view", "--port", "0", "--collector-url", self.collector_url]
        self._process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("  http"):
                self.url = line.split()[-1]
                return self
        raise SystemExit(f"The viewer ended before it was ready: {self._process.wait()}.")

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        finally:
            self._process.kill()
            self._process.wait()
            if self._process.stdout is not None:
                self._process.stdout.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

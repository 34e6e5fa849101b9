"""Agents that keep working while something else is measured, in a process of their own."""

from __future__ import annotations

import multiprocessing
import time
from typing import Any, Self

from serving import Door
from workload import Agents

TICK_S = 0.1
"""Between two requests."""


def feed(url: str, spans_s: int, ending: Any, told: Any) -> None:
    """Post so many spans a second until *ending* is set, then tell what came of it."""
    door, started = Door(url), time.monotonic()
    agents = Agents(99, start_ns=time.time_ns(), spans_s=spans_s)
    sent, waits = 0, []
    while not ending.is_set():
        due = int((time.monotonic() - started) * spans_s) - sent
        if due > 0:
            waits.append(door.post(agents.request(due).body))
            sent += due
        ending.wait(TICK_S)
    took = time.monotonic() - started
    told.put(
        {
            "arriving_spans_s": round(sent / took),
            "arriving_answer_max_s": round(max(waits), 2),
            "arriving_cpu_s": round(time.process_time(), 1),
        }
    )


class Feeding:
    """Spans arrive while the block runs; what came of it stands in ``told`` afterwards."""

    def __init__(self, url: str, spans_s: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.told: dict[str, float] = {}
        self._ending, self._answers = context.Event(), context.Queue()
        self._process = context.Process(
            target=feed, args=(url, spans_s, self._ending, self._answers), daemon=True
        )

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._process.is_alive():
            self.told = self._answers.get(timeout=60)
        self._process.join(60)
        if self._process.is_alive():
            self._process.kill()

"""Ends SQL queries at their limits of time and memory, or when nobody waits for them any more.

Most of them DuckDB ends at once. Some functions do not listen, and a thread cannot be ended from
outside: then the watch gives up, which means that the process has to end (see `restart`).
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tellwhy_collector.errors import QueryStopped, SettingsError
from tellwhy_collector.settings import Settings

WATCH_S = 0.05
"""How often the watch looks; an overdue query ends at most this much late, if DuckDB listens."""

OVERDUE_S = 2.0
"""From then on a stopped query that still runs is called overdue."""

GROWING_S = 1.0
"""How long after it was stopped a query may go on to take memory."""

HARD = 2
"""So many times query_memory, and the collector gives up on a query that it has stopped."""

Reason = Literal["time", "memory", "gone"]
"""Why a query was stopped: over max_query_s, over query_memory, or its caller has left."""

_log = logging.getLogger(__name__)

_STATM = Path("/proc/self/statm")
_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
_UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}


class Interruptible(Protocol):
    """A DuckDB cursor, as far as the watch needs one."""

    def interrupt(self) -> None:
        """End what runs."""


class Stop:
    """Ends one running query from another thread; also before it starts, or after it ended."""

    def __init__(self) -> None:
        self.about = ""
        """What runs, for the log."""
        self.reason: Reason | None = None
        self.stopped = float("inf")
        """When it was first told to end. Of the monotonic clock, in seconds."""
        self.ended = threading.Event()
        self.deadline = float("inf")
        """Of the monotonic clock, in seconds."""
        self.memory = 0
        """Bytes that the process held when the query began."""
        self._lock = threading.Lock()
        self._cursor: Interruptible | None = None

    def now(self, reason: Reason = "gone") -> None:
        """Interrupt the query, if there is one. The watch repeats it, for DuckDB may miss one."""
        with self._lock:
            if self.reason is None:
                self.reason, self.stopped = reason, time.monotonic()
            if self._cursor is not None:
                self._cursor.interrupt()

    def aim(self, cursor: Interruptible | None) -> None:
        """Which cursor to interrupt from now on. After None no interrupt can come any more."""
        with self._lock:
            self._cursor = cursor


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A query that does not stop."""

    stop: Stop
    urgent: bool
    """It takes memory; otherwise a processor and a place alone."""
    why: str


OnGivenUp = Callable[[GivenUp], None]
"""Called in the watch's thread, once for a query. Nothing else can end it than the process's end."""


class Watch:
    """One thread that looks after all running queries and sleeps while there are none."""

    def __init__(
        self,
        settings: Settings,
        cached_bytes: Callable[[], int],
        on_given_up: OnGivenUp | None = None,
    ) -> None:
        self._limit_s = settings.max_query_s
        self._stuck_s = settings.stuck_query_s or float("inf")
        self._limit_bytes = byte_count(settings.query_memory)
        self._database_bytes = _most(settings.database_memory)
        self._cached_bytes = cached_bytes
        self._on_given_up = on_given_up
        self._given_up: set[Stop] = set()
        self._running: set[Stop] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._look, name="query-watch", daemon=True)
        self._thread.start()

    @property
    def running(self) -> list[Stop]:
        """What is being watched."""
        with self._changed:
            return list(self._running)

    @property
    def overdue(self) -> list[Stop]:
        """What was stopped a while ago and runs all the same."""
        late = time.monotonic() - OVERDUE_S
        return [stop for stop in self.running if stop.stopped < late]

    def begin(self, stop: Stop, cursor: Interruptible) -> None:
        """Watch one more query.

        Raises:
            QueryStopped: The watch is closed.
        """
        stop.deadline = time.monotonic() + self._limit_s
        stop.memory = resident_bytes()
        with self._changed:
            if self._closed:
                raise QueryStopped(
                    "The collector is stopping. Repeat the query when it runs again."
                )
            stop.aim(cursor)
            self._running.add(stop)
            self._changed.notify()

    def end(self, stop: Stop) -> None:
        """The query is over; its cursor is not touched any more."""
        stop.aim(None)
        stop.ended.set()
        with self._changed:
            self._running.discard(stop)
            self._given_up.discard(stop)

    def close(self) -> None:
        """Stop what runs and let nothing new begin. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        for stop in self.running:
            stop.now()
        # Longer only where DuckDB does not listen; the thread does not keep the process alive.
        self._thread.join(1.0)

    def _look(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._running or self._closed)
                if self._closed and not self._running:
                    return
            for stop in self.running:
                self._check(stop)
            time.sleep(WATCH_S)

    def _check(self, stop: Stop) -> None:
        now = time.monotonic()
        if stop.reason or self._closed:
            stop.now()
            self._check_stopped(stop, now - stop.stopped)
        elif now >= stop.deadline:
            stop.now("time")
        elif self._grown(stop, self._limit_bytes):
            stop.now("memory")

    def _grown(self, stop: Stop, limit_bytes: int) -> bool:
        """Whether the process holds so much more than when the query began."""
        grown = resident_bytes() - stop.memory
        if grown <= limit_bytes:
            return False
        # Asked only now: the pages that a long scan has read are not the query's own, and never
        # more than the database may take.
        return grown > limit_bytes + self._database_bytes or (
            grown - self._cached_bytes() > limit_bytes
        )

    def _check_stopped(self, stop: Stop, late_s: float) -> None:
        """Give up on a query that DuckDB does not end."""
        if stop in self._given_up or self._closed:
            return
        urgent = late_s > GROWING_S and self._grown(stop, HARD * self._limit_bytes)
        if not urgent and late_s < self._stuck_s:
            return
        self._given_up.add(stop)
        why = (
            f"goes on to take memory {late_s:.0f} s after it was stopped, over {HARD} times "
            f"TELLWHY_QUERY_MEMORY"
            if urgent
            else f"still runs {late_s:.0f} s after it was stopped (TELLWHY_STUCK_QUERY_S)"
        )
        _log.error("A query %s, and DuckDB does not end it: %s", why, stop.about or "unknown")
        if self._on_given_up is not None:
            self._on_given_up(GivenUp(stop, urgent, why))


def _most(text: str) -> float:
    """Bytes of a limit that DuckDB has taken; without end where it is written in a way of its own."""
    try:
        return byte_count(text)
    except SettingsError:
        return float("inf")


def byte_count(text: str) -> int:
    """Bytes of ``1GB``, ``512 MiB`` and the like, as DuckDB reads them.

    Raises:
        SettingsError: It is no amount.
    """
    found = re.fullmatch(r"\s*([\d.]+)\s*([a-zA-Z]*)\s*", text)
    unit = found.group(2).lower() if found else "?"
    if not found or unit not in _UNITS:
        raise SettingsError(
            f"query_memory is {text!r}, which is no amount of memory. Write for example 1GB or 512MiB."
        )
    return int(float(found.group(1)) * _UNITS[unit])


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not tell (outside Linux)."""
    try:
        return int(_STATM.read_text().split()[1]) * _PAGE
    except OSError:
        return 0

"""Ends SQL queries at their limits of time and memory, or when nobody waits for them any more."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal, Protocol

from tellwhy_collector.errors import QueryStopped, SettingsError
from tellwhy_collector.settings import Settings

WATCH_S = 0.05
"""How often the watch looks; an overdue query ends at most this much late, if DuckDB listens."""

Reason = Literal["time", "memory", "gone"]
"""Why a query was stopped: over max_query_s, over query_memory, or its caller has left."""

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
        self.reason: Reason | None = None
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
            self.reason = self.reason or reason
            if self._cursor is not None:
                self._cursor.interrupt()

    def aim(self, cursor: Interruptible | None) -> None:
        """Which cursor to interrupt from now on. After None no interrupt can come any more."""
        with self._lock:
            self._cursor = cursor


class Watch:
    """One thread that looks after all running queries and sleeps while there are none."""

    def __init__(self, settings: Settings, cached_bytes: Callable[[], int]) -> None:
        self._limit_s = settings.max_query_s
        self._limit_bytes = byte_count(settings.query_memory)
        self._cached_bytes = cached_bytes
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
        if stop.reason or self._closed:
            stop.now()
        elif time.monotonic() >= stop.deadline:
            stop.now("time")
        elif (
            (grown := resident_bytes() - stop.memory) > self._limit_bytes
            # Asked only now: the pages that a long scan has read are not the query's own.
            and grown - self._cached_bytes() > self._limit_bytes
        ):
            stop.now("memory")


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

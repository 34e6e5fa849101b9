"""When the steps of a trace have come to rest, what lies across them is worked out again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import duckdb

from tellwhy_collector.store import is_fatal

OnQuiet = Callable[[duckdb.DuckDBPyConnection, Sequence[str]], object]
"""Takes a cursor inside a transaction of its own and trace ids; runs in the writing thread."""

REST_S = 0.5
"""A trace without new steps for this long is quiet. Seconds."""

AT_ONCE = 500
"""Traces in one go: between two goes waiting requests are committed."""

_log = logging.getLogger(__name__)


class Quiet:
    """Which traces have changed, and for how long they have been quiet. For the writing thread."""

    def __init__(self, act: OnQuiet | None, cursor: duckdb.DuckDBPyConnection) -> None:
        self._act = act
        self._cursor = cursor
        self._touched: dict[str, float] = {}
        """Trace id -> when it was last touched, oldest first."""

    def touch(self, traces: Iterable[str]) -> None:
        """New steps of *traces* were committed."""
        if self._act is None:
            return
        now = time.monotonic()
        for trace_id in traces:
            self._touched.pop(trace_id, None)
            self._touched[trace_id] = now

    def wait_s(self) -> float | None:
        """How long until the next trace is quiet; None when there is none."""
        for touched in self._touched.values():
            return max(0.0, touched + REST_S - time.monotonic())
        return None

    def run(self, *, everything: bool = False) -> int:
        """Let the quiet traces be worked out, or *everything* at the end.

        Returns:
            How many goes failed; a failed one is not tried again before its traces change.
        """
        failed = 0
        while due := self._due(everything):
            failed += not self._go(due)
            if not everything:
                break
        return failed

    def _due(self, everything: bool) -> list[str]:
        border = time.monotonic() - REST_S
        due: list[str] = []
        for trace_id, touched in self._touched.items():
            if len(due) >= AT_ONCE or (touched > border and not everything):
                break
            due.append(trace_id)
        for trace_id in due:
            del self._touched[trace_id]
        return due

    def _go(self, traces: Sequence[str]) -> bool:
        if self._act is None:
            return True
        try:
            self._cursor.execute("BEGIN")
            self._act(self._cursor, traces)
            self._cursor.execute("COMMIT")
        except Exception as error:
            if is_fatal(error):
                raise
            with suppress(duckdb.Error):
                self._cursor.execute("ROLLBACK")
            _log.exception("%d traces could not be reconstructed", len(traces))
            return False
        return True

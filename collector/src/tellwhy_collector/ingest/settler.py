"""When the steps of a trace have come to rest, what lies across them is worked out again.

In a thread and transactions of its own: a trace that takes long to work out delays no commit.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import duckdb

from tellwhy_collector.store import Store, is_fatal

OnQuiet = Callable[[duckdb.DuckDBPyConnection, Sequence[str]], object]
"""Takes a cursor with a transaction open and trace ids."""

REST_S = 0.5
"""A trace without new steps for this long is quiet. Seconds."""

RESTLESS_S = 5.0
"""A trace that never rests is worked out this often. Seconds."""

PAUSE_S = 1.5
"""Between two goes: each costs some 50 ms however few its traces are, and nobody waits for it,
because the views compute what is open. Seconds."""

AT_ONCE = 2000
"""Traces in one transaction; what is written stays invisible until its end. At 500 a trace costs
half as much again."""

INTERRUPT_EVERY_S = 0.1
"""While its thread is waited for at the end. Seconds."""

_log = logging.getLogger(__name__)


class Settler:
    """Knows which traces have changed, and lets them be worked out when they are quiet."""

    def __init__(
        self,
        store: Store,
        act: OnQuiet | None,
        on_fatal: Callable[[BaseException], None] | None = None,
        on_settled: Callable[[], None] | None = None,
    ) -> None:
        self.failed = 0
        """Traces that failed; they are tried again when they change."""
        self._act = act
        self._on_fatal = on_fatal
        self._on_settled = on_settled
        self._cursor = store.cursor()
        self._change = threading.Condition()
        self._touched: dict[str, tuple[float, float]] = {}
        """Trace id -> when it was touched first and last since it was worked out."""
        self._ending = False
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tellwhy-settler", daemon=True)

    def start(self) -> None:
        """Begin to work, with what a process that was killed may have left undone."""
        if self._act is None:
            return
        left = self._cursor.execute("SELECT DISTINCT trace_id FROM open_traces").fetchall()
        self.touch(trace_id for (trace_id,) in left)
        self._thread.start()

    def touch(self, traces: Iterable[str]) -> None:
        """Steps of *traces* were committed."""
        if self._act is None:
            return
        now = time.monotonic()
        with self._change:
            for trace_id in traces:
                first, _ = self._touched.get(trace_id, (now, now))
                self._touched[trace_id] = first, now
            self._change.notify()

    @property
    def waiting(self) -> int:
        """Traces that changed since they were worked out."""
        return len(self._touched)

    def stop(self, timeout_s: float) -> bool:
        """Work out what is left, rested or not, then end. Whether that was done in time.

        What was not done stands in ``open_traces`` and is done after the next start.
        """
        with self._change:
            self._ending = True
            self._change.notify()
        if self._thread.ident is None:
            self._cursor.close()
            return True
        self._thread.join(timeout_s)
        if not self._thread.is_alive():
            return True
        self._leaving.set()
        # Again and again: between two statements there is nothing to interrupt. As long as it
        # runs, nobody can close the file.
        while self._thread.is_alive():
            self._cursor.interrupt()
            self._thread.join(INTERRUPT_EVERY_S)
        return False

    def _run(self) -> None:
        try:
            while not self._leaving.is_set() and (due := self._next()):
                self._go(due)
                self._rest()
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            if self._on_fatal is not None:
                self._on_fatal(error)
        finally:
            self._cursor.close()

    def _next(self) -> list[str]:
        """The next traces, when they are quiet; none at the end."""
        with self._change:
            while True:
                now = time.monotonic()
                due = [
                    trace_id
                    for trace_id, (first, last) in self._touched.items()
                    if self._ending or now - last >= REST_S or now - first >= RESTLESS_S
                ][:AT_ONCE]
                if due or self._ending:
                    for trace_id in due:
                        del self._touched[trace_id]
                    return due
                self._change.wait(REST_S / 2 if self._touched else None)

    def _rest(self) -> None:
        """Leave the processor to the writer for a while, unless more than one go is waiting."""
        with self._change:
            self._change.wait_for(
                lambda: self._ending or len(self._touched) > AT_ONCE, timeout=PAUSE_S
            )

    def _go(self, traces: Sequence[str]) -> None:
        assert self._act is not None
        try:
            self._cursor.execute("BEGIN")
            done = self._act(self._cursor, traces)
            self._cursor.execute("COMMIT")
            self.failed += getattr(done, "failed", 0)
            if self._on_settled is not None:
                self._on_settled()
        except duckdb.TransactionException:
            # The writer replaced a pending row meanwhile: look at the trace again, as it is now.
            self._roll_back()
            if not self._ending:
                self.touch(traces)
        except Exception as error:
            if is_fatal(error):
                raise
            self._roll_back()
            if self._leaving.is_set():
                return
            if len(traces) > 1:
                # One of them is to blame: the others must not wait for it.
                for trace_id in traces:
                    self._go([trace_id])
                return
            self.failed += 1
            _log.exception("Trace %s could not be reconstructed.", traces[0])

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):
            self._cursor.execute("ROLLBACK")

"""When traces have been settled, their runs are looked at as a whole, one after the other.

In a thread and transactions of its own, behind everything else: evidence may be late, a commit may
not. What is due stands in the table ``unexplained``, so a process that was killed loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

import duckdb

from tellwhy_collector.ingest.settler import INTERRUPT_EVERY_S
from tellwhy_collector.store import Store, is_fatal

OnSettled = Callable[[duckdb.DuckDBPyConnection, Sequence[str]], object]
"""Takes a cursor with a transaction open and trace ids."""

AT_ONCE = 64
"""Traces in one transaction."""

BUSY_S = 0.25
"""A go that took this long is followed by a pause of the same length, so that ingest, which shares
Python's lock, has at least half of it. Seconds."""

STEP_BACK = 4
"""While requests wait, the pause is so many times as long as the go."""

_DUE = """
    SELECT trace_id, count(*) OVER () FROM unexplained GROUP BY trace_id
    ORDER BY max(start_ns) DESC LIMIT ?
"""

_log = logging.getLogger(__name__)


class Explainer:
    """Looks at what was settled; the newest traces first."""

    def __init__(
        self,
        store: Store,
        act: OnSettled | None,
        on_fatal: Callable[[BaseException], None] | None = None,
        on_explained: Callable[[], object] | None = None,
        is_busy: Callable[[], bool] = lambda: False,
    ) -> None:
        self.done = 0
        """Traces that were looked at."""
        self.failed = 0
        """Runs that could not be looked at."""
        self.waiting = 0
        """Traces that were due when the thread looked last."""
        self._act = act
        self._on_fatal = on_fatal
        self._on_explained = on_explained
        self._is_busy = is_busy
        self._cursor = store.cursor()
        self._due = threading.Event()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tellwhy-explainer", daemon=True)

    def start(self) -> None:
        """Begin to work, with what a process that was killed may have left undone."""
        if self._act is not None:
            self._due.set()
            self._thread.start()

    def settled(self) -> None:
        """Traces were settled and committed."""
        self._due.set()

    def stop(self, timeout_s: float) -> bool:
        """End; what is due stays due for the next start. Whether it ended in time."""
        self._ending.set()
        self._due.set()
        if self._thread.ident is None:
            self._cursor.close()
            return True
        self._thread.join(timeout_s)
        in_time = not self._thread.is_alive()
        # As long as it runs, nobody can close the file.
        while self._thread.is_alive():
            self._cursor.interrupt()
            self._thread.join(INTERRUPT_EVERY_S)
        return in_time

    def _run(self) -> None:
        try:
            while not self._ending.is_set():
                self._due.wait()
                self._due.clear()
                while not self._ending.is_set() and (due := self._next()):
                    began = time.monotonic()
                    self._go(due)
                    self._rest(time.monotonic() - began)
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            if self._on_fatal is not None and not self._ending.is_set():
                self._on_fatal(error)
        finally:
            self._cursor.close()

    def _rest(self, took_s: float) -> None:
        if self._is_busy():
            self._ending.wait(took_s * STEP_BACK)
        elif took_s > BUSY_S:
            self._ending.wait(took_s)

    def _next(self) -> list[str]:
        due = self._cursor.execute(_DUE, [AT_ONCE]).fetchall()
        self.waiting = due[0][1] if due else 0
        return [trace_id for trace_id, _ in due]

    def _go(self, traces: Sequence[str]) -> None:
        assert self._act is not None
        try:
            self._cursor.execute("BEGIN")
            done = self._act(self._cursor, traces)
            self._cursor.execute("COMMIT")
            self.done += len(traces)
            if self._on_explained is not None:
                self._on_explained()
            self.failed += getattr(done, "failed", 0)
        except duckdb.TransactionException:
            # Retention deleted rows of these traces meanwhile: they are looked at again.
            self._roll_back()
            self._ending.wait(BUSY_S)
        except Exception as error:
            if is_fatal(error):
                raise
            self._roll_back()
            if self._ending.is_set():
                return
            if len(traces) > 1:
                for trace_id in traces:
                    self._go([trace_id])
                return
            _log.exception("Trace %s could not be looked at as a whole.", traces[0])
            self.failed += 1
            self._give_up(traces[0])

    def _give_up(self, trace_id: str) -> None:
        """It would fail again: it is due again when it changes."""
        # Retention may delete the same row meanwhile: then it is gone, or tried once more.
        with suppress(duckdb.TransactionException):
            self._cursor.execute("DELETE FROM unexplained WHERE trace_id = ?", [trace_id])

    def _roll_back(self) -> None:
        with suppress(duckdb.Error):
            self._cursor.execute("ROLLBACK")

"""Who asked for what, into the table ``audit``; nobody who asks waits for it.

In a thread and transactions of its own, a moment later. The same question of the same caller is
written at once the first time and then counted, one row after a minute, then after four, sixteen
and every hour: a page that refreshes itself does not bury what people did.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from tellwhy_collector.access import Caller
from tellwhy_collector.store import Store, is_fatal

FLUSH_S = 1.0
"""How long after a question its row is there, at most. Seconds."""

WINDOW_S = 60.0
"""For so long a question that is asked again is counted, at first. Seconds."""

LONGEST_S = 3600.0
"""And at most, when it is asked on and on. Seconds."""

MAX_ENTRIES = 4096
"""Different questions kept at one time; more are not written, but counted."""

MAX_BYTES = 16 * 1024**2
"""Characters of statements and parameters kept at one time, likewise."""

MAX_SQL, MAX_PARAMS, MAX_REASON = 16_384, 4096, 500
"""Characters that are kept of a statement, its parameters, a refusal."""

_NAMES = (
    "time",
    "last_time",
    "times",
    "kind",
    "token",
    "address",
    "user_name",
    "program",
    "run_id",
    "action",
    "sql",
    "params",
    "rows",
    "elapsed_ms",
    "refused",
)
_INSERT = "INSERT INTO audit BY NAME SELECT " + ", ".join(f"unnest(?) AS {n}" for n in _NAMES)
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Entry:
    """One question and what became of it."""

    kind: Literal["", "query", "export", "view", "review", "admin"] = ""
    """Empty: not worth a row."""
    caller: Caller = field(default_factory=Caller)
    run_id: str | None = None
    action: str | None = None
    sql: str | None = None
    params: str | None = None
    rows: int | None = None
    elapsed_ms: float | None = None
    refused: str | None = None

    def key(self) -> tuple[object, ...]:
        """What makes two questions the same."""
        what = self.kind, self.run_id, self.action, self.sql, self.params, self.refused
        return self.caller, *what

    def cut(self) -> None:
        """Shorten what may be long."""
        self.sql = self.sql and self.sql[:MAX_SQL]
        self.params = self.params and self.params[:MAX_PARAMS]
        self.refused = self.refused and self.refused[:MAX_REASON]


@dataclass(slots=True)
class _Count:
    """How often one question was asked since its last row."""

    entry: Entry
    size: int
    window_s: float = WINDOW_S
    window_ends: float = 0.0
    """Of the monotonic clock."""
    times: int = 0
    written: bool = False
    """Whether its first row is written."""
    first: datetime | None = None
    last: datetime | None = None
    elapsed_ms: float | None = None

    def add(self, entry: Entry, now: datetime) -> None:
        self.first = self.first if self.times else now
        self.entry, self.last = entry, now
        self.times += 1
        self.elapsed_ms = max(self.elapsed_ms or 0.0, entry.elapsed_ms or 0.0)

    def row(self) -> tuple[object, ...]:
        it, who = self.entry, self.entry.caller
        row = (
            self.first,
            self.last,
            self.times,
            it.kind,
            who.token,
            who.address,
            who.user or None,
            who.program or None,
            it.run_id,
            it.action,
            it.sql,
            it.params,
            it.rows,
            self.elapsed_ms,
            it.refused,
        )
        self.times, self.elapsed_ms, self.written = 0, None, True
        return row


class Audit:
    """Takes notes from any thread and writes them in its own. Start it, then stop it."""

    def __init__(
        self, store: Store, on_fatal: Callable[[BaseException], None] | None = None
    ) -> None:
        self.written = 0
        """Rows."""
        self.dropped = 0
        """Questions that are in no row, because too many came or the disk was full."""
        self._on_fatal = on_fatal
        self._cursor = store.cursor()
        self._change = threading.Condition()
        self._counts: dict[tuple[object, ...], _Count] = {}
        self._bytes = 0
        self._ending = False
        self._thread = threading.Thread(target=self._run, name="tellwhy-audit", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def note(self, entry: Entry) -> None:
        """Keep *entry* for the next row; returns at once, whatever the database does."""
        if not entry.kind:
            return
        entry.cut()
        key, now = entry.key(), datetime.now(UTC).replace(tzinfo=None)
        size = len(entry.sql or "") + len(entry.params or "") + 1000
        with self._change:
            found = self._counts.get(key)
            if found is None:
                if len(self._counts) >= MAX_ENTRIES or self._bytes + size > MAX_BYTES:
                    self.dropped += 1
                    return
                found = self._counts[key] = _Count(entry, size, WINDOW_S)
                found.window_ends = time.monotonic() + WINDOW_S
                self._bytes += size
                self._change.notify()
            found.add(entry, now)

    def stop(self) -> None:
        """Write what is left, then end."""
        with self._change:
            self._ending = True
            self._change.notify()
        if self._thread.ident is None:
            self._cursor.close()
            return
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._ending:
                with self._change:
                    self._change.wait_for(lambda: self._ending or self._counts)
                    self._change.wait_for(lambda: self._ending, timeout=FLUSH_S)
                self._write(self._due())
            self._write(self._due())
        except BaseException as error:  # noqa: BLE001 - told to the process, which ends
            if self._on_fatal is not None:
                self._on_fatal(error)
        finally:
            self._cursor.close()

    def _due(self) -> list[tuple[object, ...]]:
        """Rows of questions that are new, or whose minute is over; forget what is not needed."""
        now, rows = time.monotonic(), []
        with self._change:
            crowded = len(self._counts) > MAX_ENTRIES / 2 or self._bytes > MAX_BYTES / 2
            for key, count in list(self._counts.items()):
                over, again = now >= count.window_ends, count.written and count.times > 0
                if count.times and (self._ending or crowded or over or not count.written):
                    rows.append(count.row())
                if self._ending or crowded or (over and not again):
                    del self._counts[key]
                    self._bytes -= count.size
                elif over:
                    count.window_s = min(4 * count.window_s, LONGEST_S)
                    count.window_ends = now + count.window_s
        return rows

    def _write(self, rows: Sequence[tuple[object, ...]]) -> None:
        if not rows:
            return
        columns: list[Any] = [list(column) for column in zip(*rows, strict=True)]
        try:
            self._cursor.execute(_INSERT, columns)
        except Exception as error:
            if is_fatal(error):
                raise
            with suppress(Exception):
                self._cursor.execute("ROLLBACK")
            self.dropped += len(rows)
            _log.warning("%d audit rows could not be written: %s", len(rows), error)
        else:
            self.written += len(rows)

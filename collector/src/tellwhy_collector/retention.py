"""Deletes what is older than the operator wants to keep, a little at a time, while ingest goes on.

A trace is old when nothing of it was *received* within the days that are kept: a sender's wrong
clock deletes nothing. It goes whole, out of every table that has a ``trace_id``. Steps that were
read out of log records without a trace have no time of receipt; they go by their own end.

Traces that somebody has given a verdict stay.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from tellwhy_collector.settings import Settings
from tellwhy_collector.store import DATABASE, Store, is_fatal

FIRST_S = 30.0
"""After the start, before the first look. Seconds."""

EVERY_S = 3600.0
"""Between two looks. Seconds."""

PAUSE = 2.0
"""After a transaction, as a multiple of the time that it took: others go first."""

QUICK_S, LONG_S = 0.1, 0.5
"""A transaction that was quicker lets the next one do more; one that was longer, less. Seconds."""

FEWEST, MOST = 256, 8192
"""Traces in one transaction."""

CONFLICTS, CONFLICT_PAUSE_S = 20, 0.1
"""How often a transaction is tried again that met another one, and how long after. Seconds."""

ROWS = 10_000
"""Rows without a trace in one transaction."""

TIMED = (
    ("logs", "received_at"),
    ("metric_points", "received_at"),
    ("audit", "time"),
    ("processes", "last_heard_at"),
    ("missing_spans", "since"),
)
"""Tables whose rows go one by one, and when they came."""

_OLD = """
CREATE OR REPLACE TEMP TABLE old_traces AS
SELECT trace_id, row_number() OVER (ORDER BY last_time) AS place FROM (
    SELECT trace_id, max(received_at) AS last_time
    FROM spans WHERE received_at < $cutoff GROUP BY trace_id
    UNION ALL
    SELECT trace_id, max(coalesce(end_time, start_time)) AS last_time
    FROM steps WHERE source = 'log' GROUP BY trace_id
    HAVING last_time < $cutoff AND trace_id NOT IN (SELECT trace_id FROM spans)
)
WHERE trace_id NOT IN (SELECT trace_id FROM spans WHERE received_at >= $cutoff)
AND trace_id NOT IN (
    SELECT trace_id FROM logs WHERE received_at >= $cutoff AND trace_id IS NOT NULL
)
AND trace_id NOT IN (SELECT trace_id FROM verdicts)
"""
_KEPT_LOGS = """
CREATE OR REPLACE TEMP TABLE kept_traces AS
SELECT DISTINCT trace_id FROM logs
WHERE received_at < $cutoff AND trace_id IN (SELECT trace_id FROM spans)
"""
_TRACED = """
SELECT table_name FROM duckdb_columns() WHERE database_name = ? AND column_name = 'trace_id'
AND table_name IN (SELECT table_name FROM duckdb_tables() WHERE database_name = ?)
"""
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Swept:
    """What was deleted."""

    traces: int = 0
    rows: int = 0
    """Rows of all tables, those of the traces included."""

    def add(self, other: Swept) -> None:
        """Count *other* in."""
        self.traces += other.traces
        self.rows += other.rows


class Retention:
    """Looks every hour for what is too old. Start it, then stop it."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        on_fatal: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.total = Swept()
        """Since the start."""
        self.longest_s = 0.0
        """The longest transaction. Seconds."""
        self._days = settings.retention_days
        self._store = store
        self._on_fatal = on_fatal
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tellwhy-retention", daemon=True)

    def start(self) -> None:
        """Begin to look, if anything is ever too old."""
        if self._days:
            self._thread.start()

    def stop(self) -> None:
        """End after the transaction that runs."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def sweep(self, cutoff: datetime) -> Swept:
        """Delete what was received before *cutoff*, UTC without a time zone; give back how much."""
        swept = Swept()
        cursor = self._store.cursor()
        try:
            self._traces(cursor, cutoff, swept)
            for table, column in TIMED:
                self._rows(cursor, table, column, cutoff, swept)
            # A temporary table belongs to this cursor, but its memory to the database.
            for name in ("old_traces", "kept_traces"):
                cursor.execute(f"DROP TABLE IF EXISTS temp.{name}")
        finally:
            self.total.add(swept)
            cursor.close()
        return swept

    def _run(self) -> None:
        wait_s = FIRST_S
        while not self._ending.wait(wait_s):
            wait_s = EVERY_S
            try:
                cutoff = datetime.now(UTC).replace(tzinfo=None) - timedelta(days=self._days)
                swept = self.sweep(cutoff)
            except Exception as error:  # noqa: BLE001 - the next look may succeed
                if is_fatal(error):
                    if self._on_fatal is not None:
                        self._on_fatal(error)
                    return
                _log.exception("What is too old could not be deleted; tried again in an hour.")
                continue
            if swept.rows:
                _log.warning(
                    "Deleted what was received before %s (TELLWHY_RETENTION_DAYS is %g): %d traces, "
                    "%d rows in all.",
                    f"{cutoff:%Y-%m-%d %H:%M} UTC",
                    self._days,
                    swept.traces,
                    swept.rows,
                )

    def _traces(self, cursor: Any, cutoff: datetime, swept: Swept) -> None:
        """Delete whole traces, those that rest longest first."""
        traced = [name for (name,) in cursor.execute(_TRACED, [DATABASE, DATABASE]).fetchall()]
        cursor.execute(_OLD, {"cutoff": cutoff})
        (found,) = cursor.execute("SELECT count(*) FROM temp.old_traces").fetchall()
        done, size = 0, FEWEST
        while done < found[0] and not self._ending.is_set():
            began = time.monotonic()
            last = min(done + size, found[0])
            if (rows := self._insist(cursor, traced, (done, last), cutoff)) is not None:
                swept.traces += last - done
                swept.rows += rows
            done = last
            took = time.monotonic() - began
            size = min(size * 2, MOST) if took < QUICK_S else size
            size = max(size // 2, FEWEST) if took > LONG_S else size
            self._ending.wait(took * PAUSE)

    def _insist(
        self, cursor: Any, traced: Sequence[str], places: tuple[int, int], cutoff: datetime
    ) -> int | None:
        """Delete some traces; again when they were just being worked out, then leave them."""
        for _ in range(CONFLICTS):
            try:
                with self._transaction(cursor):
                    return _delete(cursor, traced, places, cutoff)
            except duckdb.TransactionException:
                self._ending.wait(CONFLICT_PAUSE_S)
        return None

    def _rows(self, cursor: Any, table: str, column: str, cutoff: datetime, swept: Swept) -> None:
        """Delete rows that belong to no trace, or to one that is gone."""
        old = f"{column} < $cutoff"
        if table == "logs":
            cursor.execute(_KEPT_LOGS, {"cutoff": cutoff})
            old += (
                " AND (trace_id IS NULL OR trace_id NOT IN (SELECT trace_id FROM temp.kept_traces))"
            )
        oldest = f"SELECT max({column}) FROM (SELECT {column} FROM {table} WHERE {old} ORDER BY 1 LIMIT {ROWS})"
        while not self._ending.is_set():
            began = time.monotonic()
            with self._transaction(cursor):
                ((until,),) = cursor.execute(oldest, {"cutoff": cutoff}).fetchall()
                if until is None:
                    return
                swept.rows += cursor.execute(
                    f"DELETE FROM {table} WHERE {old} AND {column} <= $until",
                    {"cutoff": cutoff, "until": until},
                ).fetchall()[0][0]
            self._ending.wait((time.monotonic() - began) * PAUSE)

    @contextmanager
    def _transaction(self, cursor: Any) -> Iterator[None]:
        began = time.monotonic()
        cursor.execute("BEGIN")
        try:
            yield
            cursor.execute("COMMIT")
        except BaseException:
            with suppress(Exception):
                cursor.execute("ROLLBACK")
            raise
        finally:
            self.longest_s = max(self.longest_s, time.monotonic() - began)


def _delete(cursor: Any, traced: Sequence[str], places: tuple[int, int], cutoff: datetime) -> int:
    """Delete the old traces at *places* from the tables; give back the number of rows."""
    first, last = places
    chosen = f"SELECT trace_id FROM temp.old_traces WHERE place > {first} AND place <= {last}"
    rows = 0
    for name in traced:
        # The bound lets DuckDB skip row groups that are younger.
        bound = " AND received_at < $cutoff" if name in {"spans", "logs"} else ""
        cursor.execute(
            f'DELETE FROM "{name}" WHERE trace_id IN ({chosen}){bound}',
            {"cutoff": cutoff} if bound else None,
        )
        rows += cursor.fetchall()[0][0]
    return rows

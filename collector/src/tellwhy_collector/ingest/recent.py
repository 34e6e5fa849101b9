"""Which spans are stored already: the last of them in memory, older ones by asking the table."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb
import pyarrow as pa

CLOCK_SKEW_NS = 10 * 10**9
"""A sender's clock may be wrong by this much before its spans are looked up for safety. (10 s)"""

LOOK_AROUND_NS = 3600 * 10**9
"""How far from the given start a stored span of the same ids is looked for. (1 h)"""

Key = tuple[str, str]
"""trace_id, span_id."""


@dataclass(slots=True)
class Seen:
    """What one group of requests adds; becomes part of `Recent` when the group is committed."""

    ended: dict[Key, None] = field(default_factory=dict)
    pending: dict[Key, int] = field(default_factory=dict)
    """With start_ns."""


_TABLES = {
    "span": ("spans", "true", "epoch_ns(received_at)"),
    "log": ("steps", "source = 'log'", "0"),
}
"""Source -> table, condition, time of receipt. Raw logs carry no ids of their own; their steps do."""


class Recent:
    """The ids of the newest spans, and of every span whose end has not been seen.

    For ``log`` the same of steps that were read out of log records. Not for two threads.
    """

    def __init__(self, source: Literal["span", "log"], limit: int) -> None:
        self.source = source
        self._limit = limit
        self._ended: set[Key] = set()
        self._order: deque[tuple[int, list[Key]]] = deque()
        self._pending: dict[Key, int] = {}
        self._horizon_ns: int | None = None
        """Spans received before this may be forgotten; None: none was."""

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Remember what the table ends with."""
        table, mine, received = _TABLES[self.source]
        found = cursor.execute(
            f"SELECT count(*), coalesce(max(rowid), 0) FROM {table} WHERE {mine}"  # noqa: S608
        ).fetchone()
        count, last = found or (0, 0)
        pending = cursor.execute(
            f"SELECT trace_id, span_id, start_ns FROM {table} WHERE end_ns IS NULL AND {mine}"  # noqa: S608
        ).fetchall()
        self._pending = {(trace_id, span_id): start for trace_id, span_id, start in pending}
        rows = cursor.execute(
            f"SELECT trace_id, span_id, {received} FROM {table} "  # noqa: S608 - our own names
            f"WHERE rowid > ? AND end_ns IS NOT NULL AND {mine} ORDER BY rowid",
            [last - self._limit],
        ).fetchall()
        if rows:
            self._ended = {(trace_id, span_id) for trace_id, span_id, _ in rows}
            self._order.append((rows[-1][2], list(self._ended)))
        if self.source == "span" and count > len(self._ended) + len(self._pending):
            self._horizon_ns = rows[0][2] if rows else time.time_ns()

    def is_ended(self, key: Key) -> bool:
        """Whether the span is stored with its end, as far as memory reaches."""
        return key in self._ended

    def pending_start(self, key: Key) -> int | None:
        """start_ns of a span that is stored without its end; exact for all spans."""
        return self._pending.get(key)

    def may_be_older(self, start_ns: int, end_ns: int | None, now_ns: int) -> bool:
        """Whether a span with these times can be stored beyond what memory reaches.

        It was received after it ended (a pending one after it started), by its sender's clock.
        """
        if self._horizon_ns is None:
            return False
        when = start_ns if end_ns is None else end_ns
        return not self._horizon_ns + CLOCK_SKEW_NS < when < now_ns + CLOCK_SKEW_NS

    def add(self, seen: Seen, now_ns: int) -> None:
        """Take over what a committed group has seen; forget the oldest beyond the limit."""
        for key in seen.ended:
            self._pending.pop(key, None)
        self._ended.update(seen.ended)
        self._pending.update(seen.pending)
        if seen.ended:
            self._order.append((now_ns, list(seen.ended)))
        while len(self._ended) > self._limit and len(self._order) > 1:
            received_ns, keys = self._order.popleft()
            self._ended.difference_update(keys)
            if self.source == "span":
                self._horizon_ns = received_ns


def stored(cursor: duckdb.DuckDBPyConnection, asked: Sequence[tuple[str, str, int]]) -> set[Key]:
    """Which of these spans the table holds with their end.

    Args:
        cursor: Of the writer, inside its transaction.
        asked: trace_id, span_id, start_ns.
    """
    if not asked:
        return set()
    starts = [start for _, _, start in asked]
    cursor.register("asked", _keys(asked))
    try:
        found = cursor.execute(
            "SELECT trace_id, span_id FROM spans SEMI JOIN asked USING (trace_id, span_id) "
            "WHERE end_ns IS NOT NULL AND start_ns BETWEEN ? AND ?",
            [max(0, min(starts) - LOOK_AROUND_NS), max(starts) + LOOK_AROUND_NS],
        ).fetchall()
    finally:
        cursor.unregister("asked")
    return {(trace_id, span_id) for trace_id, span_id in found}


def forget_pending(
    cursor: duckdb.DuckDBPyConnection, gone: Sequence[tuple[str, str, int]], source: str
) -> None:
    """Take rows without an end out of the tables, because their end is about to be stored.

    Args:
        cursor: Of the writer, inside its transaction.
        gone: trace_id, span_id, start_ns of the stored rows.
        source: ``span`` or ``log``: only steps of that source; spans only for ``span``.
    """
    if not gone:
        return
    starts = [start for _, _, start in gone]
    cursor.register("gone", _keys(gone))
    try:
        for target in ("spans", "steps") if source == "span" else ("steps",):
            mine = "" if target == "spans" else f" AND source = '{source}'"
            cursor.execute(
                f"DELETE FROM {target} USING gone WHERE {target}.trace_id = gone.trace_id "  # noqa: S608 - our own names
                f"AND {target}.span_id = gone.span_id AND {target}.end_ns IS NULL "
                f"AND start_ns BETWEEN ? AND ?{mine}",
                [min(starts), max(starts)],
            )
    finally:
        cursor.unregister("gone")


def _keys(triples: Iterable[tuple[str, str, int]]) -> pa.Table:
    rows = list(triples)
    return pa.table(
        {
            "trace_id": pa.array([row[0] for row in rows], pa.string()),
            "span_id": pa.array([row[1] for row in rows], pa.string()),
        }
    )

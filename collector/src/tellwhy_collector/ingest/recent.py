"""Which spans are stored already: the last of them in memory, older ones by asking the table."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import duckdb
import pyarrow as pa

from tellwhy_collector.ingest.columns import PAYLOADS
from tellwhy_collector.ingest.marks import LOST_RANK

CLOCK_SKEW_NS = 10 * 10**9
"""A sender's clock may be wrong by this much before its spans are looked up for safety. (10 s)"""

LOOK_AROUND_NS = 3600 * 10**9
"""How far from the given start a stored span of the same ids is looked for. (1 h)"""

Key = tuple[str, str]
"""trace_id, span_id."""

Open = tuple[int, int]
"""start_ns and rank of a span without an end of its own: pending, or lost with its process."""


@dataclass(slots=True)
class Seen:
    """What one group of requests adds; becomes part of `Recent` when the group is committed."""

    ended: dict[Key, None] = field(default_factory=dict)
    open: dict[Key, Open] = field(default_factory=dict)


_MOVED = " + ".join(
    f"({name} IS NOT NULL)::INTEGER" for name in (*PAYLOADS, "process_instance", "sequence")
)
_TABLES = {
    "span": (
        "spans",
        "true",
        "epoch_ns(received_at)",
        f"len(json_keys(attributes::JSON)) + coalesce(len(json_keys(more_attributes)), 0) + {_MOVED}",
    ),
    "log": ("steps", "source = 'log'", "0", "0"),
}
"""Source -> table, condition, time of receipt, number of attributes. Raw logs carry no ids of their
own; their steps do."""


class Recent:
    """The ids of the newest spans, and of every span whose own end has not been seen.

    For ``log`` the same of steps that were read out of log records. Not for two threads.
    """

    def __init__(self, source: Literal["span", "log"], limit: int) -> None:
        self.source = source
        self._limit = limit
        self._ended: set[Key] = set()
        self._order: deque[tuple[int, list[Key]]] = deque()
        self._open: dict[Key, Open] = {}
        self._horizon_ns: int | None = None
        """Spans received before this may be forgotten; None: none was."""

    def load(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Remember what the table ends with."""
        table, mine, received, rank = _TABLES[self.source]
        counted = cursor.execute(
            f"SELECT count(*), coalesce(max(rowid), 0) FROM {table} WHERE {mine}"  # noqa: S608
        ).fetchone()
        count, last = counted or (0, 0)
        found = cursor.execute(
            f"SELECT trace_id, span_id, start_ns, if(end_ns IS NULL, least({rank}, {LOST_RANK - 1}), {LOST_RANK}) FROM {table} "  # noqa: S608
            f"WHERE (end_ns IS NULL OR lost_reason IS NOT NULL) AND {mine}"
        ).fetchall()
        self._open = {
            (trace_id, span_id): (start, rank) for trace_id, span_id, start, rank in found
        }
        rows = cursor.execute(
            f"SELECT trace_id, span_id, {received} FROM {table} "  # noqa: S608 - our own names
            f"WHERE rowid > ? AND end_ns IS NOT NULL AND lost_reason IS NULL AND {mine} "
            "ORDER BY rowid",
            [last - self._limit],
        ).fetchall()
        if rows:
            self._ended = {(trace_id, span_id) for trace_id, span_id, _ in rows}
            self._order.append((rows[-1][2], list(self._ended)))
        if self.source == "span" and count > len(self._ended) + len(self._open):
            self._horizon_ns = rows[0][2] if rows else time.time_ns()

    def is_ended(self, key: Key) -> bool:
        """Whether the span is stored with its own end, as far as memory reaches."""
        return key in self._ended

    def open_span(self, key: Key) -> Open | None:
        """What is known of a span that is stored without its own end; exact for all spans."""
        return self._open.get(key)

    def remember(self, lost: Mapping[Key, int]) -> None:
        """Spans that were found stored, lost with their process: their start_ns."""
        self._open.update((key, (start_ns, LOST_RANK)) for key, start_ns in lost.items())

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
            self._open.pop(key, None)
        self._ended.update(seen.ended)
        self._open.update(seen.open)
        if seen.ended:
            self._order.append((now_ns, list(seen.ended)))
        while len(self._ended) > self._limit and len(self._order) > 1:
            received_ns, keys = self._order.popleft()
            self._ended.difference_update(keys)
            if self.source == "span":
                self._horizon_ns = received_ns


def stored(
    cursor: duckdb.DuckDBPyConnection, asked: Sequence[tuple[str, str, int]]
) -> tuple[set[Key], dict[Key, int]]:
    """Which of these spans the table holds with their end.

    Args:
        cursor: Of the writer, inside its transaction.
        asked: trace_id, span_id, start_ns.

    Returns:
        Those with an end of their own; those that were lost with their process, and start_ns.
    """
    if not asked:
        return set(), {}
    starts = [start for _, _, start in asked]
    cursor.register("asked", _keys(asked))
    try:
        found = cursor.execute(
            "SELECT trace_id, span_id, start_ns, lost_reason FROM spans SEMI JOIN asked USING (trace_id, span_id) "
            "WHERE end_ns IS NOT NULL AND start_ns BETWEEN ? AND ?",
            [max(0, min(starts) - LOOK_AROUND_NS), max(starts) + LOOK_AROUND_NS],
        ).fetchall()
    finally:
        cursor.unregister("asked")
    ended = {(trace_id, span_id) for trace_id, span_id, _, lost in found if lost is None}
    lost = {(trace_id, span_id): start for trace_id, span_id, start, lost in found if lost}
    return ended, lost


def forget_open(cursor: duckdb.DuckDBPyConnection, gone: Mapping[Key, int], source: str) -> None:
    """Take rows without an end of their own out of the tables: better ones are about to be stored.

    Args:
        cursor: Of the writer, inside its transaction.
        gone: start_ns of the stored rows.
        source: ``span`` or ``log``: only steps of that source; spans only for ``span``.
    """
    if not gone:
        return
    starts = list(gone.values())
    cursor.register("gone", _keys(gone))
    try:
        for target in ("spans", "steps") if source == "span" else ("steps",):
            mine = "" if target == "spans" else f" AND source = '{source}'"
            cursor.execute(
                f"DELETE FROM {target} USING gone WHERE {target}.trace_id = gone.trace_id "  # noqa: S608 - our own names
                f"AND {target}.span_id = gone.span_id "
                f"AND ({target}.end_ns IS NULL OR lost_reason IS NOT NULL) AND start_ns BETWEEN ? AND ?{mine}",
                [min(starts), max(starts)],
            )
    finally:
        cursor.unregister("gone")


def _keys(found: Iterable[tuple[str, ...] | tuple[str, str, int]]) -> pa.Table:
    rows = list(found)
    return pa.table(
        {
            "trace_id": pa.array([row[0] for row in rows], pa.string()),
            "span_id": pa.array([row[1] for row in rows], pa.string()),
        }
    )

"""Which processes speak to this collector, how they are, and which of their spans never came.

A process is remembered from its first span or heartbeat on. Its row is written with every heartbeat,
with every change of what is missing, and else once a second; what a killed collector had not
written of the numbers that it stored is read from ``spans`` when the process speaks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, fields, replace

import duckdb

from tellwhy_collector.ingest.columns import SPANS
from tellwhy_collector.ingest.heartbeats import Heartbeat
from tellwhy_collector.ingest.nouns import Batch

WRITE_EVERY_NS = 10**9
"""How old the row of a process that only sends spans may be. (1 s)"""

DUE_NS = 10 * 10**9
"""A number that was announced so long ago should be stored. (10 s)"""

MAX_REMEMBERED = 10_000
"""Processes in memory; of others the row is read again."""

MAX_HOLES = 10_000
"""Ranges of missing numbers that are kept of one process, the newest."""

Hole = tuple[int, int, int]
"""First and last number that are missing, and when that was seen. Unix nanoseconds."""

_INSTANCE, _SEQUENCE = SPANS.names.index("process_instance"), SPANS.names.index("sequence")
_SERVICE = SPANS.names.index("service_name")


@dataclass(slots=True)
class Row:
    """A row of ``processes``; times in Unix nanoseconds."""

    instance: str
    service_name: str | None = None
    pid: int | None = None
    host: str | None = None
    started_at: int | None = None
    last_seen_at: int | None = None
    last_heard_at: int = 0
    heartbeat_interval_s: float | None = None
    open_spans: int | None = None
    last_sequence: int | None = None
    due_sequence: int | None = None
    stored_sequence: int = 0
    last_stored_at: int | None = None
    dropped_spans: int | None = None
    spool_bytes: int | None = None
    ended_by: str | None = None
    ended_at: int | None = None


@dataclass(slots=True)
class Process:
    """What is known of a process. Replaced, never changed, so that a commit can fail."""

    row: Row
    holes: tuple[Hole, ...] = ()
    announced: tuple[int, int] | None = None
    """A number that was said to be given, and when; the next `Row.due_sequence`."""
    written: Row | None = None
    """As it stands in the table; None when it does not."""
    written_holes: tuple[Hole, ...] = ()

    @property
    def must_be_written(self) -> bool:
        """Whether the table would mislead without it."""
        known = self.written
        return (
            known is None
            or self.holes != self.written_holes
            or self.row.last_seen_at != known.last_seen_at
            or self.row.last_heard_at - known.last_heard_at >= WRITE_EVERY_NS
            # The row claims that something is missing.
            or (known.last_sequence or 0) > known.stored_sequence
        )


_COLUMNS = tuple(item.name for item in fields(Row))
_VALUES = ", ".join(
    f"make_timestamp(unnest(?::BIGINT[]) // 1000) AS {name}"
    if name.endswith("_at")
    else f"unnest(?) AS {name}"
    for name in _COLUMNS
)
_READ = ", ".join(f"epoch_ns({name})" if name.endswith("_at") else name for name in _COLUMNS)
_INSERT = f"INSERT INTO processes BY NAME SELECT {_VALUES}"
_SELECT = f"SELECT {_READ} FROM processes WHERE instance IN (SELECT unnest(?))"  # noqa: S608 - our own names


def watch(cursor: duckdb.DuckDBPyConnection, lost_after_s: float) -> None:
    """Write down that from now on somebody listens, and what it takes for silence."""
    cursor.execute("BEGIN")
    cursor.execute("DELETE FROM watching")
    cursor.execute("INSERT INTO watching VALUES (now()::TIMESTAMP, ?)", [lost_after_s])
    cursor.execute("COMMIT")


class Processes:
    """Processes that spoke lately. For the writing thread alone."""

    def __init__(self) -> None:
        self._known: dict[str, Process] = {}

    def take(
        self, cursor: duckdb.DuckDBPyConnection, batches: Iterable[Batch], now_ns: int
    ) -> list[Process]:
        """What the processes that speak in *batches* are like when those are stored."""
        numbers: dict[str, set[int]] = {}
        services: dict[str, str | None] = {}
        heartbeats: list[Heartbeat] = []
        for batch in batches:
            heartbeats += batch.heartbeats
            for item in batch.items if batch.signal == "traces" else ():
                instance = item.row[_INSTANCE]
                if instance is not None:
                    services[instance] = item.row[_SERVICE]
                    numbers.setdefault(instance, set()).add(item.row[_SEQUENCE] or 0)
        speaking = {*numbers, *(one.instance for one in heartbeats)}
        self._load(cursor, [one for one in speaking if one not in self._known])
        found = {one: self._known.get(one) or Process(Row(one)) for one in speaking}
        for instance, given in numbers.items():
            given.discard(0)
            found[instance] = _heard(found[instance], services[instance], sorted(given), now_ns)
        for heartbeat in sorted(heartbeats, key=lambda one: one.time_ns):
            found[heartbeat.instance] = _told(found[heartbeat.instance], heartbeat, now_ns)
        return list(found.values())

    def write(self, cursor: duckdb.DuckDBPyConnection, found: Sequence[Process]) -> None:
        """Put what has changed into the tables, inside the transaction."""
        due = [one for one in found if one.must_be_written]
        if not due:
            return
        instances = [one.row.instance for one in due]
        cursor.execute("DELETE FROM processes WHERE instance IN (SELECT unnest(?))", [instances])
        columns = zip(*(astuple(one.row) for one in due), strict=True)
        cursor.execute(_INSERT, [list(column) for column in columns])
        for one in due:
            if one.holes != one.written_holes:
                _write_holes(cursor, one)
            one.written, one.written_holes = one.row, one.holes

    def keep(self, found: Iterable[Process]) -> None:
        """Remember what is committed now."""
        for one in found:
            self._known.pop(one.row.instance, None)
            self._known[one.row.instance] = one
        while len(self._known) > MAX_REMEMBERED:
            del self._known[next(iter(self._known))]

    def _load(self, cursor: duckdb.DuckDBPyConnection, instances: list[str]) -> None:
        """Remember what the tables say of *instances*."""
        if not instances:
            return
        rows = [Row(*values) for values in cursor.execute(_SELECT, [instances]).fetchall()]
        if not rows:
            return
        mine = [row.instance for row in rows]
        holes: dict[str, list[Hole]] = {}
        for instance, *hole in cursor.execute(_HOLES, [mine]).fetchall():
            holes.setdefault(instance, []).append((hole[0], hole[1], hole[2]))
        since = min(row.last_heard_at for row in rows) // 1000
        numbers: dict[str, list[int]] = {}
        for instance, number in cursor.execute(_STORED, [since, mine]).fetchall():
            numbers.setdefault(instance, []).append(number)
        for row in rows:
            known = tuple(holes.get(row.instance, ()))
            stored, now = _stored(
                row.stored_sequence, known, numbers.get(row.instance, []), row.last_heard_at
            )
            self._known[row.instance] = Process(
                replace(row, stored_sequence=stored), now, written=row, written_holes=known
            )


_HOLES = """
    SELECT instance, first_sequence, last_sequence, epoch_ns(since) FROM missing_spans
    WHERE instance IN (SELECT unnest(?)) ORDER BY first_sequence
"""
_STORED = """
    SELECT process_instance, sequence FROM spans
    WHERE received_at >= make_timestamp(?) AND process_instance IN (SELECT unnest(?))
    AND sequence IS NOT NULL ORDER BY sequence
"""


def _heard(known: Process, service: str | None, numbers: list[int], now_ns: int) -> Process:
    """*known* after spans with these sequence numbers, in order."""
    row = replace(known.row, last_heard_at=now_ns)
    row.service_name = row.service_name or service
    if not numbers:
        return replace(known, row=row)
    row.stored_sequence, holes = _stored(row.stored_sequence, known.holes, numbers, now_ns)
    row.last_stored_at = now_ns
    return replace(known, row=row, holes=holes)


def _stored(
    highest: int, holes: tuple[Hole, ...], numbers: list[int], now_ns: int
) -> tuple[int, tuple[Hole, ...]]:
    """The highest stored number and what is missing below it, when *numbers* are stored too."""
    found = list(holes)
    for first, last in _ranges(numbers):
        if first <= highest and found:
            found = [part for hole in found for part in _without(hole, first, last)]
        if first > highest + 1:
            found.append((highest + 1, first - 1, now_ns))
        highest = max(highest, last)
    return highest, tuple(found[-MAX_HOLES:])


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Ascending numbers as ranges."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number <= found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _without(hole: Hole, first: int, last: int) -> list[Hole]:
    """What is left of *hole* when the numbers from *first* to *last* have come."""
    begin, end, since = hole
    if last < begin or first > end:
        return [hole]
    parts = [(begin, first - 1, since), (last + 1, end, since)]
    return [part for part in parts if part[0] <= part[1]]


def _told(known: Process, heartbeat: Heartbeat, now_ns: int) -> Process:
    """*known* after a heartbeat; the newest counts, whatever the order in which they come."""
    row, announced = replace(known.row), known.announced
    is_newest = heartbeat.time_ns >= (row.last_seen_at or 0)
    said = {
        "service_name": heartbeat.service_name,
        "pid": heartbeat.pid,
        "host": heartbeat.host,
        "started_at": heartbeat.started_ns,
        "heartbeat_interval_s": heartbeat.interval_s,
        "open_spans": heartbeat.open_spans,
        "spool_bytes": heartbeat.spool_bytes,
    }
    for name, value in said.items():
        if value is not None and (is_newest or getattr(row, name) is None):
            setattr(row, name, value)
    row.dropped_spans = _greater(row.dropped_spans, heartbeat.dropped_spans)
    row.last_sequence = _greater(row.last_sequence, heartbeat.sequence)
    if is_newest:
        row.last_seen_at, row.last_heard_at = heartbeat.time_ns, now_ns
        row.ended_by = heartbeat.ended_by
        row.ended_at = heartbeat.time_ns if heartbeat.ended_by else None
    if row.last_sequence is not None:
        if announced is not None and now_ns - announced[1] >= DUE_NS:
            row.due_sequence, announced = announced[0], None
        announced = announced or (row.last_sequence, now_ns)
    return replace(known, row=row, announced=announced)


def _greater(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else max(one, other)


def _write_holes(cursor: duckdb.DuckDBPyConnection, process: Process) -> None:
    """Bring ``missing_spans`` up to date for one process."""
    before, now = set(process.written_holes), set(process.holes)
    instance = process.row.instance
    if gone := [first for first, _, _ in before - now]:
        cursor.execute(
            "DELETE FROM missing_spans WHERE instance = ? AND first_sequence IN (SELECT unnest(?))",
            [instance, gone],
        )
    if new := sorted(now - before):
        firsts, lasts, since = zip(*new, strict=True)
        cursor.execute(
            "INSERT INTO missing_spans SELECT ?, unnest(?), unnest(?), "
            "make_timestamp(unnest(?::BIGINT[]) // 1000)",
            [instance, list(firsts), list(lasts), list(since)],
        )

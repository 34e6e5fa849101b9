"""Reads quiet traces, reconstructs them and writes the outcome. Runs in the writer's transaction.

Takes a cursor and says SQL; opening, committing and when a trace is quiet are the writer's.
"""

import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import orjson

from tellwhy_collector.reconstruct import Duplicate, Reconstruction, reconstruct
from tellwhy_collector.reconstruct.adoption import adopt
from tellwhy_collector.reconstruct.plain import plain_traces
from tellwhy_collector.reconstruct.resumes import carry_over
from tellwhy_collector.reconstruct.rows import COLUMNS, HEAVY_COLUMNS, cell_of, step_of_row
from tellwhy_collector.reconstruct.sessions import gather
from tellwhy_collector.reconstruct.settled import (
    Cursor,
    first_start,
    lay_out,
    lay_out_again,
    write_rows,
)
from tellwhy_collector.records import Step

MAX_CHARACTERS = 64 * 1024**2
"""Payload that is held in memory at once. A longer trace is read without `HEAVY_COLUMNS`: its
duplicates are found all the same, results are not read out of its requests."""

TRACES_AT_ONCE = 2048
"""Planning its statements is half of what a go of 500 traces costs."""

DERIVED = ("start_time", "end_time", "duration_ns")
"""Columns of the table that a step has no field for."""


_log = logging.getLogger(__name__)


class Settled(NamedTuple):
    """What a call of `settle` did."""

    traces: int = 0
    duplicates: int = 0
    changed: int = 0
    added: int = 0
    failed: int = 0
    """Traces that could not be looked at as a whole; their steps stand as they were read."""


class _Found(NamedTuple):
    """A trace as it was read and as it reads now."""

    trace_id: str
    before: dict[str, Step]
    outcome: Reconstruction


def settle(cursor: Cursor, trace_ids: Iterable[str]) -> Settled:
    """Reconstruct these traces and bring all that is worked out from their steps up to date.

    Safe to repeat: what an earlier call inferred is replaced.

    Args:
        cursor: Of the writer, with a transaction open.
        trace_ids: Traces that have been quiet for a while; late records make them come again.
    """
    total, failed = Settled(), 0
    wanted = sorted(set(trace_ids))
    if not wanted:
        return total
    since = first_start(cursor, wanted)
    if moved := adopt(cursor, wanted, since) | gather(cursor, wanted, since):
        wanted = sorted(moved.union(wanted))
        since = first_start(cursor, wanted)
        # A trace may be left without steps: nothing below would close it.
        lay_out(cursor, sorted(moved), since)
        write_rows(cursor, sorted(moved), since)
    for chunk, light in _chunks(cursor, wanted, since):
        found = []
        lay_out(cursor, chunk, since)
        plain = plain_traces(cursor)
        looked_at = [trace_id for trace_id in chunk if trace_id not in plain]
        for trace_id, steps in _read(cursor, looked_at, since, light=light):
            outcome = _outcome(trace_id, steps)
            failed += outcome is None
            before = {step.span_id: step for step in steps}
            found.append(_Found(trace_id, before, outcome or Reconstruction([], [], [])))
        _write(cursor, chunk, found, since, light=light)
        lay_out_again(cursor, looked_at, since)
        write_rows(cursor, chunk, since)
        carry_over(cursor, chunk, since)
        total = Settled(
            total.traces + len(found) + len(plain),
            total.duplicates + sum(len(one.duplicates) for _, _, one in found),
            total.changed + sum(len(one.changed) for _, _, one in found),
            total.added + sum(len(one.added) for _, _, one in found),
            failed,
        )
    return total


def _outcome(trace_id: str, steps: Sequence[Step]) -> Reconstruction | None:
    """None when a trace is such that our own code fails on it: the others must not wait for it."""
    try:
        return reconstruct(steps)
    except Exception:  # noqa: BLE001 - whatever it is, the other traces go on
        _log.exception("Trace %s could not be reconstructed; its steps stand as read.", trace_id)
        return None


def _chunks(
    cursor: Cursor, trace_ids: Sequence[str], since_ns: int
) -> Iterator[tuple[list[str], bool]]:
    """Traces that fit into memory together, and whether they are to be read without payload."""
    lengths = " + ".join(
        f"coalesce(length({name}), 0)"
        for name in (*HEAVY_COLUMNS, "output_messages", "tool_result")
    )
    sizes = cursor.execute(
        f"SELECT trace_id, sum({lengths}) FROM steps WHERE start_ns >= ?"  # noqa: S608 - our names
        " AND trace_id IN (SELECT unnest(?)) GROUP BY trace_id ORDER BY trace_id",
        [since_ns, list(trace_ids)],
    ).fetchall()
    chunk: list[str] = []
    held = 0
    for trace_id, size in sizes:
        if size > MAX_CHARACTERS:
            yield [trace_id], True
            continue
        if held + size > MAX_CHARACTERS or len(chunk) == TRACES_AT_ONCE:
            yield chunk, False
            chunk, held = [], 0
        chunk.append(trace_id)
        held += size
    if chunk:
        yield chunk, False


def _read(
    cursor: Cursor, trace_ids: list[str], since_ns: int, *, light: bool
) -> Iterator[tuple[str, list[Step]]]:
    if not trace_ids:
        return
    names = ", ".join(f"NULL AS {n}" if light and n in HEAVY_COLUMNS else n for n in COLUMNS)
    result = cursor.execute(
        f"SELECT {names} FROM steps WHERE start_ns >= ? AND source <> 'steps'"  # noqa: S608 - our names
        " AND trace_id IN (SELECT unnest(?))",
        [since_ns, trace_ids],
    )
    by_trace: dict[str, list[Step]] = {}
    for row in result.fetchall():
        step = step_of_row(dict(zip(COLUMNS, row, strict=True)))
        by_trace.setdefault(step.trace_id, []).append(step)
    yield from by_trace.items()


def _write(
    cursor: Cursor, trace_ids: list[str], found: list[_Found], since_ns: int, *, light: bool
) -> None:
    mine = "WHERE trace_id IN (SELECT unnest(?))"
    known = cursor.execute(f"DELETE FROM step_duplicates {mine}", [trace_ids]).fetchone()  # noqa: S608 - constant
    if known[0]:
        cursor.execute(
            f"UPDATE steps SET duplicate_of = NULL {mine} AND duplicate_of IS NOT NULL"  # noqa: S608 - constant
            " AND start_ns >= ?",
            [trace_ids, since_ns],
        )
    inferred = "source = 'steps' AND start_ns >= ?"
    cursor.execute(f"DELETE FROM steps {mine} AND {inferred}", [trace_ids, since_ns])  # noqa: S608 - constant
    duplicates = [
        {"trace_id": trace_id, **duplicate._asdict()}
        for trace_id, _, one in found
        for duplicate in one.duplicates
    ]
    _insert(cursor, "step_duplicates", tuple(Duplicate._fields), duplicates)
    marks = [{**one, "duplicate_of": one["kept_span_id"]} for one in duplicates]
    if marks:
        _update(cursor, ("duplicate_of",), marks, since_ns)
    added = [
        {name: cell_of(step, name) for name in (*COLUMNS, *DERIVED)}
        for _, _, one in found
        for step in one.added
    ]
    _insert(cursor, "steps", (*COLUMNS, *DERIVED), added)
    changes: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for _, before, one in found:
        for step in one.changed:
            names = _changed_columns(before[step.span_id], step, light=light)
            row = {name: cell_of(step, name) for name in ("trace_id", "span_id", *names)}
            changes.setdefault(names, []).append(row)
    for names, rows in changes.items():
        _update(cursor, names, rows, since_ns)


def _changed_columns(before: Step, after: Step, *, light: bool) -> tuple[str, ...]:
    unread = HEAVY_COLUMNS if light else ()
    return tuple(
        name
        for name in COLUMNS
        if name not in unread and getattr(before, name) != getattr(after, name)
    )


def _insert(
    cursor: Cursor, table: str, columns: tuple[str, ...], rows: list[dict[str, Any]]
) -> None:
    if not rows:
        return
    columns = columns if "trace_id" in columns else ("trace_id", *columns)
    values = ", ".join(_value(name) for name in columns)
    cursor.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {_table(columns)}",  # noqa: S608 - our names
        [orjson.dumps(rows).decode()],
    )


def _update(
    cursor: Cursor, columns: tuple[str, ...], rows: list[dict[str, Any]], since_ns: int
) -> None:
    if not columns:
        return
    sets = ", ".join(f"{name} = r.{name}" for name in columns)
    cursor.execute(
        f"UPDATE steps SET {sets} FROM {_table(('trace_id', 'span_id', *columns))}"  # noqa: S608 - our names
        " WHERE steps.trace_id = r.trace_id AND steps.span_id = r.span_id"
        " AND steps.start_ns >= ?",
        [orjson.dumps(rows).decode(), since_ns],
    )


def _value(column: str) -> str:
    return f"make_timestamp(r.{column})" if column.endswith("_time") else f"r.{column}"


def _table(columns: tuple[str, ...]) -> str:
    """One JSON parameter as a table ``r``: as fast as Arrow and without it."""
    types = {name: _TYPES.get(name, "VARCHAR") for name in columns}
    structure = orjson.dumps([types]).decode()
    return f"(SELECT unnest(from_json(?, '{structure}'), recursive := true)) r"


_TYPES = {
    name: "BIGINT"
    for name in (*COLUMNS, *DERIVED)
    if name.endswith(("_tokens", "_ns", "_time")) or name == "attempts"
} | {"cost_usd": "DOUBLE", "inferred": "BOOLEAN", "unapproved": "BOOLEAN"}

"""Keeps beside each replay how it differs from the run that it replays.

Takes a cursor and says SQL, as `explaining` does, which calls it when its own rows stand.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from tellwhy_collector.errors import NotFound
from tellwhy_collector.reconstruct.aligning import aligned, first_change
from tellwhy_collector.reconstruct.compared import argument_differences, side_of
from tellwhy_collector.reconstruct.rows import json_text
from tellwhy_collector.reconstruct.settled import Cursor

TABLES = ("branches", "branch_decisions")

_log = logging.getLogger(__name__)

Said = dict[str, Any]


def write_branches(cursor: Cursor, trace_ids: Sequence[str], since_ns: int) -> None:
    """Write how the replays among these traces, and those of runs in them, differ from their runs.

    Args:
        cursor: With a transaction open.
        trace_ids: Traces that were just looked at; their rows here are gone.
        since_ns: No step of them starts before.
    """
    if not _anything(cursor):
        return
    told = cursor.execute(_TOLD, [list(trace_ids), since_ns]).fetchall()
    again = cursor.execute(_AGAIN, [list(trace_ids), since_ns]).fetchall()
    for row in again:
        for table in TABLES:
            cursor.execute(
                f"DELETE FROM {table} WHERE trace_id = ? AND run_id = ?",  # noqa: S608 - our names
                list(row[:2]),
            )
    for trace_id, run_id, start_ns, text in [*told, *again]:
        said = _read(text)
        if said is None:
            continue
        try:
            _write(cursor, {"trace_id": trace_id, "run_id": run_id, "start_ns": start_ns}, said)
        except Exception:  # noqa: BLE001 - whatever it is, the rest of the trace stands
            _log.exception("The replay %s could not be compared with its run.", run_id)


def _anything(cursor: Cursor) -> bool:
    """Whether anybody ever sent a replay: nearly nobody does with every run."""
    found = cursor.execute("SELECT EXISTS (FROM recorded_values WHERE kind = 'branch')").fetchone()
    return bool(found[0])


def _write(cursor: Cursor, key: Said, said: Said) -> None:
    row = key | {
        "parent_run_id": said["run_id"],
        "parent_trace_id": None,
        "from_span_id": said.get("from") or None,
        "edits": json_text(said.get("edits") or {}),
        "live_tools": json_text(said.get("live_tools") or []),
        "pairs": None,
        "same": None,
        "first_place": None,
    }
    pairs: list[Said] = []
    try:
        before = side_of(cursor, said["run_id"])
        after = side_of(cursor, key["run_id"])
    except NotFound:
        _insert(cursor, "branches", [row])
        return
    found = aligned(before.choices, after.choices)
    for place, each in enumerate(found):
        one, other = each.before, each.after
        sides = (
            before.decisions[one.decision_id] if one else None,
            after.decisions[other.decision_id] if other else None,
        )
        pairs.append(
            key
            | {
                "place": place,
                "change": each.change,
                "moved": each.moved,
                "before_decision_id": one and one.decision_id,
                "after_decision_id": other and other.decision_id,
                "differences": json_text(argument_differences(*sides)),
                "saw": json_text(each.saw),
            }
        )
    row |= {
        "parent_trace_id": before.run["trace_id"],
        "pairs": len(found),
        "same": sum(each.change == "same" for each in found),
        "first_place": first_change(found),
    }
    _insert(cursor, "branches", [row])
    _insert(cursor, "branch_decisions", pairs)


def _read(text: str) -> Said | None:
    """What a tracer said; None when it is not shaped so."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) and isinstance(said.get("run_id"), str) else None


def _insert(cursor: Cursor, table: str, rows: Sequence[Said]) -> None:
    for values in _in_parts(rows):
        names = ", ".join(values[0])
        marks = f"({', '.join('?' * len(values[0]))})"
        cursor.execute(
            f"INSERT INTO {table} ({names}) VALUES {', '.join([marks] * len(values))}",  # noqa: S608 - our names
            [cell for row in values for cell in row.values()],
        )


def _in_parts(rows: Sequence[Said], size: int = 200) -> Iterator[Sequence[Said]]:
    for at in range(0, len(rows), size):
        yield rows[at : at + size]


_TOLD = """
    SELECT v.trace_id, any_value(s.run_id), any_value(s.start_ns), any_value(v.value)
    FROM recorded_values v JOIN steps s ON s.trace_id = v.trace_id AND s.span_id = v.span_id
    WHERE v.kind = 'branch' AND v.trace_id IN (SELECT unnest($1)) AND v.start_ns >= $2
        AND s.trace_id IN (SELECT unnest($1)) AND s.start_ns >= $2
    GROUP BY v.trace_id, v.span_id
"""

_AGAIN = """
    SELECT b.trace_id, b.run_id, b.start_ns, any_value(v.value)
    FROM branches b
    JOIN recorded_values v ON v.kind = 'branch' AND v.trace_id = b.trace_id AND v.start_ns = b.start_ns
    WHERE b.trace_id NOT IN (SELECT unnest($1)) AND (
        b.parent_trace_id IN (SELECT unnest($1))
        OR (b.parent_trace_id IS NULL AND b.parent_run_id IN (
            SELECT run_id FROM steps WHERE trace_id IN (SELECT unnest($1)) AND start_ns >= $2))
    )
    GROUP BY b.trace_id, b.run_id, b.start_ns
"""

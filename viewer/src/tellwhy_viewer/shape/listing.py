"""Rows of the list pages: runs as a table, answers of the SQL page as cells of plain text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tellwhy_viewer.shape.text import glance, one_line, visible

Row = dict[str, Any]

STATUS_MARK = {
    "running": "◌ running",
    "succeeded": "✓ succeeded",
    "failed": "✕ failed",
    "denied": "✕ denied",
    "lost": "✕ died",
    "unknown": "· unknown",
}
"""Status → how tables of text say it; the mark says it without colour too."""

STATUSES = tuple(STATUS_MARK)
"""Every status of a run, as the filter offers them."""

MAX_CELL = 2_000
"""Most characters of one cell; the file export has the whole value."""


def runs_table(
    rows: Sequence[Row], *, shapes: Sequence[Row] = (), marks: Sequence[Row] = ()
) -> list[Row]:
    """Give one row of the list for each run, in the order given; texts as they are.

    Args:
        rows: Runs.
        shapes: What went on in them, in equal parts of their time.
        marks: What rules found and reviewers said of them.
    """
    parts: dict[str, list[list[int]]] = {}
    for one in shapes:
        told = [int(one[name]) for name in ("part", "steps", "errors", "people")]
        parts.setdefault(one["run_id"], []).append(told)
    seen = {one["run_id"]: one for one in marks}
    return [
        {
            "id": row["run_id"],
            "started": row["start_time"],
            "agent": (row["agent_name"] or row["service_name"] or "unnamed")[:120],
            "version": (row["agent_version"] or "")[:40],
            "task": _task(row),
            "status": row["status"],
            "died": row["died_in"],
            "took_ms": None if row["duration_ns"] is None else row["duration_ns"] / 1e6,
            "decisions": row["decisions"],
            "errors": row["errors"],
            "approvals": row["approvals"],
            "tokens": row["tokens"],
            "cost_usd": row["cost_usd"],
            "models": (row["models"] or "")[:200],
            "parts": sorted(parts.get(row["run_id"], [])),
            "findings": seen.get(row["run_id"], {}).get("findings") or 0,
            "worst": seen.get(row["run_id"], {}).get("worst_severity"),
            "reviewed": seen.get(row["run_id"], {}).get("reviewed_decisions") or 0,
            "wrong": seen.get(row["run_id"], {}).get("wrong_decisions") or 0,
        }
        for row in rows
    ]


def _task(row: Row) -> str:
    return glance(row["task"], 160) or row["name"] or ""


def moment(text: str | None) -> datetime | None:
    """Give a time as the collector writes it; without a zone it is UTC."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def took(duration_ns: int | None) -> str:
    """Give a duration as a person says it: ``812 ms``, ``4.4 s``, ``18 m 41 s``, ``2 h 05 m``."""
    if duration_ns is None:
        return "…"
    ms = duration_ns / 1e6
    if ms < 1_000:
        return f"{ms:.0f} ms"
    if ms < 60_000:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 3_600:
        return f"{seconds // 60} m {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} m"


def count(runs: int, cap: int) -> str:
    """Give an exact count, or the cap with a plus."""
    return f"{cap:,}+" if runs > cap else f"{runs:,}"


def tokens(number: int | None) -> str:
    """Give a token count short: ``275``, ``15.7k``, ``4.8M``."""
    if number is None:
        return "-"
    if number >= 1_000_000:
        return f"{number / 1e6:.1f}M"
    return f"{number / 1e3:.1f}k" if number >= 1_000 else str(number)


def cell(value: Any) -> Any:
    """Give *value* as a table cell: numbers, times and truth stay, all else is plain visible text."""
    if value is None or isinstance(value, bool | int | float | datetime):
        return value
    return visible(value if isinstance(value, str) else one_line(value, MAX_CELL))[:MAX_CELL]


def columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    """Give an answer as column → cells; repeated or hostile names are made distinct and visible."""
    table: dict[str, list[Any]] = {}
    for at, name in enumerate(names):
        shown = visible(name) or f"column {at + 1}"
        while shown in table:
            shown += "*"
        table[shown] = _alike([cell(row[at]) for row in rows])
    return table


def _alike(cells: list[Any]) -> list[Any]:
    """Turn a column of mixed kinds into text: a table column has one kind."""
    kinds = {
        bool if isinstance(value, bool) else type(value) for value in cells if value is not None
    }
    if len(kinds) <= 1 or kinds == {int, float}:
        return cells
    return [None if value is None else str(value) for value in cells]

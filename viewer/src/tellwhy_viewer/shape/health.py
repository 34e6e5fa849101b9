"""Numbers of the health page: what stands in its figures and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellwhy_viewer.shape.listing import moment, tokens, took
from tellwhy_viewer.shape.text import visible

Row = dict[str, Any]

UNKNOWN = "\u2013"
"""Stands where a number is not known."""


def figures(rows: Sequence[Row], findings: int) -> list[tuple[str, str, str | None, str]]:
    """Give each figure of the page: label, value, change against the time before, which way is good.

    Args:
        rows: The overview: this time, and the one before it where that had runs.
        findings: How many findings this time has.

    Returns:
        The last is ``normal`` where more is good, ``inverse`` where less is, ``off`` for neither.
    """
    now = next((row for row in rows if row["now"]), None)
    before = next((row for row in rows if not row["now"]), None)
    if now is None:
        return []
    ended, rate = _rate(now)
    _, earlier = _rate(before) if before else (0, None)
    points = None if rate is None or earlier is None else f"{100 * (rate - earlier):+.1f} points"
    return [
        ("Runs", f"{now['runs']:,}", _change(now, before, "runs"), "off"),
        (
            "Succeeded",
            UNKNOWN if rate is None else f"{rate:.1%}",
            points if ended else None,
            "normal",
        ),
        ("p95 of runs", _took(now["p95_ms"]), _change(now, before, "p95_ms"), "inverse"),
        ("Cost", money(now["cost_usd"]), _change(now, before, "cost_usd"), "inverse"),
        (
            "Cost per success",
            money(now["cost_per_success_usd"]),
            _change(now, before, "cost_per_success_usd"),
            "inverse",
        ),
        ("Tokens", tokens(now["tokens"]), _change(now, before, "tokens"), "off"),
        ("Findings per run", f"{findings / now['runs']:.2f}", None, "off"),
    ]


def _rate(row: Row) -> tuple[int, float | None]:
    """Ended runs, and the share of them that succeeded."""
    ended = row["runs"] - row["running"]
    return ended, row["succeeded"] / ended if ended else None


def _change(now: Row, before: Row | None, name: str) -> str | None:
    if before is None or not before[name] or now[name] is None:
        return None
    return f"{now[name] / before[name] - 1:+.0%}"


def _took(ms: float | None) -> str:
    return UNKNOWN if ms is None else took(round(ms * 1e6))


def money(usd: float | None) -> str:
    """Give dollars with as many places as say something."""
    if usd is None:
        return UNKNOWN
    return f"${usd:,.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}"


def table(rows: Sequence[Row], names: dict[str, str]) -> list[Row]:
    """Give rows under the headings of *names* (column → heading), texts safe to show, times as such."""
    return [{head: _cell(name, row[name]) for name, head in names.items()} for row in rows]


def _cell(name: str, value: Any) -> Any:
    if name.endswith("_time"):
        return moment(value)
    return visible(value) if isinstance(value, str) else value


def series(rows: Sequence[Row]) -> list[Row]:
    """Give chart rows whose names are safe to show and short."""
    return [{**row, "series": visible(row["series"] or "unnamed")[:60]} for row in rows]

"""Health: what agents cost, how long they take, how often they fail, what was found in them."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.client import CollectorError
from tellwhy_viewer.parts import asked, charts, clock, states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.queries import Query, health
from tellwhy_viewer.shape import health as shape
from tellwhy_viewer.shape.clock import shift
from tellwhy_viewer.shape.text import visible

WINDOWS = {
    "24 hours": (86_400, "hour"),
    "7 days": (604_800, "day"),
    "30 days": (2_592_000, "day"),
    "90 days": (7_776_000, "day"),
}
"""Choice of time → seconds back from now, and the width of a bar."""

BY = {"Agent": "agent", "Model": "model", "Provider": "provider"}
"""What cost and tokens are told by."""

_SECONDS = st.column_config.NumberColumn(format="%.2f s")
_SHARE = st.column_config.NumberColumn(format="percent")
_MONEY = st.column_config.NumberColumn(format="$%.4f")
_MANY = st.column_config.NumberColumn(format="compact")
COLUMNS: dict[str, Any] = {
    "p50": _SECONDS,
    "p95": _SECONDS,
    "Succeeded": _SHARE,
    "Failed": _SHARE,
    "Cached": _SHARE,
    "Share": st.column_config.ProgressColumn(format="percent", min_value=0, max_value=1),
    "Cost": _MONEY,
    "Cost per success": _MONEY,
    "Findings per run": st.column_config.NumberColumn(format="%.2f"),
    "Tokens": _MANY,
    "Tokens in": _MANY,
    "Tokens out": _MANY,
    "Last 30, failed": st.column_config.BarChartColumn(y_min=0, y_max=1),
}
"""How columns are written, by their heading."""

Row = dict[str, Any]


def page() -> None:
    """Draw the choices, the figures, the charts and the tables."""
    try:
        agents = [row["agent_name"] for row in collector().sql(queries.AGENTS.sql).dicts()]
        with st.container(key="choices"):
            values, by = _chosen(agents)
        _all(values, by)
    except CollectorError as error:
        states.trouble(error)


def _chosen(agents: list[str]) -> tuple[Row, str]:
    """Draw the choices; what they hold stands in the address too."""
    window, agent, split = st.columns([3, 2, 2], vertical_alignment="bottom")
    chosen = window.segmented_control(
        "Time", list(WINDOWS), default="7 days", required=True, key="time", bind="query-params"
    )
    of = agent.selectbox(
        "Agent",
        agents,
        index=None,
        key="health_of",
        placeholder="All",
        format_func=visible,
        bind="query-params",
    )
    by = split.segmented_control(
        "Cost and tokens by",
        list(BY),
        default="Model",
        required=True,
        key="split",
        bind="query-params",
    )
    seconds, step = WINDOWS[chosen or "7 days"]
    # Not to the nanosecond: the collector counts a question that a rerun repeats as one.
    since_ns = time.time_ns() // 60_000_000_000 * 60_000_000_000 - seconds * 10**9
    before_ns = since_ns - seconds * 10**9
    turned = shift(ZoneInfo(clock.zone()), since_ns, since_ns + seconds * 10**9)
    values = {"agent": of, "since_ns": since_ns, "before_ns": before_ns, "step": step, **turned}
    return values, by or "Model"


def _ask(query: Query, values: Row) -> list[Row]:
    """Ask with those of *values* that the question takes."""
    return collector().sql(query.sql, query.bind(**_taken(query, values))).dicts()


def _taken(query: Query, values: Row) -> Row:
    return {name: values[name] for name in query.params}


def _all(values: Row, by: str) -> None:
    values = {**values, "by": BY[by]}
    overview = _ask(health.OVERVIEW, values)
    found = _ask(health.RULES, values)
    if not any(row["now"] for row in overview):
        states.nothing(
            "No runs in this time",
            "Choose a longer time, or another agent. The page fills as agents send runs.",
            key="health_empty",
        )
        return
    with st.container(key="figures"):
        _figures(overview, sum(row["findings"] for row in found), values)
    pace = _ask(health.PACE, values)
    left, right = st.columns(2)
    with left:
        _card("Runs by ending", health.ENDINGS, values, partial(_endings, values))
        _card(
            "Time taken: half, and 95 of 100 (dashed)",
            health.PACE,
            values,
            partial(_times, values),
            pace,
        )
        _card(f"Tokens by {by.lower()}", health.TOKENS, values, partial(_spent, values, "~s"))
    with right:
        _card(f"Cost by {by.lower()}", health.COST, values, partial(_spent, values, "$.2~f"))
        _card("Share that failed", health.PACE, values, partial(_failing, values), pace)
        _card("Findings by rule", health.RULES, values, _rules, found)
    for title, query, names in TABLES:
        _card(title, query, values, partial(_table, names))


def _figures(overview: list[Row], findings: int, values: Row) -> None:
    shown = shape.figures(overview, findings)
    for column, (label, value, change, good) in zip(st.columns(len(shown)), shown, strict=True):
        column.metric(label, value, change, delta_color=good, border=True)  # type: ignore[arg-type]
    said, button = st.columns([9, 1], vertical_alignment="center")
    said.caption(f"Changes are against as long a time before. Times in {clock.zone()}.")
    with button:
        asked.shown(health.OVERVIEW, _taken(health.OVERVIEW, values))


def _card(
    title: str,
    query: Query,
    values: Row,
    draw: Callable[[list[Row]], None],
    rows: list[Row] | None = None,
) -> None:
    """Draw one card: what it is, the SQL behind it, and what *draw* makes of its rows."""
    rows = _ask(query, values) if rows is None else rows
    with st.container(border=True, key=f"health_{title}"):
        head, button = st.columns([5, 1], vertical_alignment="center")
        head.subheader(title, anchor=False)
        with button:
            asked.shown(query, _taken(query, values), beside=title)
        if rows:
            draw(rows)
        else:
            st.caption("Nothing in this time.")


def _endings(values: Row, rows: list[Row]) -> None:
    charts.stacked(
        shape.series(rows),
        step=values["step"],
        title="runs",
        form="d",
        alt_text="Number of runs by time and by how they ended.",
        fixed=charts.ENDINGS,
    )


def _spent(values: Row, form: str, rows: list[Row]) -> None:
    charts.stacked(
        shape.series(rows),
        step=values["step"],
        title="US dollars" if form.startswith("$") else "tokens",
        form=form,
        alt_text="Amount by time; the five largest and all others.",
        fixed=None,
    )


def _times(values: Row, pace: list[Row]) -> None:
    rows = [
        {"bucket": row["bucket"], "series": row["what"], "dash": name, "amount": row[f"{name}_s"]}
        for row in pace
        for name in ("p50", "p95")
        if row[f"{name}_s"] is not None
    ]
    charts.lines(
        rows,
        step=values["step"],
        title="seconds",
        form="~g",
        wide=True,
        alt_text="Median and 95th percentile of how long runs, model calls and tools took, by time.",
    )


def _failing(values: Row, pace: list[Row]) -> None:
    rows = [
        {"bucket": row["bucket"], "series": row["what"], "amount": row["failed"] / row["calls"]}
        for row in pace
    ]
    charts.lines(
        rows,
        step=values["step"],
        title="share",
        form=".0%",
        alt_text="Share of runs, model calls and tools that failed, by time.",
    )


def _rules(rows: list[Row]) -> None:
    shown = [
        {
            "name": visible(row["rule"])[:60],
            "series": row["severity"],
            "amount": row["findings"],
            "runs": row["runs"],
        }
        for row in rows[:12]
    ]
    charts.ranked(shown, title="findings", alt_text="Findings by rule, the gravest first.")


TABLES: tuple[tuple[str, Query, dict[str, str]], ...] = (
    (
        "Agents",
        health.AGENTS,
        {
            "name": "Agent",
            "runs": "Runs",
            "succeeded": "Succeeded",
            "errors": "Errors",
            "findings_per_run": "Findings per run",
            "p50_s": "p50",
            "p95_s": "p95",
            "tokens": "Tokens",
            "cost_usd": "Cost",
            "cost_per_success_usd": "Cost per success",
        },
    ),
    (
        "Models",
        health.MODELS,
        {
            "name": "Model",
            "provider": "Provider",
            "calls": "Calls",
            "failed": "Failed",
            "retries": "Retries",
            "p50_s": "p50",
            "p95_s": "p95",
            "input_tokens": "Tokens in",
            "cached": "Cached",
            "output_tokens": "Tokens out",
            "cost_usd": "Cost",
        },
    ),
    (
        "Tools",
        health.TOOLS,
        {
            "name": "Tool",
            "effect": "Effect",
            "calls": "Calls",
            "share": "Share",
            "failed": "Failed",
            "denied": "Denied",
            "p50_s": "p50",
            "p95_s": "p95",
        },
    ),
    (
        "Schedules",
        health.SCHEDULES,
        {
            "name": "Schedule",
            "runs": "Runs",
            "succeeded": "Succeeded",
            "last_status": "Last",
            "last_time": "Last run",
            "p95_s": "p95",
            "failures": "Last 30, failed",
        },
    ),
)
"""Tables of the page: title, question, column → heading."""


def _table(names: dict[str, str], rows: list[Row]) -> None:
    st.dataframe(
        shape.table(rows, names),
        hide_index=True,
        height="content",
        row_height=32,
        placeholder=shape.UNKNOWN,
        column_config=COLUMNS,
        alt=f"{next(iter(names.values()))}s with their numbers.",
    )

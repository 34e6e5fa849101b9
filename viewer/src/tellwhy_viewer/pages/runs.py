"""The runs: filter, page through, open one."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.client import CollectorError
from tellwhy_viewer.parts import states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.shape import listing
from tellwhy_viewer.shape.text import visible

PAGE = 50
"""Runs on one page."""

CAP = 10_000
"""Beyond this many runs the count says "10,000+" instead of counting on."""

UNKNOWN = "\u2014"
"""Stands where a number is not known, such as the cost of a model without a price."""

SINCE = {
    "Last hour": 3_600,
    "Last 24 hours": 86_400,
    "Last 7 days": 604_800,
    "Last 30 days": 2_592_000,
}
"""Choice of time → seconds back from now."""

Row = dict[str, Any]


def page() -> None:
    """Draw the filters and the list; both follow the address."""
    try:
        agents = [row["agent_name"] for row in collector().sql(queries.AGENTS.sql).dicts()]
    except CollectorError as error:
        states.trouble(error)
        return
    filters = _filters(agents)
    if st.session_state.get("runs_filters") != filters:
        st.session_state["runs_filters"] = filters
        st.session_state["runs_cursors"] = [(None, None)]
    live = st.session_state.get("runs_live", False)
    st.fragment(_list, run_every="3s" if live else "15s")(filters)


def _filters(agents: list[str]) -> Row:
    """Draw the filters; what they hold stands in the address too."""
    text, agent, status, since, cost, errors = st.columns(
        [3.2, 2, 1.5, 1.7, 1.2, 1.1], vertical_alignment="bottom"
    )
    search = text.text_input(
        "Search",
        key="q",
        placeholder="task, tool, agent, model, error or run id",
        bind="query-params",
    )
    chosen = agent.selectbox(
        "Agent",
        agents,
        index=None,
        key="agent",
        placeholder="All",
        format_func=visible,
        bind="query-params",
    )
    ended = status.selectbox(
        "Status",
        list(listing.STATUS_MARK),
        index=None,
        key="status",
        placeholder="All",
        bind="query-params",
    )
    window = since.selectbox(
        "Started", list(SINCE), index=None, key="since", placeholder="Any time", bind="query-params"
    )
    least = cost.number_input(
        "Cost from $", min_value=0.0, value=None, step=0.01, key="cost", bind="query-params"
    )
    failing = errors.toggle("Errors", key="errors", bind="query-params")
    return {
        "text": search.strip() or None,
        "agent": chosen,
        "status": ended,
        "since_s": SINCE.get(window) if window else None,
        "min_cost_usd": least,
        "with_errors": True if failing else None,
    }


def _asked(filters: Row) -> Row:
    asked = {name: value for name, value in filters.items() if name != "since_s"}
    seconds = filters["since_s"]
    if seconds:
        # Not to the nanosecond: the collector counts a question that a refresh repeats as one.
        whole = max(60, seconds // 60) * 10**9
        asked["since_ns"] = time.time_ns() // whole * whole - seconds * 10**9
    else:
        asked["since_ns"] = None
    return asked


def _list(filters: Row) -> None:
    """Draw one page of runs; runs again by itself while the page is open."""
    asked = _asked(filters)
    before_ns, before_id = st.session_state["runs_cursors"][-1]
    try:
        ask = collector()
        values = queries.RUNS.bind(
            **asked, before_ns=before_ns, before_id=before_id, limit=PAGE + 1
        )
        rows = ask.sql(queries.RUNS.sql, values).dicts()
        counted = queries.RUN_COUNT.bind(**asked, cap=CAP + 1)
        totals = ask.sql(queries.RUN_COUNT.sql, counted).dicts()[0]
    except CollectorError as error:
        states.trouble(error)
        return
    st.session_state["runs_live"] = bool(totals["running"])
    shown = rows[:PAGE]
    if not shown and before_ns is None:
        states.no_match() if any(
            value is not None for value in filters.values()
        ) else states.no_runs()
        return
    st.caption(_summary(totals), text_alignment="right")
    _table(shown)
    _pager(shown, more=len(rows) > PAGE)


def _summary(totals: Row) -> str:
    parts = [f"{listing.count(totals['runs'], CAP)} runs"]
    if totals["running"]:
        parts.append(f"{totals['running']:,} running")
    if totals["failed"]:
        parts.append(f"{totals['failed']:,} failed")
    if totals["p95_ns"]:
        parts.append(f"p95 {listing.took(totals['p95_ns'])}")
    if totals["cost_usd"]:
        # A backslash: two dollar signs in a caption would become a formula.
        parts.append(f"\\${totals['cost_usd']:,.2f}")
    return " · ".join(parts)


def _table(rows: list[Row]) -> None:
    # A click answers to what was drawn, not to what the next refresh finds.
    st.session_state["runs_shown"] = [row["run_id"] for row in rows]
    st.dataframe(
        listing.runs_table(rows),
        key="runs_table",
        hide_index=True,
        height="content",
        row_height=36,
        on_select=_open,
        selection_mode="single-cell",
        placeholder=UNKNOWN,
        alt="Runs, newest first. Choose a cell to open its run.",
        column_config={
            "Started": st.column_config.DatetimeColumn(
                format="YYYY-MM-DD HH:mm:ss", timezone=st.context.timezone, width=150
            ),
            "Agent": st.column_config.TextColumn(width=150),
            "Task": st.column_config.TextColumn(width=300),
            "Status": st.column_config.TextColumn(width=105),
            "Took": st.column_config.TextColumn(width=85),
            "Decisions": st.column_config.NumberColumn(width=80),
            "Tools": st.column_config.NumberColumn(width=60),
            "Errors": st.column_config.TextColumn(width=62, alignment="right"),
            "Tokens": st.column_config.NumberColumn(format="compact", width=75),
            "Cost": st.column_config.NumberColumn(format="$%.4f", width=85),
            "Models": st.column_config.TextColumn(width=140),
            "Run": st.column_config.TextColumn(width=100),
        },
    )
    chosen = st.session_state.pop("runs_chosen", None)
    if chosen:
        st.query_params.from_dict({"run": chosen})
        st.rerun()


def _open() -> None:
    """Remember which run's cell was chosen."""
    cells = st.session_state["runs_table"]["selection"]["cells"]
    shown = st.session_state.get("runs_shown", [])
    if cells and 0 <= cells[0][0] < len(shown):
        st.session_state["runs_chosen"] = shown[cells[0][0]]


def _pager(rows: list[Row], *, more: bool) -> None:
    cursors = st.session_state["runs_cursors"]
    if len(cursors) == 1 and not more:
        return
    newer, older, where = st.columns([1, 1, 8], vertical_alignment="center")
    newer.button(
        "Newer",
        key="runs_newer",
        disabled=len(cursors) == 1,
        width="stretch",
        on_click=cursors.pop,
    )
    after = (rows[-1]["start_ns"], rows[-1]["run_id"])
    older.button(
        "Older",
        key="runs_older",
        disabled=not more,
        width="stretch",
        on_click=lambda: cursors.append(after),
    )
    where.caption(f"Page {len(cursors)}, {PAGE} runs each")

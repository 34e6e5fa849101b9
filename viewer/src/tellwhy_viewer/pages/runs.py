"""The runs: filter, page through, open one."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.client import CollectorError
from tellwhy_viewer.component.runs_view import runs_view
from tellwhy_viewer.parts import asked as shown_sql
from tellwhy_viewer.parts import states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.shape import listing
from tellwhy_viewer.shape.text import visible

PAGE = 50
"""Runs on one page."""

CAP = 10_000
"""Beyond this many runs the count says "10,000+" instead of counting on."""

FILTERS = ("q", "agent", "status", "since", "tool", "model", "finding", "cost", "errors")
"""Filters as they stand in the address, in the order of the page."""

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
        known = _known()
    except CollectorError as error:
        states.trouble(error)
        return
    with st.container(key="choices"):
        filters = _filters(known)
    if st.session_state.get("runs_filters") != filters:
        st.session_state["runs_filters"] = filters
        st.session_state["runs_cursors"] = [(None, None)]
    live = st.session_state.get("runs_live", False)
    st.fragment(_list, run_every="3s" if live else "15s")(filters)


def _known() -> dict[str, list[str]]:
    """Give what the filters offer: agents, tools, rules."""
    ask = collector()
    return {
        name: [row[0] for row in ask.sql(query.sql).rows]
        for name, query in (
            ("agents", queries.AGENTS),
            ("tools", queries.TOOLS),
            ("rules", queries.RULES),
        )
    }


def _filters(known: dict[str, list[str]]) -> Row:
    """Draw the filters; what they hold stands in the address too."""
    places = st.columns([2.7, 1.5, 1.25, 1.35, 1.4, 1.2, 1.5, 1, 0.85], vertical_alignment="bottom")
    search = places[0].text_input(
        "Search",
        key="q",
        placeholder="task, tool, agent, model, error, run id",
        bind="query-params",
    )
    chosen = _choice(places[1], "Agent", known["agents"], "agent")
    ended = _choice(places[2], "Status", listing.STATUSES, "status")
    window = _choice(places[3], "Started", SINCE, "since", everything="Any time")
    tool = _choice(places[4], "Tool", known["tools"], "tool", everything="Any")
    model = places[5].text_input("Model", key="model", placeholder="Any", bind="query-params")
    rule = _choice(places[6], "Finding", known["rules"], "finding", everything="Any")
    least = places[7].number_input(
        "Cost from $", min_value=0.0, value=None, step=0.01, key="cost", bind="query-params"
    )
    failing = places[8].toggle("Errors", key="errors", bind="query-params")
    return {
        "text": search.strip() or None,
        "agent": chosen,
        "status": ended,
        "since_s": SINCE.get(window) if window else None,
        "tool": tool,
        "model": model.strip() or None,
        "finding": rule,
        "min_cost_usd": least,
        "with_errors": True if failing else None,
    }


def _choice(
    place: Any, label: str, options: Iterable[str], key: str, everything: str = "All"
) -> str | None:
    found: str | None = place.selectbox(
        label,
        list(options),
        index=None,
        key=key,
        placeholder=everything,
        format_func=visible,
        bind="query-params",
    )
    return found


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
    place = {**asked, "before_ns": before_ns, "before_id": before_id, "limit": PAGE + 1}
    try:
        ask = collector()
        rows = ask.sql(queries.RUNS.sql, queries.RUNS.bind(**place)).dicts()
        counted = queries.RUN_COUNT.bind(**asked, cap=CAP + 1)
        totals = ask.sql(queries.RUN_COUNT.sql, counted).dicts()[0]
        shown = rows[:PAGE]
        table = _described(shown)
    except CollectorError as error:
        states.trouble(error)
        return
    st.session_state["runs_live"] = bool(totals["running"])
    anything = any(value is not None for value in filters.values())
    if not shown and before_ns is None and not anything:
        states.no_runs()
        return
    address = urlsplit(st.context.url or "/").path or "/"
    chosen = runs_view(
        table, summary=_summary(totals), asked=_query(), address=address, on_view=_use_saved
    )
    if not shown:
        states.no_match()
    if chosen:
        st.query_params.from_dict({"run": chosen})
        st.rerun()
    if st.session_state.pop("runs_saved", False):
        st.rerun()
    _pager(shown, place, more=len(rows) > PAGE)


def _described(rows: list[Row]) -> list[Row]:
    """Give the rows of the list, with the shape of each run and what was said of it."""
    if not rows:
        return []
    ids = [row["run_id"] for row in rows]
    starts = [row["start_ns"] for row in rows]
    # Of a run that goes on nobody knows the end: to the minute, so that a refresh repeats a question.
    now = time.time_ns() // (60 * 10**9) * 60 * 10**9
    ends = [row["end_ns"] or max(row["start_ns"] + 1, now) for row in rows]
    ask = collector()
    shapes = ask.sql(queries.SHAPES.sql, queries.SHAPES.bind(ids=ids, starts=starts, ends=ends))
    marks = ask.sql(queries.MARKS.sql, queries.MARKS.bind(ids=ids))
    return listing.runs_table(rows, shapes=shapes.dicts(), marks=marks.dicts())


def _query() -> str:
    """Give the filters in use as they stand in the address; nothing when there is none."""
    held = {name: st.session_state.get(name) for name in FILTERS}
    return urlencode(
        {
            name: str(value).lower() if isinstance(value, bool) else value
            for name, value in held.items()
            if value not in (None, "", False)
        }
    )


def _use_saved() -> None:
    """Put a saved filter into the widgets; the reader's browser gives it, so it is read with care."""
    told = dict(parse_qsl(str(st.session_state["runs_view"].get("view") or "")[:2_000]))
    for name in FILTERS:
        value: Any = told.get(name)
        if name == "cost":
            try:
                value = float(value) if value else None
            except ValueError:
                value = None
        elif name == "errors":
            value = value == "true"
        elif name in {"q", "model"}:
            value = value or ""
        st.session_state[name] = value
    st.session_state["runs_saved"] = True


def _summary(totals: Row) -> str:
    parts = [f"{listing.count(totals['runs'], CAP)} runs"]
    if totals["running"]:
        parts.append(f"{totals['running']:,} running")
    if totals["failed"]:
        parts.append(f"{totals['failed']:,} failed")
    if totals["lost"]:
        parts.append(f"{totals['lost']:,} died")
    if totals["p95_ns"]:
        parts.append(f"p95 {listing.took(totals['p95_ns'])}")
    if totals["cost_usd"]:
        parts.append(f"${totals['cost_usd']:,.2f}")
    return " · ".join(parts)


def _pager(rows: list[Row], place: Row, *, more: bool) -> None:
    cursors = st.session_state["runs_cursors"]
    if len(cursors) == 1 and not more:
        shown_sql.shown(queries.RUNS, place)
        return
    newer, older, where, sql = st.columns([1, 1, 7, 1], vertical_alignment="center")
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
    with sql:
        shown_sql.shown(queries.RUNS, place)

"""The audit page: the ledger of approvals, effects that nobody approved, who looked at what."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

import streamlit as st

from tellwhy_viewer.client import CollectorError
from tellwhy_viewer.parts import asked, clock, grid, states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.queries import audit
from tellwhy_viewer.queries.question import Query
from tellwhy_viewer.shape.listing import moment

MOST = 1_000
"""Rows of one table; beyond them the page says so."""

SINCE = {"Last 24 hours": 86_400, "Last 7 days": 604_800, "Last 30 days": 2_592_000}
"""Choice of time → seconds back from now."""

APPROVALS, EFFECTS, LOOKS = "Approvals", "Effects without approval", "Who looked"

KINDS = ("view", "query", "export", "review", "admin")
"""What somebody can have done, as the table audit says it."""

WIDTHS = {
    "Tool name": 150,
    "Approver": 150,
    "Reason": 220,
    "Shown": 260,
    "Arguments": 300,
    "Asked": 420,
    "Run id": 120,
}
"""Columns of words → pixels; long ones must not push the others out of sight."""

Row = dict[str, Any]


def page() -> None:
    """Draw one of the three ledgers; the choice and the filters stand in the address."""
    ledger, window, text, more = st.columns([3.4, 1.4, 2.4, 1.8], vertical_alignment="bottom")
    shown = ledger.segmented_control(
        "Ledger",
        [APPROVALS, EFFECTS, LOOKS],
        default=APPROVALS,
        required=True,
        key="ledger",
        bind="query-params",
    )
    since = window.selectbox(
        "Since",
        list(SINCE),
        index=None,
        placeholder="Any time",
        key="audit_since",
        bind="query-params",
    )
    words = text.text_input(
        "Search", key="audit_q", placeholder="tool, person, run, SQL", bind="query-params"
    )
    since_ns = _since(since)
    filters: Row = {"since_ns": since_ns, "text": words.strip() or None}
    try:
        _sums(since_ns)
        if shown == LOOKS:
            kind = more.selectbox(
                "Kind", KINDS, index=None, placeholder="All", key="audit_kind", bind="query-params"
            )
            _draw(audit.LOOKED, {**filters, "kind": kind}, "Nobody has asked for anything yet.")
        elif shown == EFFECTS:
            _draw(audit.GAPS, filters, "No tool wrote without an approval.")
        else:
            odd = more.toggle("Only odd ones", key="audit_odd", bind="query-params",
                              help="Allowed in less than two seconds, changed afterwards, or run although denied.")  # fmt: skip
            _draw(audit.LEDGER, {**filters, "only_odd": odd or None}, "Nobody was asked.")
    except CollectorError as error:
        states.trouble(error)


def _since(window: str | None) -> int | None:
    if window is None:
        return None
    # To the minute: the collector counts a question that is asked again as one.
    return (time.time_ns() // (60 * 10**9) * 60 - SINCE[window]) * 10**9


def _sums(since_ns: int | None) -> None:
    found = (
        collector().sql(audit.LEDGER_SUMS.sql, audit.LEDGER_SUMS.bind(since_ns=since_ns)).dicts()[0]
    )
    words = {
        "asked": "asked",
        "approved": "approved",
        "denied": "denied",
        "rubber_stamps": "in less than 2 s",
        "changed": "changed after approval",
        "gaps": "effects without approval",
    }
    st.caption(" · ".join(f"{found[name]:,} {word}" for name, word in words.items()))


def _draw(query: Query, values: Row, empty: str) -> None:
    """Draw one table: links to the decision first, then what was recorded."""
    answer = collector().sql(query.sql, query.bind(**values, limit=MOST))
    rows = answer.dicts()
    if not rows:
        narrowed = values["text"] is not None or values["since_ns"] is not None
        states.nothing(
            "Nothing here",
            "Nothing matches. Widen the time, or search for something else." if narrowed else empty,
            key="audit_empty",
        )
        return
    names = [name for name in answer.columns if name != "decision_id"]
    cells = [[_link(row), *(_cell(name, row[name]) for name in names)] for row in rows]
    times = {name: clock.column() for name in ("Start time", "Last time")}
    st.dataframe(
        grid.arrow(["open", *(_heading(name) for name in names)], cells),
        hide_index=True,
        height=560 if len(rows) > 14 else "content",
        key=f"audit_{query.name}",
        placeholder="\u2014",
        alt=query.purpose,
        column_config={
            "open": st.column_config.LinkColumn("Run", display_text="Open", width=60),
            "Waited s": st.column_config.NumberColumn("Waited", format="%.1f s", width=80),
            **{name: st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()},
            **times,
        },
    )
    told, sql = st.columns([9, 1], vertical_alignment="center")
    told.caption(
        f"{len(rows):,} {'row' if len(rows) == 1 else 'rows'}, times in {clock.zone()}"
        + (f", the newest {MOST:,}; narrow them for others" if len(rows) >= MOST else "")
    )
    with sql:
        asked.shown(query, {**values, "limit": MOST})


def _heading(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _link(row: Row) -> str | None:
    """The decision, or else the run, as an address of this viewer."""
    if not row.get("run_id"):
        return None
    where = f"/?run={quote(str(row['run_id']), safe='')}"
    return where + (
        f"&decision={quote(str(row['decision_id']), safe='')}" if row.get("decision_id") else ""
    )


def _cell(name: str, value: Any) -> Any:
    return moment(value) if name.endswith("_time") else value

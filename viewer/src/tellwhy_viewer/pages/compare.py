"""Compare: two runs, decision beside decision, from the first that differs."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tellwhy_viewer.client import CollectorError, QueryRefused
from tellwhy_viewer.component.view import compare_view
from tellwhy_viewer.parts import asked, clock, states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.queries.compare import COMPARE_WITH
from tellwhy_viewer.shape.compare import candidates_table, comparison
from tellwhy_viewer.shape.text import visible

CANDIDATES = 50
"""Most runs that are offered to hold beside another."""


def page() -> None:
    """Draw the two runs that the address names, or what to name."""
    a, b = st.query_params.get("a", ""), st.query_params.get("b", "")
    try:
        if a and b:
            _both(a, b)
        else:
            _choose(a or b)
    except CollectorError as error:
        states.trouble(error)


def _both(a: str, b: str) -> None:
    try:
        told = collector().compare(a, b)
    except QueryRefused as refused:
        with st.container(border=True, key="compare_missing"):
            st.subheader("These runs cannot be compared")
            st.text(visible(str(refused)))
        _choose("", explained=True)
        return
    wanted = compare_view(comparison(told))
    if wanted is None:
        return
    if wanted.get("swap"):
        st.query_params.from_dict({"a": b, "b": a})
        st.rerun()
    elif wanted.get("other"):
        st.query_params.from_dict({"a": a})
        st.rerun()
    elif (home := asked.page("home")) is not None:
        st.switch_page(home, query_params={name: str(wanted[name]) for name in ("run", "decision")})


def _choose(known: str, *, explained: bool = False) -> None:
    """Draw what to compare: ids to type, and with one of them runs to pick the other from.

    Args:
        known: The id of one run; empty when there is none.
        explained: The page has said already what is the matter.
    """
    left, right, go = st.columns([4, 4, 1], vertical_alignment="bottom")
    a = left.text_input("Run A", known, key="compare_a", placeholder="run id").strip()
    b = right.text_input("Run B", key="compare_b", placeholder="run id, or choose below").strip()
    if go.button("Compare", type="primary", key="compare_go", width="stretch") and a and b:
        _open(a, b)
    if not a:
        if not explained:
            states.nothing(
                "Two runs, side by side",
                "Open a run and choose Compare there, or type the ids of two runs above.",
                key="compare_nothing",
            )
        return
    rows = collector().sql(COMPARE_WITH.sql, [a, CANDIDATES]).dicts()
    if not rows:
        with st.container(border=True, key="compare_alone"):
            st.subheader("Nothing to compare it with")
            st.text(
                "There is no such run, or it is the only one of its agent. Type another run's id."
            )
        return
    st.dataframe(
        candidates_table(rows),
        key="compare_with",
        hide_index=True,
        height="content",
        row_height=36,
        on_select="rerun",
        selection_mode="single-cell",
        placeholder="\u2014",
        alt="Runs to compare with: replays first, then the same task, then the same agent.",
        column_config={
            "Started": clock.column(),
            "Task": st.column_config.TextColumn(width=320),
            "Cost": st.column_config.NumberColumn(format="$%.4f", width=85),
        },
    )
    st.caption(f"Choose a row to compare with it. Times in {clock.zone()}.")
    cells: Any = st.session_state["compare_with"]["selection"]["cells"]
    if cells and 0 <= cells[0][0] < len(rows):
        _open(a, rows[cells[0][0]]["run_id"])


def _open(a: str, b: str) -> None:
    st.query_params.from_dict({"a": a, "b": b})
    st.rerun()

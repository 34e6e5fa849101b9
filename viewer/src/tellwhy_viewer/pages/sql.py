"""The SQL page: ask the collector anything that can be read."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tellwhy_viewer import queries
from tellwhy_viewer.client import Answer, CollectorDown, CollectorError, Format
from tellwhy_viewer.parts import asked, grid, states
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.shape.text import visible

FIRST = next(iter(queries.READY))
"""The ready query that stands in the editor at first."""


def page() -> None:
    """Draw schema, editor and answer."""
    try:
        tables = collector().tables()
    except CollectorError as error:
        states.trouble(error)
        return
    left, right = st.columns([1.15, 3], gap="medium")
    with left:
        _schema(tables)
    with right:
        _editor()
        _answer()


def _schema(tables: list[dict[str, Any]]) -> None:
    """Draw the tables with the database's own comments."""
    by_name = {table["name"]: table for table in tables}
    first = list(by_name).index("decisions") if "decisions" in by_name else 0
    name = st.selectbox("Tables and views", list(by_name), index=first, key="sql_table")
    if name is None:
        return
    table = by_name[name]
    st.text(visible(table.get("comment") or ""))
    names = ("column", "type", "meaning")
    rows = [
        [column["name"], column["type"], column.get("comment") or ""] for column in table["columns"]
    ]
    st.dataframe(
        grid.arrow(names, rows),
        hide_index=True,
        height="content",
        key="sql_columns",
        alt="Columns of the chosen table.",
        column_config={
            "column": st.column_config.TextColumn(width=125),
            "type": st.column_config.TextColumn(width=80),
        },
    )


def _editor() -> None:
    """Draw the editor; Ctrl+Enter runs what stands in it."""
    st.session_state.setdefault("sql_text", queries.READY[FIRST])
    if (handed := asked.taken()) is not None:
        st.session_state["sql_text"] = handed
    text = st.text_area("SQL", key="sql_text", height=220)
    run, ready, _ = st.columns([1.2, 3, 3], vertical_alignment="bottom")
    ready.selectbox(
        "Ready queries",
        list(queries.READY),
        index=None,
        placeholder="Put a ready query into the editor",
        key="sql_ready",
        on_change=_take_ready,
        label_visibility="collapsed",
    )
    if run.button("Run", type="primary", shortcut="Ctrl+Enter", key="sql_run", width="stretch"):
        st.session_state["sql_answer"] = _ask(text)


def _take_ready() -> None:
    chosen = st.session_state["sql_ready"]
    if chosen:
        st.session_state["sql_text"] = queries.READY[chosen]


def _ask(text: str) -> tuple[str, Answer | CollectorError]:
    """Run *text*, which is the reviewer's own; the collector only reads, whatever it says."""
    try:
        return text, collector().sql(text)
    except CollectorError as error:
        return text, error


def _answer() -> None:
    """Draw the last answer: rows, or why there are none."""
    if "sql_answer" not in st.session_state:
        return
    text, answer = st.session_state["sql_answer"]
    if isinstance(answer, CollectorDown):
        states.trouble(answer)
        return
    if isinstance(answer, CollectorError):
        with st.container(border=True, key="sql_error"):
            st.subheader("Not run")
            st.code(visible(str(answer)), language=None, wrap_lines=True)
        return
    told = f"{len(answer.rows):,} rows in {answer.elapsed_ms:,.0f} ms"
    if answer.truncated:
        told += ". There are more: the collector cut the answer here; add LIMIT or filters."
    note, csv, parquet = st.columns([6, 1, 1], vertical_alignment="center")
    note.caption(told)
    with csv:
        _download(text, "csv", "CSV", "text/csv")
    with parquet:
        _download(text, "parquet", "Parquet", "application/vnd.apache.parquet")
    st.dataframe(
        grid.arrow(answer.columns, answer.rows),
        hide_index=True,
        key="sql_rows",
        height=480,
        placeholder="NULL",
        alt="Rows of the answer.",
    )


def _download(text: str, fmt: Format, label: str, mime: str) -> None:
    st.download_button(
        label,
        data=lambda: collector().export(text, fmt),
        file_name=f"tellwhy.{fmt}",
        mime=mime,
        on_click="ignore",
        width="stretch",
        key=f"sql_{fmt}",
    )

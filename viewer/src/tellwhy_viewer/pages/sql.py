"""The SQL page: ask the collector anything that can be read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from tellwhy_viewer.client import Answer, CollectorDown, CollectorError, Format, QueryRefused
from tellwhy_viewer.parts import charts, editor, grid, schema, states
from tellwhy_viewer.parts.connection import collector, later
from tellwhy_viewer.shape import plotting, statement
from tellwhy_viewer.shape.text import visible


def page() -> None:
    """Draw schema, editor and answer."""
    try:
        tables = collector().tables()
    except CollectorError as error:
        states.trouble(error)
        return
    left, right = st.columns([1.15, 3], gap="medium")
    with left:
        schema.browser(tables)
    with right:
        editor.editor(_run, _fault)
        _answer()


def _run(text: str) -> None:
    """Ask *text*, which is the reviewer's own; the collector only reads, whatever it says."""
    for name in ("sql_x", "sql_y", "sql_by"):  # columns of the answer before
        st.session_state.pop(name, None)
    answer: Answer | CollectorError
    try:
        answer = collector().sql(text)
    except CollectorError as error:
        answer = error
    st.session_state["sql_answer"] = text, answer


def _fault() -> dict[str, Any] | None:
    """Give where the text that was run last went wrong, if the collector told it."""
    text, answer = st.session_state.get("sql_answer", ("", None))
    if not isinstance(answer, QueryRefused):
        return None
    found = statement.fault(str(answer), text)
    return None if found is None else {"text": text, **asdict(found)}


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
    note, csv, parquet = st.columns([4.6, 1, 1.2], vertical_alignment="center")
    note.caption(told)
    with csv:
        _download(text, "csv", "CSV", "text/csv")
    with parquet:
        _download(text, "parquet", "Parquet", "application/vnd.apache.parquet")
    shown = st.radio(
        "Show", ["Rows", "Chart"], key="sql_show", horizontal=True, label_visibility="collapsed"
    )
    if shown == "Chart":
        _chart(answer)
        return
    st.dataframe(
        grid.arrow(answer.columns, answer.rows),
        hide_index=True,
        key="sql_rows",
        height=480,
        placeholder="NULL",
        alt="Rows of the answer.",
    )


def _chart(answer: Answer) -> None:
    """Draw the answer as the reader wants it: which columns, which marks."""
    kinds = [plotting.kind(name) for name in answer.types]
    numbers = [at for at, kind in enumerate(kinds) if kind == "number"]
    if not numbers or not answer.rows:
        st.text("A chart needs rows and a column of numbers; this answer has none.")
        return
    across = [at for at, kind in enumerate(kinds) if kind == "time"]
    across += [at for at in range(len(kinds)) if at not in across and at not in numbers] + numbers

    def told(at: int) -> str:
        return visible(answer.columns[at]) or f"column {at + 1}"

    places = st.columns(4)
    x = places[0].selectbox("Across", across, format_func=told, key="sql_x")
    rest = [at for at in numbers if at != x] or numbers
    y = places[1].selectbox("Up", rest, format_func=told, key="sql_y")
    colours = [at for at in plotting.series(answer.rows, answer.types) if at != x]
    # Two marks at one place hide each other, unless something tells them apart.
    first = 0 if colours and len({str(row[x]) for row in answer.rows}) < len(answer.rows) else None
    by = places[2].selectbox(
        "Colour", colours, index=first, placeholder="One", format_func=told, key="sql_by"
    )
    form = places[3].selectbox("Marks", list(charts.MARKS), key="sql_marks")
    points = plotting.points(answer.rows, answer.types, x, y, by)
    charts.answered(points, names=(told(x), told(y)), kind=kinds[x], form=form)
    if len(points) < len(answer.rows):
        st.text(
            f"{len(points):,} of {len(answer.rows):,} rows are drawn: rows without both values "
            f"are left out, and all after {plotting.MOST_POINTS:,}."
        )


def _download(text: str, fmt: Format, label: str, mime: str) -> None:
    ask = later()
    st.download_button(
        label,
        data=lambda: ask().export(text, fmt),
        file_name=f"tellwhy.{fmt}",
        mime=mime,
        on_click="ignore",
        width="stretch",
        key=f"sql_{fmt}",
    )

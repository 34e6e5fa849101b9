"""Tables and views with their columns: find one, put its name or a SELECT into the editor."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tellwhy_viewer.parts import editor, grid
from tellwhy_viewer.shape.text import visible

Table = dict[str, Any]


def browser(tables: list[Table]) -> None:
    """Draw the tables with the database's own comments."""
    sought = st.text_input(
        "Find", key="sql_find", placeholder="table, column or comment", type="search"
    )
    by_name = {table["name"]: table for table in tables if _holds(table, sought.strip().lower())}
    if not by_name:
        st.text("No table or column has this in its name or comment.")
        return
    if st.session_state.get("sql_table") not in by_name:
        st.session_state["sql_table"] = "decisions" if "decisions" in by_name else min(by_name)
    name = st.selectbox(f"Tables and views ({len(by_name)})", list(by_name), key="sql_table")
    table = by_name[name]
    st.text(visible(table.get("comment") or ""))
    with st.container(horizontal=True, gap="small"):
        st.button("Add name", key="sql_add", width="stretch", on_click=_add, args=(name,))
        st.button("New SELECT", key="sql_select", width="stretch", on_click=_select, args=(table,))
    _columns(table)


def _holds(table: Table, sought: str) -> bool:
    told = [table["name"], table.get("comment")]
    for column in table["columns"]:
        told += column["name"], column.get("comment")
    return any(sought in text.lower() for text in told if text)


def _columns(table: Table) -> None:
    rows = [
        [column["name"], column["type"], column.get("comment") or ""] for column in table["columns"]
    ]
    key = f"sql_columns_{table['name']}"
    st.dataframe(
        grid.arrow(("column", "type", "meaning"), rows),
        hide_index=True,
        height="content",
        key=key,
        alt="Columns of the chosen table; a chosen cell goes to the editor.",
        selection_mode="single-cell",
        on_select=lambda: _add_chosen(key, table),
        column_config={
            "column": st.column_config.TextColumn(width=125),
            "type": st.column_config.TextColumn(width=80),
        },
    )


def _add_chosen(key: str, table: Table) -> None:
    """Add the name of the column whose row was clicked; a cleared choice adds nothing."""
    for row, _ in st.session_state[key]["selection"]["cells"]:
        _add(table["columns"][row]["name"])


def _add(name: str) -> None:
    """Put *name* into what stands in the editor."""
    editor.insert(_quoted(name))


def _select(table: Table) -> None:
    """Put a SELECT of every column into the editor, in place of what stands there."""
    columns = ",\n       ".join(_quoted(column["name"]) for column in table["columns"])
    editor.put(f"SELECT {columns}\nFROM {_quoted(table['name'])}\nLIMIT 100")


def _quoted(name: str) -> str:
    return name if name.isidentifier() and name.isascii() else '"' + name.replace('"', '""') + '"'

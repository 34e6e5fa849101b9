"""The SQL behind what a page shows, to read and to go on from on the SQL page."""

from __future__ import annotations

from typing import Any

import streamlit as st

from tellwhy_viewer.queries import Query

PARAM = "ask"
"""In the address of the SQL page: the name of the question that it was opened with."""

_PAGES, _TEXTS = "asked_pages", "asked_texts"
"""Where the session keeps the pages that others lead to, and the texts that were shown last."""


def know(**pages: Any) -> None:
    """Remember the pages that a link may lead to, by name."""
    st.session_state[_PAGES] = pages


def page(name: str) -> Any:
    """Give a page that `know` was told of; None where the script did not run."""
    return st.session_state.get(_PAGES, {}).get(name)


def shown(query: Query, values: dict[str, Any], *, label: str = "SQL", beside: str = "") -> None:
    """Draw a button that shows *query* with its *values*, and a link that opens the SQL page on it.

    *beside* tells two buttons apart that show the same question.
    """
    text = f"-- {query.purpose}\n{query.written(**values)}"
    st.session_state.setdefault(_TEXTS, {})[query.name] = text
    with st.popover(label, key=f"sql_of_{query.name}{beside}"):
        st.code(text, language="sql")
        if sql_page := page("sql"):
            st.page_link(
                sql_page,
                label="Open on the SQL page",
                icon=":material/database:",
                query_params={PARAM: query.name},
            )


def taken() -> str | None:
    """Give the text that the SQL page was opened with, once; None when it was opened without."""
    text: str | None = st.session_state.get(_TEXTS, {}).pop(st.query_params.get(PARAM), None)
    return text

"""The SQL editor as a component. Import it from a page: Streamlit must be running."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

KEY = "sql_editor"
"""The editor's key in the session: ``run`` in its state is the text to run."""

_sql_view = st.components.v2.component(
    "tellwhy-viewer.sql",
    html='<div id="root" class="sq"></div>',
    css="sql.css",
    js="sql.js",
)


def sql_view(
    *,
    put: dict[str, Any],
    insert: dict[str, Any],
    trouble: dict[str, Any] | None,
    most_chars: int,
    permit: str,
    on_run: Callable[[], None],
) -> None:
    """Draw the editor; what is typed stays in the browser until it is run.

    Args:
        put: ``text`` that replaces what stands there when ``n`` is new, and when the editor opens
            unless it left a draft under the same ``id`` in this tab.
        insert: ``text`` to insert at the cursor when ``n`` is new.
        trouble: Where the ``text`` that was run last went wrong: ``line`` and ``column`` from 1,
            how many ``chars``, and what was ``said``. None where nobody knows.
        most_chars: Longest question, percent-encoded, that a link may hold.
        permit: What its request for names shows.
        on_run: Called when the reader runs the text.
    """
    _sql_view(
        key=KEY,
        data={
            "put": put,
            "insert": insert,
            "trouble": trouble,
            "most_chars": most_chars,
            "permit": permit,
        },
        height="content",
        on_run_change=on_run,
        on_renew_change=lambda: None,
    )

"""The reader's own queries as a component. Import it from a page: Streamlit must be running."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

_kept_view = st.components.v2.component(
    "tellwhy-viewer.kept",
    html='<div id="root" class="rs"></div>',
    css="runs.css",
    js="kept.js",
)


def kept_view(text: str, *, on_text: Callable[[], None]) -> None:
    """Draw the queries that the reader keeps in the browser, and a button that keeps *text*.

    *on_text* is called when one was chosen: ``text`` in the state ``sql_kept``.
    """
    _kept_view(key="sql_kept", data={"text": text}, height="content", on_text_change=on_text)

"""The list of runs as a component, registered. Import it from a page: Streamlit must be running."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

_runs_view = st.components.v2.component(
    "tellwhy-viewer.runs",
    html='<div id="root" class="rs"></div>',
    css="runs.css",
    js="runs.js",
)


def runs_view(
    rows: Sequence[dict[str, Any]],
    *,
    summary: str,
    asked: str,
    address: str,
    on_view: Callable[[], None],
) -> str | None:
    """Draw runs as rows that are links; what an agent wrote becomes text only.

    Args:
        rows: From `tellwhy_viewer.shape.listing.runs_table`.
        summary: What all that match add up to.
        asked: The filters in use as a query string; a saved filter keeps it.
        address: Path of the page; links of rows go there.
        on_view: Called when the reader chose a saved filter: ``view`` in the state ``runs_view``.

    Returns:
        The id of the run to open; None while the reader stays.
    """
    found = _runs_view(
        key="runs_view",
        data={"rows": list(rows), "summary": summary, "asked": asked, "address": address},
        height="content",
        on_open_change=lambda: None,
        on_view_change=on_view,
    )
    wanted: str | None = found.get("open")
    return wanted

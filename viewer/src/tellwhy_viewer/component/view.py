"""The run page's component, registered. Import it from a page: Streamlit must be running."""

from __future__ import annotations

import streamlit as st

_run_view = st.components.v2.component(
    "tellwhy-viewer.run",
    html='<div id="root" class="tw"></div>',
    css="run.css",
    js="run.js",
)


def run_view(*, run_id: str, permit: str) -> None:
    """Draw the run page of *run_id*; it fetches what it shows with *permit*.

    The page changes ``decision`` in the address itself, so a selection costs no rerun. It asks for
    a new permit, which reruns the script, when a request says that the old one has run out.
    """
    _run_view(
        key="run_view",
        data={"run_id": run_id, "permit": permit},
        height="content",
        on_renew_change=lambda: None,
    )

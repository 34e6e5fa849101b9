"""The run page's component, registered. Import it from a page: Streamlit must be running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

_run_view = st.components.v2.component(
    "tellwhy-viewer.run",
    html='<div id="root" class="tw"></div>',
    css="run.css",
    js="run.js",
)

_compare_view = st.components.v2.component(
    "tellwhy-viewer.compare",
    html='<div id="root" class="tw cmp"></div>',
    css="run.css",
    js="compare.js",
)


def compare_view(told: dict[str, Any]) -> dict[str, Any] | None:
    """Draw two runs beside each other.

    Args:
        told: What `shape.compare` made of them.

    Returns:
        What the reader wants: ``run`` and ``decision`` to open, ``swap``, or ``other`` to choose
        another second run. None while the reader stays.
    """
    found = _compare_view(
        key="compare_view", data={"told": told}, height="content", on_go_change=lambda: None
    )
    wanted: dict[str, Any] | None = found.get("go")
    return wanted


def run_view(
    *, run_id: str, permit: str, queue: Sequence[tuple[str, str]] = (), reviewer: str = ""
) -> dict[str, Any] | None:
    """Draw the run page of *run_id*; it fetches what it shows with *permit*.

    The page changes ``decision`` in the address itself, so a selection costs no rerun. It asks for
    a new permit, which reruns the script, when a request says that the old one has run out.

    Args:
        run_id: The run.
        permit: What its requests show.
        queue: Places of a review queue, in order: run and decision; it leads through them.
        reviewer: A name that the reader has chosen elsewhere; the browser's own goes before it.

    Returns:
        ``run`` and ``decision`` that the reader wants to go to, in another run; an empty one leads
        back to the queue. None while the reader stays.
    """
    found = _run_view(
        key="run_view",
        data={
            "run_id": run_id,
            "permit": permit,
            "queue": [list(place) for place in queue],
            "reviewer": reviewer,
        },
        height="content",
        on_renew_change=lambda: None,
        on_go_change=lambda: None,
    )
    wanted: dict[str, Any] | None = found.get("go")
    return wanted

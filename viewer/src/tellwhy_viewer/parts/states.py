"""What a page says when it has nothing to show: why, and what to do next."""

from __future__ import annotations

from contextlib import AbstractContextManager

import streamlit as st

from tellwhy_viewer import settings
from tellwhy_viewer.client import CollectorDown, CollectorError, LoggedOut, NoAccess
from tellwhy_viewer.parts.connection import collector
from tellwhy_viewer.queries.runs import ANY_RUN
from tellwhy_viewer.shape.text import visible

SEND = """import tellwhy

@tellwhy.agent
def my_agent(task): ..."""


SHOW = "TELLWHY_READ_TOKEN_FILE=path/of/the/token tellwhy view"
"""How a viewer gets in where the collector asks for a token."""


def asking() -> AbstractContextManager[None]:
    """Say, while the block runs, that the collector is being asked, and for how long; not at once."""
    return st.spinner("Asking the collector", show_time=True)


def trouble(error: CollectorError) -> None:
    """Say that the collector could not answer, why, and how to get it back."""
    heading, command = "The collector could not tell", ""
    if isinstance(error, CollectorDown):
        heading, command = "The collector does not answer", "tellwhy serve"
    elif isinstance(error, NoAccess):
        heading, command = "The collector does not let this viewer in", SHOW
    elif isinstance(error, LoggedOut):
        heading = "You are logged out"
    with st.container(border=True, key="trouble"):
        st.subheader(heading)
        st.text(visible(str(error)))
        if command:
            st.code(command, language=None)
        st.button("Try again", type="primary", key="trouble_again")


def no_runs() -> None:
    """Say that nothing has been recorded yet and how to send the first run."""
    url = settings.current().collector_url
    with st.container(border=True, key="no_runs"):
        st.subheader("No runs yet")
        st.text("This page fills as soon as an agent sends its first step. Three ways to start:")
        left, middle, right = st.columns(3)
        with left:
            st.text("Look at example agents, offline")
            st.code("tellwhy demo", language=None)
        with middle:
            st.text("Decorate your agent")
            st.code(SEND, language=None)
        with right:
            st.text("Send OpenTelemetry you already have")
            st.code(f"OTEL_EXPORTER_OTLP_ENDPOINT={url}", language=None)


def nothing(title: str, advice: str, *, key: str) -> None:
    """Say that a page has nothing to show.

    Args:
        title: What is missing.
        advice: What to change, where there are runs; without any, how to send the first.
        key: Of the box.
    """
    if not collector().sql(ANY_RUN.sql).rows:
        no_runs()
        return
    with st.container(border=True, key=key):
        st.subheader(title)
        st.text(advice)


def no_match() -> None:
    """Say that the filters leave nothing over."""
    with st.container(border=True, key="no_match"):
        st.subheader("No run matches")
        st.text("Widen the time, or remove a filter.")

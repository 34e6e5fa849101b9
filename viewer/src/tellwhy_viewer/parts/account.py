"""Who is logged in, beside every page, and the way out."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import streamlit as st

from tellwhy_viewer import settings
from tellwhy_viewer.parts import reviewer
from tellwhy_viewer.shape.text import visible


def draw() -> None:
    """Draw the menu of whoever is logged in; nothing where the viewer has no login of its own."""
    if not settings.current().has_login:
        return
    person = reviewer.person()
    zone = ZoneInfo(st.context.timezone) if st.context.timezone else UTC
    until = datetime.fromtimestamp(person.until, zone)
    with st.container(key="account"), st.popover("", icon=":material/account_circle:"):
        st.text(visible(person.name))
        st.text(f"Logged in until {until:%Y-%m-%d %H:%M}")
        st.button("Log out", key="log_out", on_click=st.logout, width="stretch")

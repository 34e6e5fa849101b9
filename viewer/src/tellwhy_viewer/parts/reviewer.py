"""Who sits before this page, as far as a login says it."""

from __future__ import annotations

import streamlit as st

from tellwhy_viewer import settings


def login() -> str:
    """Give the name that a proxy put into its header; "" where nobody logs in."""
    header = settings.current().viewer_user_header
    return (st.context.headers.get(header) or "") if header else ""

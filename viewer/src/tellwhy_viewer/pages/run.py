"""The run page: mounts the component and gives it a permit."""

from __future__ import annotations

import streamlit as st

from tellwhy_viewer.component import tokens
from tellwhy_viewer.component.view import run_view


def page() -> None:
    """Draw the run that the address names."""
    run_id = st.query_params.get("run", "")
    if not run_id:
        with st.container(border=True, key="no_run"):
            st.subheader("Which run?")
            st.text("The address names none. Choose one from the list.")
            if st.button("All runs", type="primary", key="to_runs"):
                st.switch_page(st.session_state["tellwhy_pages"]["runs"])
        return
    run_view(run_id=run_id, permit=tokens.mint(run_id))

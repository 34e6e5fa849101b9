"""The run page: mounts the component and gives it a permit."""

from __future__ import annotations

import streamlit as st

from tellwhy_viewer.component import tokens
from tellwhy_viewer.component.view import run_view
from tellwhy_viewer.parts import reviewer


def page() -> None:
    """Draw the run that the address names."""
    run_id = st.query_params["run"]
    run_view(run_id=run_id, permit=tokens.mint(run_id, user=reviewer.login()))

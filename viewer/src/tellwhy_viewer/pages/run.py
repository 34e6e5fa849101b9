"""The run page: mounts the component and gives it a permit."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from tellwhy_viewer.client import asked_by
from tellwhy_viewer.component import ahead, tokens
from tellwhy_viewer.component.questions import Asking
from tellwhy_viewer.component.view import run_view
from tellwhy_viewer.parts import asked, reviewer
from tellwhy_viewer.parts.connection import shared

YOU = "reviewer_chosen"
"""Where the session keeps the name that somebody chose on the review queue."""


MADE = "run_made_ready"
"""Where the session keeps which run was made ready for its browser; each rerun would do it again."""


def page(queue: Sequence[tuple[str, str]] = ()) -> None:
    """Draw the run that the address names.

    Args:
        queue: The run and decision of each place of the review queue that it was opened out of.
    """
    run_id = st.query_params["run"]
    login = reviewer.login()
    if st.session_state.get(MADE) != run_id:
        st.session_state[MADE] = run_id
        asked_by.set(login)
        ahead.begin(Asking(shared), run_id, st.query_params.get("decision"))
    permit = tokens.mint(run_id, user=login)
    chosen = st.session_state.get(YOU) or ""
    wanted = run_view(run_id=run_id, permit=permit, queue=queue, reviewer=chosen)
    if wanted is None:
        return
    if "compare" in wanted:
        if (compare := asked.page("compare")) is not None:
            st.switch_page(compare, query_params={"a": run_id})
        return
    for name in ("run", "decision"):
        if name in wanted:
            st.query_params[name] = str(wanted[name])
        else:
            st.query_params.pop(name, None)
    st.rerun()

"""What somebody sees who is not in: the way to log in, or why that person may not come in."""

from __future__ import annotations

from urllib.parse import urlsplit

import streamlit as st

from tellwhy_viewer import settings
from tellwhy_viewer.identity import Refused
from tellwhy_viewer.shape.text import visible


def page(why: Exception) -> None:
    """Draw the door; *why* it is shut is an `identity.NobodyIn` or `identity.Refused`."""
    chosen = settings.current()
    here = urlsplit(st.context.url or chosen.address)
    with st.container(border=True, key="login"):
        if f"{here.scheme}://{here.netloc}" != chosen.address:
            # The provider leads back to one address; cookies of another would not be found there.
            st.subheader("Log in at the other address")
            st.text("People log in to this viewer under one address only:")
            st.link_button(chosen.address, chosen.address, type="primary")
        elif isinstance(why, Refused):
            st.subheader("This login does not open the viewer")
            st.text(visible(str(why)))
            st.button("Log out", type="primary", key="login_out", on_click=st.logout)
        else:
            _log_in(chosen, why)


def _log_in(chosen: settings.Settings, why: Exception) -> None:
    provider = urlsplit(chosen.login_issuer).netloc
    st.subheader("Log in")
    if st.query_params.get("login") == "failed":
        st.text(
            "The login did not succeed. Try once more; when that fails too, the log of the viewer "
            "says why."
        )
    elif st.user.to_dict().get("is_logged_in"):
        st.text(str(why))
    st.text(
        f"Only who has logged in sees what agents did. You go to {provider} and come back to where "
        "you wanted to go."
    )
    st.button("Log in", type="primary", key="login_in", on_click=st.login)

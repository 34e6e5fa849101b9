"""Who sits before this page, as far as a login says it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from tellwhy_viewer import identity, settings


def login() -> str:
    """Give the name of whoever logged in, here or at a proxy; "" where nobody logs in.

    Raises:
        NobodyIn: people log in here, and this one has not or not any more.
        Refused: this one may not come in.
    """
    chosen = settings.current()
    if chosen.has_login:
        return person().name
    header = chosen.viewer_user_header
    return (st.context.headers.get(header) or "") if header else ""


def claims() -> Mapping[str, Any]:
    """Give what the provider says of whoever sits here; empty before a login."""
    return dict(st.user.to_dict())


def person() -> identity.Identity:
    """Give who logged in here; raises as `login`."""
    return identity.read(claims(), settings.current())

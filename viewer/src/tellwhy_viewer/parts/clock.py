"""The reader's time zone, as the browser tells it, and columns of times in it."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import streamlit as st


def zone() -> str:
    """Give the name of the reader's time zone, like ``Europe/Berlin``; UTC when it is not known."""
    told = st.context.timezone or "UTC"
    try:
        ZoneInfo(told)
    except (KeyError, ValueError, OSError):
        return "UTC"
    return told


def column(label: str | None = None) -> Any:
    """Give how a table writes a column of times, to the second."""
    return st.column_config.DatetimeColumn(
        label, format="YYYY-MM-DD HH:mm:ss", timezone=zone(), width=150
    )

"""The one connection to the collector that all sessions and routes of this process share."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from tellwhy_viewer import settings
from tellwhy_viewer.client import Collector, asked_by

_open: dict[str, Collector] = {}


def collector() -> Collector:
    """Give the collector that the settings name, told for whom this session's page asks."""
    wanted = settings.current()
    if wanted.viewer_user_header and get_script_run_ctx(suppress_warning=True) is not None:
        asked_by.set(st.context.headers.get(wanted.viewer_user_header) or "")
    if wanted.collector_url not in _open:
        _open[wanted.collector_url] = Collector(
            wanted.collector_url,
            timeout_s=wanted.viewer_timeout_s,
            token=wanted.read_token,
            review_token=wanted.review_token,
            ca=wanted.collector_ca,
            cert=wanted.client_cert,
            key=wanted.client_key,
        )
    return _open[wanted.collector_url]

"""The one connection to the collector that all sessions and routes of this process share."""

from __future__ import annotations

from tellwhy_viewer import settings
from tellwhy_viewer.client import Collector

_open: dict[str, Collector] = {}


def collector() -> Collector:
    """Give the collector that the settings name."""
    wanted = settings.current()
    if wanted.collector_url not in _open:
        _open[wanted.collector_url] = Collector(
            wanted.collector_url, timeout_s=wanted.viewer_timeout_s
        )
    return _open[wanted.collector_url]

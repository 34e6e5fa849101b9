"""The one connection to the collector that all sessions and routes of this process share."""

from __future__ import annotations

from collections.abc import Callable

from tellwhy_viewer import identity, settings
from tellwhy_viewer.client import Collector, LoggedOut, asked_by
from tellwhy_viewer.parts import reviewer

_open: dict[settings.Settings, Collector] = {}


def collector() -> Collector:
    """Give the collector that the settings name, told for whom this session's page asks.

    Raises:
        LoggedOut: people log in here, and nobody who may come in sits before this page any more.
    """
    try:
        asked_by.set(reviewer.login())
    except (identity.NobodyIn, identity.Refused) as shut:
        raise LoggedOut(f"{shut} Reload the page.") from None
    return shared()


def later() -> Callable[[], Collector]:
    """Give what gives the collector after the script has ended, as a download wants it.

    It asks for whoever sits here now, and no longer than that login holds.
    """
    chosen, name = settings.current(), reviewer.login()
    said = reviewer.claims() if chosen.has_login else {}

    def give() -> Collector:
        if chosen.has_login:
            identity.read(said, chosen)
        asked_by.set(name)
        return shared()

    return give


def shared() -> Collector:
    """Give the collector that the settings name, for what has its own way to know who asks."""
    wanted = settings.current()
    if wanted not in _open:
        _open[wanted] = Collector(
            wanted.collector_url,
            timeout_s=wanted.viewer_timeout_s,
            token=wanted.read_token,
            review_token=wanted.review_token,
            ca=wanted.collector_ca,
            cert=wanted.client_cert,
            key=wanted.client_key,
        )
    return _open[wanted]

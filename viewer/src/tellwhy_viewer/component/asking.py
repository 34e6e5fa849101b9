"""Who asks one of the routes of our own, and whether they may."""

from __future__ import annotations

from starlette.requests import Request

from tellwhy_viewer import settings
from tellwhy_viewer.component import tokens

STATE = "tellwhy_user"
"""Where the gate has put the name of whoever is logged in at the viewer itself."""


def refusal(request: Request, scope: str = "") -> tuple[int, str] | None:
    """Give the status and the sentence for a request that may not be answered; None for others.

    Args:
        request: What was asked.
        scope: What its permit must be for; the run in the address when empty.
    """
    permit = _permit(request)
    if not tokens.holds(permit, scope or request.path_params["run_id"]):
        return 401, "This page's permit has run out; it will ask for a new one."
    # A permit outlives a logout; the browser's cookie does not.
    if settings.current().has_login and tokens.user_of(permit) != (_logged_in(request) or None):
        return 403, "Somebody else is logged in now, or nobody. Reload the page."
    return None


def who(request: Request) -> str:
    """Give the login of whoever asks: a proxy's word, or else that of the page; "" without one."""
    if header := settings.current().viewer_user_header:
        return request.headers.get(header, "")
    return tokens.user_of(_permit(request))


def _permit(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _logged_in(request: Request) -> str:
    return str(getattr(request.state, STATE, ""))

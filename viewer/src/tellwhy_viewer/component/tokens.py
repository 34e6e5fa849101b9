"""Short-lived permits for the run page's own requests.

A page script runs only for somebody who may see the page; it hands the browser a permit for one run,
and the routes that serve content ask for it. A header, not a cookie: other sites cannot send it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time

LIFETIME_S = 600
"""How long a permit holds. The page gets a new one before and whenever a request says 401."""

_KEY = secrets.token_bytes(32)  # of this process: a restart ends every permit


def mint(run_id: str, *, user: str = "", now: float | None = None) -> str:
    """Give a permit to read *run_id*, and to give verdicts on it as *user* ("" without a login)."""
    expires = int((time.time() if now is None else now) + LIFETIME_S)
    name = base64.urlsafe_b64encode(user.encode()).decode()
    return f"{expires}.{name}.{_signature(run_id, name, expires)}"


def holds(permit: str, run_id: str, *, now: float | None = None) -> bool:
    """Tell whether *permit* was minted here for *run_id* and has not run out."""
    expires, _, rest = permit.partition(".")
    name, _, signature = rest.partition(".")
    if not expires.isascii() or not expires.isdigit() or len(expires) > 12:
        return False
    if int(expires) < (time.time() if now is None else now):
        return False
    return hmac.compare_digest(signature.encode(), _signature(run_id, name, int(expires)).encode())


def user_of(permit: str) -> str:
    """Give the login that a permit was minted for; only of one that `holds`."""
    return base64.urlsafe_b64decode(permit.split(".")[1]).decode()


def _signature(run_id: str, name: str, expires: int) -> str:
    digest = hmac.new(_KEY, f"{expires}\n{name}\n{run_id}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

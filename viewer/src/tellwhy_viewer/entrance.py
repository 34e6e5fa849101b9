"""The login at the door: what a request's cookie says, and what stays shut without one.

Streamlit speaks to the provider (``/auth/login``, ``/oauth2callback``, ``/auth/logout``) and keeps
the person in a signed cookie. It asks for it where a page is drawn and nowhere else, so what a
browser can fetch beside pages is shut here.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from starlette.requests import cookie_parser
from streamlit.auth_util import get_cookie_with_chunks
from streamlit.web.server.server_util import get_cookie_secret
from streamlit.web.server.starlette.starlette_app_utils import decode_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from tellwhy_viewer import identity
from tellwhy_viewer.settings import Settings

CALLBACK = "/oauth2callback"
"""Where the provider sends people back to; Streamlit's own path."""

LOGOUT = "/auth/logout"

SHUT = ("/api/", "/media/", "/_stcore/upload_file/", "/_stcore/metrics")
"""What holds recorded content, or numbers about it, and is fetched beside the pages."""

FAILED = {"login": "failed"}
"""What the address of a page has after a login that did not succeed."""

WANTED = "tellwhy_wanted"
"""Cookie with the address that somebody opened before the login."""

Headers = list[tuple[bytes, bytes]]

WANTED_S = 900
MAX_WANTED = 2000
"""Longest address that is kept; a longer one leads to the list of runs."""


def secrets_of(chosen: Settings) -> dict[str, Any] | None:
    """Give Streamlit's secrets: the provider, and what signs cookies; None without a login."""
    if not chosen.has_login:
        return None
    known = "/.well-known/openid-configuration"
    issuer = chosen.login_issuer.rstrip("/")
    return {
        "auth": {
            "redirect_uri": chosen.address + CALLBACK,
            "cookie_secret": chosen.login_cookie_secret or secrets.token_urlsafe(48),
            "client_id": chosen.login_client_id,
            "client_secret": chosen.login_client_secret,
            "server_metadata_url": issuer if issuer.endswith(known) else issuer + known,
            "client_kwargs": {"scope": chosen.login_scope, "prompt": "select_account"},
        }
    }


def claims_of(cookies: str, address: str) -> dict[str, Any]:
    """Give what the signed cookie of a request says of its sender; empty when it says nothing.

    Args:
        cookies: The request's header.
        address: Where the viewer is reached; a cookie that was signed for another holds nothing.
    """
    jar = cookie_parser(cookies)

    def single(name: str) -> bytes | None:
        if name not in jar:
            return None
        return decode_signed_value(get_cookie_secret(), name, jar[name].encode("latin-1"))

    try:
        said = json.loads(get_cookie_with_chunks(single, USER_COOKIE_NAME) or b"{}")
    except (ValueError, UnicodeError):
        return {}
    ours = isinstance(said, dict) and said.get("origin") == address
    return said if ours else {}


def person(cookies: str, chosen: Settings) -> str:
    """Give the name of whoever sent *cookies*; "" when that is nobody who may come in."""
    try:
        return identity.read(claims_of(cookies, chosen.address), chosen).name
    except (identity.NobodyIn, identity.Refused):
        return ""


def leave(cookies: str, chosen: Settings) -> None:
    """End the login of whoever sent *cookies*, in all tabs."""
    if said := claims_of(cookies, chosen.address):
        identity.end(said, chosen)


def keep(path: str, query: str, headers: Mapping[str, str]) -> str:
    """Give the cookie that remembers where somebody without a login wanted to go; "" for none."""
    if headers.get("sec-fetch-dest") != "document" or path.startswith(("/auth/", CALLBACK, "/_")):
        return ""
    if all(parse_qs(query).get(name) == [value] for name, value in FAILED.items()):
        return ""
    wanted = quote(f"{path}?{query}" if query else path, safe="")
    if len(wanted) > MAX_WANTED:
        return ""
    return f"{WANTED}={wanted}; Path={CALLBACK}; Max-Age={WANTED_S}; HttpOnly; SameSite=Lax"


def back(query: str, cookies: str, headers: Headers) -> str:
    """Give where the browser goes after the provider: what it wanted, or the login once more.

    Args:
        query: What the provider wrote into the address.
        cookies: The request's header.
        headers: Of Streamlit's answer.
    """
    entered, gone = f"{USER_COOKIE_NAME}=".encode(), f'{USER_COOKIE_NAME}=""'.encode()
    set_now = [value for name, value in headers if name.lower() == b"set-cookie"]
    if any(value.startswith(entered) and not value.startswith(gone) for value in set_now):
        wanted = unquote(cookie_parser(cookies).get(WANTED, "/"))
        parts = urlsplit(wanted)
        # One slash, no host: a cookie that somebody planted leads nowhere else.
        safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
        return wanted if safe and not parts.netloc and wanted.isprintable() else "/"
    tried = {"state", "code", "error"} & set(parse_qs(query, keep_blank_values=True))
    return "/?login=failed" if tried else "/"


def closed(headers: Headers) -> Headers:
    """Give *headers* with cookies that browsers send over TLS only."""
    return [
        (name, value + b"; Secure")
        if name.lower() == b"set-cookie" and b"; secure" not in value.lower()
        else (name, value)
        for name, value in headers
    ]

"""What stands before every request: this origin only, security headers, and the login."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellwhy_viewer import entrance, settings
from tellwhy_viewer.component import asking


def content_policy(index: str) -> str:
    """Give the content security policy; *index* is Streamlit's page with its own inline scripts."""
    inline = re.findall(r"<script>(.*?)</script>", index, re.DOTALL)
    digests = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline)
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {allowed} 'wasm-unsafe-eval'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "frame-src 'none'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


NOT_HERE = "This viewer answers only under its own address (TELLWHY_VIEWER_ALLOWED_HOSTS)."
LOG_IN = "Log in first: open this viewer's address in the browser."


class Gate:
    """Lets in requests of this origin only, keeps content shut without a login where there is one,
    and puts the security headers on every answer.

    Streamlit asks an address on the internet for our own when it meets a foreign origin; a foreign
    origin does not get that far.
    """

    def __init__(self, app: ASGIApp, policy: str, link: str = "") -> None:
        """Stand in front of *app*; pages that show a run get *link* as their header."""
        self._app = app
        self._link = link.encode()
        self._headers = [
            (b"content-security-policy", policy.encode()),
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket" and not welcome(_headers(scope)):
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        own = scope["path"].startswith("/_stcore/bidi-components/")
        headers, chosen = _headers(scope), settings.current()
        user = entrance.person(headers.get("cookie", ""), chosen) if chosen.has_login else ""

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                if chosen.has_login:
                    message = _at_the_door(message, scope, headers, user)
                more = [(b"link", self._link)] if _shows_a_run(message, scope) else []
                message = _sealed(message, [*self._headers, *more], fresh=own)
            await send(message)

        if not welcome(headers):
            await PlainTextResponse(NOT_HERE, 403)(scope, receive, sealed)
        elif chosen.has_login and not user and scope["path"].startswith(entrance.SHUT):
            refusal = JSONResponse({"ok": False, "error": LOG_IN}, 401)
            await refusal(scope, receive, sealed)
        elif chosen.has_login and scope["path"] == entrance.CALLBACK and not scope["query_string"]:
            # The provider's way back from a logout; Streamlit would log it as a failed login.
            await RedirectResponse("/", 302)(scope, receive, sealed)
        else:
            if chosen.has_login and scope["path"] == entrance.LOGOUT:
                entrance.leave(headers.get("cookie", ""), chosen)
            state = {**scope.get("state", {}), asking.STATE: user}
            await self._app({**scope, "state": state}, receive, sealed)


def _at_the_door(
    message: Message, scope: Scope, asked: dict[str, str], user: str
) -> MutableMapping[str, Any]:
    """Give an answer's start with what the login adds: where to go on, and what to remember."""
    headers = list(message.get("headers", []))
    query, cookies = scope["query_string"].decode("latin-1"), asked.get("cookie", "")
    if scope["path"] == entrance.CALLBACK and message["status"] == 302:
        where = entrance.back(query, cookies, headers)
        headers = [entry for entry in headers if entry[0].lower() != b"location"]
        headers.append((b"location", where.encode("latin-1", "ignore")))
    elif not user and (wanted := entrance.keep(scope["path"], query, asked)):
        headers.append((b"set-cookie", wanted.encode()))
    if settings.current().address.startswith("https:"):
        headers = entrance.closed(headers)
    return {**message, "headers": headers}


def _sealed(
    message: MutableMapping[str, Any], seal: list[tuple[bytes, bytes]], *, fresh: bool
) -> Message:
    headers = [*message.get("headers", []), *seal]
    if fresh:
        # The component's files have no hash in their names: ask again after an upgrade.
        headers = [entry for entry in headers if entry[0].lower() != b"cache-control"]
        headers.append((b"cache-control", b"no-cache"))
    return {**message, "headers": headers}


def _shows_a_run(message: Message, scope: Scope) -> bool:
    kinds = (value for name, value in message.get("headers", []) if name.lower() == b"content-type")
    return b"run=" in scope["query_string"] and any(kind.startswith(b"text/html") for kind in kinds)


def _headers(scope: Scope) -> dict[str, str]:
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def welcome(headers: dict[str, str]) -> bool:
    """Tell whether a request asks under a name of ours and comes from our own pages or none."""
    host, origin = headers.get("host", ""), headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != host:
        return False
    chosen = settings.current()
    named = {
        name.strip().lower() for name in chosen.viewer_allowed_hosts.split(",") if name.strip()
    }
    if chosen.has_login:
        named.add(urlsplit(chosen.address).hostname or "")
    elif chosen.viewer_guarded_by and not named:
        return True
    try:
        asked = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    return asked in {*settings.LOOPBACK, chosen.viewer_host.lower(), *named}

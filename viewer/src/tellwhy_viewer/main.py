"""The ASGI application: Streamlit, the run page's routes, and what stands in front of both."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gc
import hashlib
import re
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellwhy_viewer import settings
from tellwhy_viewer.component.routes import routes
from tellwhy_viewer.parts.connection import collector

SCRIPT = Path(__file__).parent / "app" / "script.py"
COLLECT_EVERY_S = 30
"""Seconds between full garbage collections, which no longer run after every rerun."""

_INDEX = Path(st.__file__).parent / "static" / "index.html"


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


class Gate:
    """Lets in requests of this origin only, and puts the security headers on every answer.

    Streamlit asks an address on the internet for our own when it meets a foreign origin; a foreign
    origin does not get that far.
    """

    def __init__(self, app: ASGIApp, policy: str) -> None:
        """Stand in front of *app*."""
        self._app = app
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

        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = _sealed(message, self._headers, fresh=own)
            await send(message)

        if welcome(_headers(scope)):
            await self._app(scope, receive, sealed)
            return
        refusal = PlainTextResponse(
            "This viewer answers only under its own address (TELLWHY_VIEWER_ALLOWED_HOSTS).", 403
        )
        await refusal(scope, receive, sealed)


def _sealed(
    message: MutableMapping[str, Any], seal: list[tuple[bytes, bytes]], *, fresh: bool
) -> Message:
    headers = [*message.get("headers", []), *seal]
    if fresh:
        # The component's files have no hash in their names: ask again after an upgrade.
        headers = [entry for entry in headers if entry[0].lower() != b"cache-control"]
        headers.append((b"cache-control", b"no-cache"))
    return {**message, "headers": headers}


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
    if chosen.viewer_guarded_by and not named:
        return True
    try:
        asked = (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return False
    return asked in {*settings.LOOPBACK, chosen.viewer_host.lower(), *named}


@asynccontextmanager
async def _life(_: st.App) -> AsyncIterator[dict[str, Any]]:
    gc.collect()
    gc.freeze()  # what is loaded by now stays loaded: later collections skip it
    sweeping = asyncio.create_task(_sweep())
    try:
        yield {}
    finally:
        sweeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeping


async def _sweep() -> None:
    while True:
        await asyncio.sleep(COLLECT_EVERY_S)
        gc.collect()


def application() -> st.App:
    """Give the application; one in a process."""
    import pandas as _  # noqa: F401, ICN001, PLC0415 -- loaded before the freeze, not by a visitor
    import pyarrow as __  # noqa: F401, ICN001, PLC0415

    policy = content_policy(_INDEX.read_text(encoding="utf-8"))
    return st.App(
        SCRIPT,
        routes=routes(collector),
        middleware=[Middleware(Gate, policy=policy)],
        lifespan=_life,
    )

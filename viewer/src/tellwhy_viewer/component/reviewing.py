"""What the run page sends: verdicts, on their way to the collector."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tellwhy_viewer import settings
from tellwhy_viewer.client import Collector, CollectorError, NoAccess, QueryRefused, asked_by
from tellwhy_viewer.component import asking

MAX_BODY_BYTES = 32 * 1024
"""Longest body; the collector's own limit."""

KEYS = {"decision_id", "verdict", "note", "reviewer"}
"""What a page may send of itself; the run is in the address."""


def route(collector: Callable[[], Collector]) -> Route:
    """Give the route that takes verdicts; *collector* gives the one to tell."""
    return Route("/api/runs/{run_id}/verdicts", _give(collector), methods=["POST"])


def _give(collector: Callable[[], Collector]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        run_id = request.path_params["run_id"]
        if refused := asking.refusal(request):
            return _said(*refused)
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            return _said(415, "Send application/json.")
        body = await _body(request)
        if body is None:
            return _said(400, "The viewer does not understand this verdict. Reload the page.")
        login = asking.who(request)
        if settings.current().viewer_user_header and not login:
            return _said(
                403, "The proxy in front named nobody. Log in again, then reload the page."
            )
        told = {name: value for name, value in body.items() if name in KEYS} | {"run_id": run_id}
        return await run_in_threadpool(_tell, collector, told, login)

    return answer


def _tell(collector: Callable[[], Collector], told: dict[str, Any], login: str) -> Response:
    asked_by.set(login)
    try:
        return JSONResponse(collector().give_verdict(told), headers={"cache-control": "no-store"})
    except NoAccess as refused:
        return _said(403, str(refused))
    except QueryRefused as refused:
        return _said(400, str(refused))
    except CollectorError as error:
        return _said(502, str(error))


async def _body(request: Request) -> dict[str, Any] | None:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_BODY_BYTES:
            return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _said(status: int, sentence: str) -> Response:
    body = {"ok": False, "error": sentence}
    return JSONResponse(body, status, headers={"cache-control": "no-store"})

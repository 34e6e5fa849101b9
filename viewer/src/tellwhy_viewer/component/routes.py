"""What the run page fetches: the skeleton first, bodies when somebody looks at them.

Every route needs a permit for its run (`tokens`) and reads only steps of that run.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tellwhy_viewer import queries
from tellwhy_viewer.client import (
    Collector,
    CollectorDown,
    CollectorError,
    QueryRefused,
    asked_by,
)
from tellwhy_viewer.component import ahead, asking, reviewing, sql_words
from tellwhy_viewer.component.loading import MAX_STEPS, card, skeleton
from tellwhy_viewer.component.questions import Asking, Missing, Row
from tellwhy_viewer.shape.context import conversation, whole_message
from tellwhy_viewer.shape.place import NoPlace, marked
from tellwhy_viewer.shape.text import clipped, parsed, readable

MAX_SEARCH = 200
"""Most characters that are looked for in a run."""

FIELD_CLIP = 20_000
"""Most characters of one field in the raw view before "show more"."""

WINDOW = 262_144
"""Characters that one "show more" brings."""

SQUEEZED_BYTES = 1_000
"""Shorter answers are sent as they are."""

Endpoint = Callable[[Request], Response]


def routes(collector: Callable[[], Collector]) -> list[Route]:
    """Give the routes, each run's under ``/api/runs/{run_id}``; *collector* gives the one to ask."""
    pages = _Pages(collector)
    step = "/api/runs/{run_id}/steps/{trace_id}/{span_id}"
    return [
        Route("/api/runs/{run_id}", _guarded(pages.run)),
        Route("/api/runs/{run_id}/decisions/{decision_id}", _guarded(pages.decision)),
        Route("/api/runs/{run_id}/search", _guarded(pages.search)),
        Route("/api/runs/{run_id}/words", _guarded(pages.words)),
        Route("/api/runs/{run_id}/decisions/{decision_id}/words", _guarded(pages.words)),
        Route(step, _guarded(pages.step)),
        Route(step + "/place", _guarded(pages.place)),
        Route(step + "/context", _guarded(pages.context)),
        Route(step + "/messages/{index:int}", _guarded(pages.message)),
        Route(step + "/fields/{field}", _guarded(pages.field)),
        reviewing.route(collector),
        sql_words.route(collector),
    ]


def _guarded(endpoint: Callable[[Request], Any]) -> Endpoint:
    """Wrap *endpoint*: permit first, then JSON out, errors as a sentence."""

    def answer(request: Request) -> Response:
        if refused := asking.refusal(request):
            return _refusal(*refused)
        asked_by.set(asking.who(request))
        try:
            told = endpoint(request)
        except Missing as missing:
            return _refusal(404, str(missing))
        except CollectorDown as down:
            return _refusal(502, str(down))
        except CollectorError as error:
            return _refusal(502, str(error))
        return _told(told, request)

    return answer


def _told(told: Row, request: Request) -> Response:
    """*told* as JSON, squeezed quickly: Streamlit's own squeezing takes ten times as long."""
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {"cache-control": "no-store", "vary": "accept-encoding"}
    if len(body) > SQUEEZED_BYTES and "gzip" in request.headers.get("accept-encoding", ""):
        body = gzip.compress(body, compresslevel=1)
        headers["content-encoding"] = "gzip"
    return Response(body, media_type="application/json", headers=headers)


def _refusal(status: int, sentence: str) -> Response:
    body = {"ok": False, "error": sentence}
    return JSONResponse(body, status, headers={"cache-control": "no-store"})


class _Pages:
    """The bodies behind the routes."""

    def __init__(self, collector: Callable[[], Collector]) -> None:
        self._ask = Asking(collector)

    def run(self, request: Request) -> Row:
        run_id = request.path_params["run_id"]
        page = ahead.taken(self._ask, run_id) or skeleton(self._ask, run_id)
        return {**page, "login": asking.who(request)}

    def search(self, request: Request) -> Row:
        asked = {"run_id": request.path_params["run_id"], "limit": MAX_STEPS}
        text = request.query_params.get("text", "")[:MAX_SEARCH]
        rows = self._ask.many(queries.RUN_SEARCH, text=text, **asked)
        return {"decisions": [row["decision_id"] for row in rows]}

    def decision(self, request: Request) -> Row:
        run_id, which = request.path_params["run_id"], request.path_params["decision_id"]
        return ahead.taken(self._ask, run_id, which) or card(self._ask, run_id, which)

    def words(self, request: Request) -> Row:
        at = request.path_params
        try:
            return self._ask.collector().explanation(at["run_id"], at.get("decision_id"))
        except QueryRefused as refused:
            raise Missing(str(refused)) from None

    def place(self, request: Request) -> Row:
        asked = request.query_params
        row, column = self._step(request), asked.get("column", "")
        if column not in row or row[column] is None:
            raise Missing(f"This step has no {column[:80]}.")
        try:
            return marked(
                row[column],
                asked.get("path", "$"),
                asked.get("inner"),
                _number(asked.get("from")),
                _number(asked.get("to")),
            )
        except NoPlace:
            raise Missing("Nothing stands at this place any more.") from None

    def _step(self, request: Request) -> Row:
        at = {name: request.path_params[name] for name in ("trace_id", "span_id")}
        row = self._ask.one(queries.STEP, "There is no such step in this run.", **at)
        if row["run_id"] != request.path_params["run_id"]:
            raise Missing("There is no such step in this run.")
        return row

    def step(self, request: Request) -> Row:
        row = self._step(request)
        raw: list[Row] = []
        if row["source"] == "span":
            at = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
            raw = self._ask.rows(queries.RAW_SPAN, **at)
        return {"step": _fields(row), "sent": _fields(raw[0]) if raw else None}

    def context(self, request: Request) -> Row:
        return conversation(self._step(request))

    def message(self, request: Request) -> Row:
        index = request.path_params["index"]
        text = whole_message(self._step(request)["input_messages"], index)
        if text is None:
            raise Missing(f"This step has no message {index}.")
        return _window(text, request)

    def field(self, request: Request) -> Row:
        row, name = self._step(request), request.path_params["field"]
        if name not in row or row[name] is None:
            raise Missing(f"This step has no {name}.")
        return _window(readable(parsed(row[name])), request)


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdecimal() and len(text) < 12 else None


def _fields(row: Row) -> list[Row]:
    return [
        {"name": name, **(clipped(parsed(value), FIELD_CLIP) or {})}
        for name, value in row.items()
        if value is not None
    ]


def _window(text: str, request: Request) -> Row:
    asked = request.query_params.get("offset", "0")
    offset = int(asked) if asked.isdigit() else 0
    part = text[offset : offset + WINDOW]
    reached = offset + len(part)
    return {"text": part, "chars": len(text), "next": reached if reached < len(text) else None}

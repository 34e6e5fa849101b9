"""What the run page fetches: the skeleton first, bodies when somebody looks at them.

Every route needs a permit for its run (`tokens`) and reads only steps of that run.
"""

from __future__ import annotations

import time
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
    opened_run,
)
from tellwhy_viewer.component import asking, reviewing
from tellwhy_viewer.shape.card import decision_card
from tellwhy_viewer.shape.context import conversation, whole_message
from tellwhy_viewer.shape.place import NoPlace, marked
from tellwhy_viewer.shape.text import clipped, parsed, readable
from tellwhy_viewer.shape.timeline import run_page
from tellwhy_viewer.shape.verdicts import verdicts

MAX_STEPS = 100_000
"""Most steps and decisions of one run that are drawn; beyond it the page says so."""

MAX_VERDICTS = 10_000
"""Most verdicts of one run that travel with it, likewise."""

MAX_FINDINGS = 1_000
"""Most findings of one run that travel with it; the worst come first."""

MAX_SEARCH = 200
"""Most characters that are looked for in a run."""

FIELD_CLIP = 20_000
"""Most characters of one field in the raw view before "show more"."""

WINDOW = 262_144
"""Characters that one "show more" brings."""

Row = dict[str, Any]
Endpoint = Callable[[Request], Response]


class _Missing(Exception):  # noqa: N818 -- becomes a 404
    """There is no such thing in this run."""


def routes(collector: Callable[[], Collector]) -> list[Route]:
    """Give the routes, all under ``/api/runs/{run_id}``; *collector* gives the one to ask."""
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
    ]


def _guarded(endpoint: Callable[[Request], Any]) -> Endpoint:
    """Wrap *endpoint*: permit first, then JSON out, errors as a sentence."""

    def answer(request: Request) -> Response:
        if refused := asking.refusal(request):
            return _refusal(*refused)
        asked_by.set(asking.who(request))
        try:
            told = endpoint(request)
        except _Missing as missing:
            return _refusal(404, str(missing))
        except CollectorDown as down:
            return _refusal(502, str(down))
        except CollectorError as error:
            return _refusal(502, str(error))
        return JSONResponse(told, headers={"cache-control": "no-store"})

    return answer


def _refusal(status: int, sentence: str) -> Response:
    body = {"ok": False, "error": sentence}
    return JSONResponse(body, status, headers={"cache-control": "no-store"})


class _Pages:
    """The bodies behind the routes."""

    def __init__(self, collector: Callable[[], Collector]) -> None:
        self._collector = collector

    def _rows(
        self, query: queries.Query, *, max_rows: int | None = None, **values: Any
    ) -> list[Row]:
        answer = self._collector().sql(query.sql, query.bind(**values), max_rows=max_rows)
        return answer.dicts()

    def _one(self, query: queries.Query, missing: str, **values: Any) -> Row:
        rows = self._rows(query, **values)
        if not rows:
            raise _Missing(missing)
        return rows[0]

    def run(self, request: Request) -> Row:
        run_id = request.path_params["run_id"]
        opened = opened_run.set(run_id)
        try:
            head = self._one(queries.RUN, f"There is no run {run_id}.", run_id=run_id)
        finally:
            opened_run.reset(opened)
        asked = {"run_id": run_id, "limit": MAX_STEPS, "max_rows": MAX_STEPS}
        steps = self._rows(queries.RUN_STEPS, **asked)
        decisions = self._rows(queries.RUN_DECISIONS, **asked)
        findings = self._rows(queries.FINDINGS, run_id=run_id, limit=MAX_FINDINGS)
        page = run_page(
            head,
            steps,
            decisions,
            now_ns=time.time_ns(),
            findings=findings,
            suspects=self._rows(queries.SUSPECTS, run_id=run_id),
        )
        said = self._rows(queries.RUN_VERDICTS, run_id=run_id, limit=MAX_VERDICTS)
        page["verdicts"], page["login"] = verdicts(said), asking.who(request)
        return {**page, "cut": len(steps) >= MAX_STEPS or len(decisions) >= MAX_STEPS}

    def search(self, request: Request) -> Row:
        asked = {"run_id": request.path_params["run_id"], "limit": MAX_STEPS}
        text = request.query_params.get("text", "")[:MAX_SEARCH]
        rows = self._rows(queries.RUN_SEARCH, text=text, max_rows=MAX_STEPS, **asked)
        return {"decisions": [row["decision_id"] for row in rows]}

    def decision(self, request: Request) -> Row:
        run_id, which = request.path_params["run_id"], request.path_params["decision_id"]
        missing = f"There is no decision {which} in this run."
        row = self._one(queries.DECISION, missing, run_id=run_id, decision_id=which)
        before = []
        if row["made_by"] == "model":
            before = self._rows(
                queries.PREVIOUS_CALL,
                run_id=run_id,
                agent=row["agent_name"],
                before_ns=row["start_ns"],
                span_id=row["span_id"],
            )
        approval = []
        if row["approval_span_id"]:
            approval = self._rows(
                queries.APPROVAL, trace_id=row["trace_id"], span_id=row["approval_span_id"]
            )
        evidence = self._rows(
            queries.EVIDENCE, run_id=run_id, decision_id=which, since_ns=row["start_ns"]
        )
        card = decision_card(
            row,
            evidence=evidence,
            tests=self._rows(queries.TESTED, run_id=run_id, decision_id=which),
            before=before[0] if before else None,
            approval=approval[0] if approval else None,
        )
        asked = {"run_id": run_id, "decision_id": which, "start_ns": row["start_ns"]}
        return {**card, "checks": self._rows(queries.CHECKS, **asked)}

    def words(self, request: Request) -> Row:
        at = request.path_params
        try:
            return self._collector().explanation(at["run_id"], at.get("decision_id"))
        except QueryRefused as refused:
            raise _Missing(str(refused)) from None

    def place(self, request: Request) -> Row:
        asked = request.query_params
        row, column = self._step(request), asked.get("column", "")
        if column not in row or row[column] is None:
            raise _Missing(f"This step has no {column[:80]}.")
        try:
            return marked(
                row[column],
                asked.get("path", "$"),
                asked.get("inner"),
                _number(asked.get("from")),
                _number(asked.get("to")),
            )
        except NoPlace:
            raise _Missing("Nothing stands at this place any more.") from None

    def _step(self, request: Request) -> Row:
        at = {name: request.path_params[name] for name in ("trace_id", "span_id")}
        row = self._one(queries.STEP, "There is no such step in this run.", **at)
        if row["run_id"] != request.path_params["run_id"]:
            raise _Missing("There is no such step in this run.")
        return row

    def step(self, request: Request) -> Row:
        row = self._step(request)
        raw: list[Row] = []
        if row["source"] == "span":
            at = {"trace_id": row["trace_id"], "span_id": row["span_id"]}
            raw = self._rows(queries.RAW_SPAN, **at)
        return {"step": _fields(row), "sent": _fields(raw[0]) if raw else None}

    def context(self, request: Request) -> Row:
        return conversation(self._step(request))

    def message(self, request: Request) -> Row:
        index = request.path_params["index"]
        text = whole_message(self._step(request)["input_messages"], index)
        if text is None:
            raise _Missing(f"This step has no message {index}.")
        return _window(text, request)

    def field(self, request: Request) -> Row:
        row, name = self._step(request), request.path_params["field"]
        if name not in row or row[name] is None:
            raise _Missing(f"This step has no {name}.")
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

"""Step 7 of 7. The HTTP side: SQL, tables, explanations in words, verdicts, causes.

Every answer is an object with ``"ok"``, every refusal under ``/api`` has the same shape. Web pages
cannot use it: a browser sends JSON to another site only after asking, and nobody answers; a foreign
Origin or a host name that somebody points at this machine (DNS rebinding) is refused. Who asked for
what goes into the table ``audit``.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from tellwhy_collector import asked_costs, causes, export, recordings, verdicts
from tellwhy_collector.access import Access, Door, Names, caller, plain
from tellwhy_collector.answering import WHOLE_BYTES, Sent, as_json, body_of, refusal, rows
from tellwhy_collector.audit import Audit, Entry
from tellwhy_collector.backup import Backups
from tellwhy_collector.causes import Causes
from tellwhy_collector.errors import (
    CollectorError,
    NotFound,
    QueryBusy,
    QueryTooSlow,
    RequestError,
    WrongMethod,
)
from tellwhy_collector.meters import Meters
from tellwhy_collector.query import Answer, Queries
from tellwhy_collector.question import Question, read_question
from tellwhy_collector.reconstruct.compared import compared
from tellwhy_collector.settings import Settings, shown
from tellwhy_collector.store import Store
from tellwhy_collector.telling.reading import tell_json
from tellwhy_collector.verdicts import Verdicts
from tellwhy_collector.watch import Stop

MAX_WAITING = 32
"""Queries that wait for a place; more are sent away at once."""

GRACE_S = 2.0
"""Some DuckDB functions do not listen to an interrupt; the caller is answered all the same."""

_log = logging.getLogger(__name__)


T = TypeVar("T")

Act = Callable[[Request, Entry], Awaitable[Response]]

_NAMED = re.compile(r"/api/(runs|decisions)/(.+)/(explanation|recording)")
"""Addresses with a name in them; ids of some senders hold slashes."""


def routes(door: Api) -> list[BaseRoute]:
    """Everything under ``/api``."""
    return [Route("/api", door), Mount("/api", door)]


class Api:
    """The ASGI application under ``/api``."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        queries: Queries,
        *,
        access: Access,
        names: Names,
        audit: Audit,
        meters: Meters,
        backups: Backups,
        reviews: Verdicts,
        tests: Causes,
    ) -> None:
        """Wire the parts. The caller closes *queries* before the store."""
        self._store = store
        self._settings = settings
        self._queries = queries
        self._access = access
        self._names = names
        self._audit = audit
        self._meters = meters
        self._backups = backups
        self._verdicts = reviews
        self._causes = tests
        self._open = 0
        self._addresses: dict[str, tuple[str, Door, Act]] = {
            "/api/sql": ("POST", "read", self._sql),
            "/api/tables": ("GET", "read", self._tables),
            "/api/runs/{run_id}/explanation": ("GET", "read", self._explain),
            "/api/decisions/{decision_id}/explanation": ("GET", "read", self._explain),
            "/api/compare": ("GET", "read", self._compare),
            "/api/costs": ("POST", "read", self._costs),
            "/api/runs/{run_id}/recording": ("GET", "read", self._recording),
            "/api/verdicts": ("POST", "review", self._verdict),
            "/api/causes": ("POST", "review", self._cause),
            "/api/backup": ("POST", "admin", self._backup),
            "/api/settings": ("GET", "admin", self._show_settings),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no exception leaves."""
        request = Request(scope, receive)
        entry, began = Entry(), time.monotonic()
        try:
            response = await self._answer(request, entry)
        except CollectorError as error:
            entry.refused = str(error.args[0])
            response = refusal(error)
        except Exception:  # noqa: BLE001 - a fault here must not look like another door's
            _log.exception("An API request failed")
            entry.refused = "The collector failed here; its log says where."
            response = refusal(CollectorError(entry.refused))
        took_s = time.monotonic() - began
        entry.elapsed_ms = round(took_s * 1000, 3)
        self._audit.note(entry)
        if entry.kind in {"query", "export", "view"}:
            self._meters.asked(response.status_code, took_s)
        await response(scope, receive, send)

    async def _answer(self, request: Request, entry: Entry) -> Response:
        address = request.client.host if request.client else ""
        entry.caller = caller(request.headers, address)
        known = self._addresses.get(_place(request.url.path))
        if known is not None and known[0] == request.method:
            entry.kind = "query" if known[2] == self._sql else ""
            if known[1] == "admin":
                entry.kind, entry.action = "admin", request.url.path.rstrip("/")[5:]
            elif known[1] == "review":
                entry.kind = "review"
        self._names.check(request.headers)
        # Before anything is told of what is here.
        door: Door = "read" if known is None else known[1]
        token = self._access.check(request.headers.get("authorization"), door)
        entry.caller = caller(request.headers, address, token)
        if known is None:
            places = ", ".join(f"{at[0]} {path}" for path, at in self._addresses.items())
            raise NotFound(f"There is nothing at {request.url.path[:200]}. There is: {places}.")
        method, _, act = known
        if request.method != method:
            raise WrongMethod(
                f"{request.url.path} takes {method}, not {request.method[:20]}.", method
            )
        return await act(request, entry)

    async def _recording(self, request: Request, entry: Entry) -> Response:
        """One run, as a replay reads it."""
        found = _NAMED.fullmatch(request.url.path.rstrip("/"))
        run_id = found[2] if found else ""
        entry.kind, entry.run_id, entry.action = "export", plain(run_id), "recording"
        whole = request.query_params.get("whole_process") == "true"
        lines = await self._aside(
            lambda: recordings.lines(self._store, run_id, whole_process=whole)
        )
        headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
        return StreamingResponse(lines, headers=headers, media_type="application/x-ndjson")

    async def _verdict(self, request: Request, entry: Entry) -> Response:
        body = await body_of(request, verdicts.MAX_BODY_BYTES)
        said = verdicts.read_verdict(body, entry.caller)
        entry.run_id, entry.action = plain(said.run_id), said.verdict
        entry.params = orjson.dumps([said.decision_id, said.reviewer]).decode()
        given = await self._limited(
            request, lambda stop: self._verdicts.give(said, entry.caller, stop)
        )
        entry.rows = 1
        return as_json({"ok": True, "verdict": given})

    async def _cause(self, request: Request, entry: Entry) -> Response:
        body = await body_of(request, causes.MAX_BODY_BYTES)
        run_id, span_id, rows = causes.read_rows(body)
        entry.run_id, entry.action = plain(run_id), "causes"
        entry.rows = await self._limited(
            request, lambda _: self._causes.add(run_id, span_id, rows, entry.caller)
        )
        return as_json({"ok": True, "rows": entry.rows})

    async def _tables(self, request: Request, entry: Entry) -> Response:
        del request, entry
        tables = await self._aside(self._store.schema)
        return as_json({"ok": True, "tables": tables})

    async def _costs(self, request: Request, entry: Entry) -> Response:
        del entry
        body = await body_of(request)
        return as_json({"ok": True, **await self._aside(lambda: asked_costs.answer(body))})

    async def _backup(self, request: Request, entry: Entry) -> Response:
        del request
        made = await self._aside(self._backups.make)
        entry.rows = sum(made.counts.values())
        headers = {
            "Cache-Control": "no-store",
            "Content-Length": str(made.size),
            "X-Tellwhy-Rows": orjson.dumps(made.counts).decode(),
        }
        return Sent(made, headers)

    async def _show_settings(self, request: Request, entry: Entry) -> Response:
        del request, entry
        return as_json({"ok": True, "settings": shown(self._settings)})

    async def _sql(self, request: Request, entry: Entry) -> Response:
        question = read_question(
            await body_of(request), request.headers.get("accept"), self._settings
        )
        _describe(entry, question, request.headers.get("x-tellwhy-view"))
        answer, begin, rest = await self._limited(request, lambda stop: self._run(question, stop))
        entry.rows = answer.table.num_rows
        return rows(question, answer, begin, rest)

    async def _explain(self, request: Request, entry: Entry) -> Response:
        found = _NAMED.fullmatch(request.url.path.rstrip("/"))
        assert found is not None
        run_id, which = found[2], None
        if found[1] == "decisions":
            run_id, which = request.query_params.get("run_id", ""), found[2]
            if not run_id:
                raise RequestError(
                    "A decision is told inside its run, and none was named. Add ?run_id=…"
                )
        entry.kind, entry.run_id = "view", plain(run_id)
        excerpts = request.query_params.get("excerpts") == "true"
        told = await self._limited(
            request,
            lambda stop: self._queries.read(
                lambda cursor: tell_json(cursor, run_id, which, excerpts=excerpts), stop
            ),
        )
        entry.rows = len(told["sentences"])
        return as_json({"ok": True, **told})

    async def _compare(self, request: Request, entry: Entry) -> Response:
        """Two runs, decision beside decision."""
        before, after = (request.query_params.get(name, "") for name in ("before", "after"))
        if not before or not after:
            raise RequestError(
                "Two runs are compared, and not both were named. Ask ?before=…&after=…"
            )
        entry.kind, entry.run_id = "view", plain(after)
        entry.params = orjson.dumps({"before": plain(before)}).decode()
        found = await self._limited(
            request,
            lambda stop: self._queries.read(lambda cursor: compared(cursor, before, after), stop),
        )
        entry.rows = len(found["pairs"])
        return as_json({"ok": True, **found})

    async def _limited(self, request: Request, act: Callable[[Stop], T]) -> T:
        """What *act* reads, within the limits of time and of how many ask at once."""
        if self._open >= self._settings.max_queries + MAX_WAITING:
            raise QueryBusy(f"{self._open} queries run or wait. Try again in a moment.")
        self._open += 1
        stop = Stop()
        work = asyncio.ensure_future(self._aside(lambda: act(stop)))
        work.add_done_callback(self._one_less)
        gone = asyncio.ensure_future(_left(request))
        limit_s = self._settings.max_query_s + self._settings.max_query_wait_s + GRACE_S
        try:
            await asyncio.wait({work, gone}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                stop.now("gone" if gone.done() else "time")
        if not work.done():
            raise QueryTooSlow(
                f"Not ended within {limit_s:g} s, and DuckDB does not stop inside this function. "
                "Ask for shorter texts or fewer rows."
            )
        found: T = work.result()
        return found

    def _run(self, question: Question, stop: Stop) -> tuple[Answer, bytes, Iterator[bytes]]:
        """The answer and its beginning, so that what goes wrong has a status of its own."""
        answer = self._queries.run(
            question.sql,
            question.params,
            max_rows=question.max_rows,
            stop=stop,
        )
        pieces = export.write(answer, question.form, spreadsheet_safe=question.spreadsheet_safe)
        begin = bytearray()
        for piece in pieces:
            begin += piece
            if len(begin) > WHOLE_BYTES:
                return answer, bytes(begin), pieces
        return answer, bytes(begin), iter(())

    def _one_less(self, work: asyncio.Future[Any]) -> None:
        self._open -= 1
        if not work.cancelled():
            work.exception()  # Nobody may be waiting for it any more.

    async def _aside(self, act: Callable[[], Any]) -> Any:
        """What *act* gives, from a thread that does not keep the process alive."""
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Any] = loop.create_future()

        def tell(value: Any, error: BaseException | None) -> None:
            if result.done():
                return
            if error is None:
                result.set_result(value)
            else:
                result.set_exception(error)

        def work() -> None:
            value, failed = None, None
            try:
                value = act()
            except Exception as error:  # noqa: BLE001 - handed to whoever waits
                failed = error
            # The loop may be closed when the collector stops in the middle of a query.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(tell, value, failed)

        threading.Thread(target=work, name="query", daemon=True).start()
        return await asyncio.shield(result)


def _place(path: str) -> str:
    """The address that is meant, with what is named in it left open."""
    path = path.rstrip("/")
    found = _NAMED.fullmatch(path)
    return path if found is None else f"/api/{found[1]}/{{{found[1][:-1]}_id}}/{found[3]}"


def _describe(entry: Entry, question: Question, run_id: str | None) -> None:
    """What the audit row says of a statement, whatever becomes of it."""
    entry.kind = "export" if question.form in {"csv", "parquet"} else "query"
    entry.sql = question.sql
    if question.params:
        entry.params = orjson.dumps(question.params).decode()
    if run_id and entry.kind == "query":
        entry.kind, entry.run_id = "view", plain(run_id)


async def _left(request: Request) -> None:
    """Returns when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass

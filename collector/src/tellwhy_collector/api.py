"""Step 7 of 7. The HTTP side of SQL: ``POST /api/sql`` and ``GET /api/tables``.

Every answer is an object with ``"ok"``, every refusal under ``/api`` has the same shape. Web pages
cannot use it: a browser sends JSON to another site only after asking, and nobody answers; a foreign
Origin or a host name that somebody points at this machine (DNS rebinding) is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import Receive, Scope, Send

from tellwhy_collector import export
from tellwhy_collector.errors import (
    CollectorError,
    ForeignCaller,
    NotAcceptable,
    NotFound,
    QueryBusy,
    QueryTooSlow,
    RequestError,
    RequestTooLarge,
    WrongMediaType,
    WrongMethod,
)
from tellwhy_collector.query import Answer, Params, Queries
from tellwhy_collector.settings import Settings
from tellwhy_collector.store import Store
from tellwhy_collector.watch import Stop

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Longest body: a statement of 64 KiB and its parameters."""

MAX_WAITING = 32
"""Queries that wait for a place; more are sent away at once."""

GRACE_S = 2.0
"""Some DuckDB functions do not listen to an interrupt; the caller is answered all the same."""

WHOLE_BYTES = 256 * 1024
"""Answers up to here are sent in one piece; the rest of longer ones is written while it is sent."""

KEYS = ("sql", "params", "format", "max_rows", "spreadsheet_safe")
"""What a body may hold."""

EXAMPLE = '{"sql": "select * from runs limit ?", "params": [10]}'

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Question:
    """A body that was understood."""

    sql: str
    params: Params
    form: str
    max_rows: int | None
    spreadsheet_safe: bool


def routes(store: Store, settings: Settings, queries: Queries) -> list[BaseRoute]:
    """Everything under ``/api``. The caller closes *queries* before the store."""
    door = Api(store, settings, queries)
    return [Route("/api", door), Mount("/api", door)]


def identify(request: Request) -> str:
    """Who asks. One name for everybody until there are tokens; passed on to `Queries.run`."""
    del request
    return "local"


class Api:
    """The ASGI application under ``/api``."""

    def __init__(self, store: Store, settings: Settings, queries: Queries) -> None:
        self._store = store
        self._settings = settings
        self._queries = queries
        self._open = 0
        named = (name.strip() for name in settings.api_hosts.lower().split(","))
        self._hosts = {"localhost", *filter(None, named)}
        self._addresses: dict[str, tuple[str, Callable[[Request], Awaitable[Response]]]] = {
            "/api/sql": ("POST", self._sql),
            "/api/tables": ("GET", self._tables),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no exception leaves."""
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except CollectorError as error:
            response = refusal(error)
        except Exception:  # noqa: BLE001 - a fault here must not look like another door's
            _log.exception("An API request failed")
            response = refusal(CollectorError("The collector failed here; its log says where."))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        self._check_caller(request)
        known = self._addresses.get(request.url.path.rstrip("/"))
        if known is None:
            places = ", ".join(f"{method} {path}" for path, (method, _) in self._addresses.items())
            raise NotFound(f"There is nothing at {request.url.path[:200]}. There is: {places}.")
        method, act = known
        if request.method != method:
            raise WrongMethod(
                f"{request.url.path} takes {method}, not {request.method[:20]}.", method
            )
        return await act(request)

    def _check_caller(self, request: Request) -> None:
        host = request.headers.get("host", "")
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        if not (name.lower() in self._hosts or _is_address(name)):
            raise ForeignCaller(
                f"This collector does not answer to the name {name[:100]!r}. Use an IP address or "
                "localhost, or add the name to TELLWHY_API_HOSTS."
            )
        origin = request.headers.get("origin")
        site = request.headers.get("sec-fetch-site", "none")
        if site not in {"none", "same-origin"} or (
            origin is not None and origin.partition("://")[2] != host
        ):
            raise ForeignCaller(
                f"A web page of {(origin or site)[:100]} may not ask this collector. Ask from a "
                "program, from the viewer or with `tellwhy sql`."
            )

    async def _tables(self, request: Request) -> Response:
        del request
        tables = await self._aside(self._store.schema)
        return _json({"ok": True, "tables": tables})

    async def _sql(self, request: Request) -> Response:
        question = read_question(
            await _body(request), request.headers.get("accept"), self._settings
        )
        if self._open >= self._settings.max_queries + MAX_WAITING:
            raise QueryBusy(f"{self._open} queries run or wait. Try again in a moment.")
        self._open += 1
        stop = Stop()
        caller = identify(request)
        work = asyncio.ensure_future(self._aside(lambda: self._run(question, caller, stop)))
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
        return _response(question, *work.result())

    def _run(
        self, question: Question, caller: str, stop: Stop
    ) -> tuple[Answer, bytes, Iterator[bytes]]:
        """The answer and its beginning, so that what goes wrong has a status of its own."""
        answer = self._queries.run(
            question.sql,
            question.params,
            max_rows=question.max_rows,
            caller=caller,
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


def read_question(body: bytes, accept: str | None, settings: Settings) -> Question:
    """What the body asks.

    Raises:
        RequestError: It cannot be understood; the message says what to send.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is not JSON: {error}. Send {EXAMPLE}.") from None
    if not isinstance(given, dict):
        raise RequestError(f"The body is not a JSON object. Send {EXAMPLE}.")
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise RequestError(f"{unknown[0][:50]!r} is not known. A body holds {', '.join(KEYS)}.")
    sql = given.get("sql")
    if not isinstance(sql, str):
        raise RequestError(f'"sql" is {_kind(sql)}; it must be a text. Send {EXAMPLE}.')
    params = given.get("params")
    if params is not None and not isinstance(params, list | dict):
        raise RequestError(f'"params" is {_kind(params)}; it must be a list or an object.')
    most, rows = settings.max_query_rows_asked, given.get("max_rows")
    if rows is not None and (type(rows) is not int or not 1 <= rows <= most):
        raise RequestError(f'"max_rows" must be a whole number from 1 to {most:,}.')
    safe = given.get("spreadsheet_safe", True)
    if not isinstance(safe, bool):
        raise RequestError(f'"spreadsheet_safe" is {_kind(safe)}; it must be true or false.')
    return Question(sql, params, _form(given.get("format"), accept), rows, safe)


def _form(named: Any, accept: str | None) -> str:
    """The format that the body names, or else the first one that ``Accept`` can mean."""
    names = ", ".join(export.MEDIA_TYPES)
    if named is not None:
        if not isinstance(named, str) or named not in export.MEDIA_TYPES:
            raise RequestError(f'"format" must be one of {names}.')
        return named
    for part in (accept or "*/*").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in {"*/*", "application/*"}:
            return "json"
        for name, media_type in export.MEDIA_TYPES.items():
            if wanted == media_type.partition(";")[0]:
                return name
    raise NotAcceptable(f'Accept is {(accept or "")[:100]!r}; we write {names}. Or send "format".')


def refusal(error: CollectorError) -> Response:
    """An error as every address under ``/api`` tells it."""
    headers = {}
    if isinstance(error, WrongMethod) and len(error.args) > 1:
        headers["Allow"] = str(error.args[1])
    if error.retryable:
        headers["Retry-After"] = "1"
    return _json({"ok": False, "error": str(error.args[0])}, error.status, headers)


async def _body(request: Request) -> bytes:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise WrongMediaType(
            f"Content-Type is {media_type[:100] or 'missing'}; send application/json: "
            'curl --json \'{"sql": "select 1"}\' …'
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise WrongMediaType("The body is compressed. Send it plain.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_REQUEST_BYTES:
            raise RequestTooLarge(
                f"The body is over {MAX_REQUEST_BYTES:,} bytes. Send fewer parameters."
            )
    return bytes(body)


async def _left(request: Request) -> None:
    """Returns when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _response(question: Question, answer: Answer, begin: bytes, rest: Iterator[bytes]) -> Response:
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Tellwhy-Truncated": str(answer.truncated).lower(),
        "X-Tellwhy-Elapsed-Ms": str(answer.elapsed_ms),
    }
    if question.form in {"csv", "parquet"}:
        headers["Content-Disposition"] = f'attachment; filename="tellwhy.{question.form}"'
    kind = export.MEDIA_TYPES[question.form]
    if len(begin) <= WHOLE_BYTES:
        return Response(begin, headers=headers, media_type=kind)
    return StreamingResponse(chain([begin], rest), headers=headers, media_type=kind)


def _json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(value),
        status,
        {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
        "application/json",
    )


def _is_address(name: str) -> bool:
    """Whether *name* is an IP address, which nobody can point elsewhere."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "missing" if value is None else names.get(type(value), "a number")

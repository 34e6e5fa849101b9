"""What the editor of the SQL page completes: tables with their columns, functions, keywords."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tellwhy_viewer import queries
from tellwhy_viewer.client import Collector, CollectorError, asked_by
from tellwhy_viewer.component import asking

SCOPE = "sql-words"
"""What the permit of this route is minted for; no run has this id."""


def route(collector: Callable[[], Collector]) -> Route:
    """Give the route that tells the editor its words; *collector* gives the one to ask."""

    def answer(request: Request) -> Response:
        if refused := asking.refusal(request, SCOPE):
            return _said({"error": refused[1]}, refused[0])
        asked_by.set(asking.who(request))
        try:
            return _said(words(collector()), 200)
        except CollectorError as error:
            return _said({"error": str(error)}, 502)

    return Route("/api/sql/words", answer)


def words(ask: Collector) -> dict[str, Any]:
    """Give ``tables``, ``functions``, ``keywords`` and ``types``, each as rows in order of names.

    Raises:
        CollectorError: as `Collector.sql`.
    """
    language = ask.sql(queries.KEYWORDS.sql).rows
    return {
        "tables": [
            [table["name"], table["kind"], table.get("comment") or "", _columns(table)]
            for table in ask.tables()
        ],
        "functions": ask.sql(queries.FUNCTIONS.sql).rows,
        "keywords": [word for word, kind in language if kind == "keyword"],
        "types": [word for word, kind in language if kind == "type"],
    }


def _columns(table: dict[str, Any]) -> list[list[str]]:
    return [
        [column["name"], column["type"], column.get("comment") or ""] for column in table["columns"]
    ]


def _said(told: dict[str, Any], status: int) -> Response:
    return JSONResponse(told, status, headers={"cache-control": "no-store"})

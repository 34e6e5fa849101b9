"""Asks a collector over HTTP. Standard library only; no proxy is used."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tellwhy_collector.shell.errors import Refused, Unreachable, Usage

TIMEOUT_S = 120.0
"""Longer than any sensible TELLWHY_MAX_QUERY_S; the collector ends the query, not we."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A body and what its headers say."""

    body: bytes
    truncated: bool


class Client:
    """One collector's API."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Usage(f"{url!r} is no http:// address. Give one with --url.")
        self._parts = parts

    def sql(
        self,
        sql: str,
        params: list[Any] | dict[str, Any] | None = None,
        *,
        form: str = "json",
        max_rows: int | None = None,
        spreadsheet_safe: bool = True,
    ) -> Reply:
        """The answer in one of the collector's formats.

        Raises:
            Refused: The query failed.
            Unreachable: Nobody answers.
        """
        question = {
            "sql": sql,
            "params": params,
            "format": form,
            "max_rows": max_rows,
            "spreadsheet_safe": spreadsheet_safe,
        }
        return self._ask("POST", "/api/sql", json.dumps(question).encode())

    def tables(self) -> list[dict[str, Any]]:
        """Tables and views with their columns, as ``GET /api/tables`` tells them."""
        found: list[dict[str, Any]] = json.loads(self._ask("GET", "/api/tables").body)["tables"]
        return found

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else None
        connection = (kind or http.client.HTTPConnection)(
            self._parts.hostname or "", self._parts.port, timeout=TIMEOUT_S
        )
        try:
            headers = {"Content-Type": "application/json"} if body is not None else {}
            connection.request(method, self._parts.path + path, body, headers)
            response = connection.getresponse()
            got = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"No collector answers at {self.url}: {error or type(error).__name__}. "
                "Start one with `tellwhy up`, or name another with --url or TELLWHY_COLLECTOR_URL."
            ) from error
        finally:
            connection.close()
        if response.status == 200:
            return Reply(got, response.headers.get("X-Tellwhy-Truncated") == "true")
        raise self._error(response.status, got)

    def _error(self, status: int, body: bytes) -> Exception:
        try:
            return Refused(str(json.loads(body)["error"]))
        except (ValueError, KeyError, TypeError):
            return Unreachable(
                f"{self.url} answers with HTTP {status}, but not as a collector does. "
                "Name the collector with --url or TELLWHY_COLLECTOR_URL."
            )

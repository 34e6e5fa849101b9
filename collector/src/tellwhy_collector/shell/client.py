"""Asks a collector over HTTP. Standard library only; no proxy is used."""

from __future__ import annotations

import contextlib
import getpass
import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tellwhy_collector.asking import Asking
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

    def __init__(self, url: str, asking: Asking | None = None) -> None:
        self.url = url.rstrip("/")
        self._asking = asking or Asking()
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

    def explanation(
        self, run_id: str, which: str | None = None, *, excerpts: bool = False
    ) -> dict[str, Any]:
        """A run, or the decision in it that *which* names, in words.

        Raises:
            Refused: There is none.
            Unreachable: Nobody answers.
        """
        query = {"excerpts": "true"} if excerpts else {}
        path = f"/api/runs/{quote(run_id, safe='')}/explanation"
        if which is not None:
            path = f"/api/decisions/{quote(which, safe='')}/explanation"
            query["run_id"] = run_id
        asked = f"{path}?{urlencode(query)}" if query else path
        found: dict[str, Any] = json.loads(self._ask("GET", asked).body)
        return found

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What the collector answers to *body*.

        Raises:
            Refused: It does not take it.
            Unreachable: Nobody answers.
        """
        found: dict[str, Any] = json.loads(self._ask("POST", path, json.dumps(body).encode()).body)
        return found

    def _ask(self, method: str, path: str, body: bytes | None = None) -> Reply:
        connection = self.connection()
        try:
            headers = self.headers()
            if body is not None:
                headers["Content-Type"] = "application/json"
            connection.request(method, self.path(path), body, headers)
            response = connection.getresponse()
            got = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(
                f"No collector answers at {self.url}: {error or type(error).__name__}. {_hint(error)}"
            ) from error
        finally:
            connection.close()
        if response.status == 200:
            return Reply(got, response.headers.get("X-Tellwhy-Truncated") == "true")
        raise self.error(response.status, got)

    def path(self, path: str) -> str:
        """What stands in the request for *path* of the API."""
        return self._parts.path + path

    def headers(self) -> dict[str, str]:
        """What is sent with every request: who asks."""
        sent = {"User-Agent": "tellwhy"}
        with contextlib.suppress(OSError, KeyError):  # a container's user may have no name
            sent["X-Tellwhy-User"] = getpass.getuser().encode("ascii", "replace").decode()
        if self._asking.token:
            sent["Authorization"] = f"Bearer {self._asking.token}"
        return sent

    def connection(self) -> http.client.HTTPConnection:
        """A connection that is not open yet.

        Raises:
            Usage: A file with certificates cannot be used.
        """
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        ca = self._asking.ca
        try:
            context = ssl.create_default_context(cafile=ca or None)
        except OSError as error:
            raise Usage(
                f"TELLWHY_COLLECTOR_CA is {ca}, in which no certificate can be read: "
                f"{error.strerror or error}. Name a PEM file."
            ) from None
        cert, key = self._asking.cert, self._asking.key
        if cert:
            try:
                # A key with a password would ask for it, and a pipe has nobody to answer.
                context.load_cert_chain(cert, key or None, password=lambda: "")
            except OSError as error:
                raise Usage(
                    f"TELLWHY_CLIENT_CERT is {cert}, TELLWHY_CLIENT_KEY {key or 'not set'}, and "
                    f"they do not work: {error.strerror or error}. Name PEM files of one pair."
                ) from None
        return http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=context)

    def error(self, status: int, body: bytes) -> Exception:
        """What an answer that is not 200 means."""
        try:
            return Refused(str(json.loads(body)["error"]))
        except (ValueError, KeyError, TypeError):
            return Unreachable(
                f"{self.url} answers with HTTP {status}, but not as a collector does. "
                "Name the collector with --url or TELLWHY_COLLECTOR_URL."
            )


def _hint(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return "Name the file of the authority that signed it in TELLWHY_COLLECTOR_CA."
    return "Start one with `tellwhy up`, or name another with --url or TELLWHY_COLLECTOR_URL."

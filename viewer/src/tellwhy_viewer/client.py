"""The viewer's only way out: questions to one collector over HTTP.

CollectorError                what went wrong, with a sentence that says what to do
├── CollectorDown             nobody answers at the address, or not in time
├── NoAccess        401, 403  the collector wants a token, or another one
├── LoggedOut                 nothing was asked: the login of the person at the page has ended
├── QueryRefused    400       the text is not allowed or not SQL; the person who wrote it can fix it
└── QueryTooSlow    408       the collector stopped it at its time limit
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

import httpx
import pyarrow as pa

MAX_ROWS = 100_000
"""Most rows that one answer may bring; the collector's own upper limit."""

asked_by: ContextVar[str] = ContextVar("asked_by", default="")
"""Login of the person whom a question is for; the collector writes it into its table audit."""

opened_run: ContextVar[str] = ContextVar("opened_run", default="")
"""The run that the person opens with a question; likewise."""

Format = Literal["csv", "parquet", "arrow"]

_TYPES: dict[Format, str] = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}


class CollectorError(Exception):
    """The collector could not answer; the text says why and what to do."""


class CollectorDown(CollectorError):  # noqa: N818 -- a state, not a mistake
    """Nobody answers at the collector's address."""

    def __init__(self, url: str, reason: str) -> None:
        """Say which *url* and the transport's *reason*."""
        self.url = url
        self.reason = reason
        super().__init__(
            f"No collector answers at {url} ({reason}). Start one with `tellwhy serve`, or name "
            "another with --collector-url or TELLWHY_COLLECTOR_URL."
            if "CERTIFICATE_VERIFY_FAILED" not in reason
            else f"The certificate at {url} is not trusted ({reason}). Name the file of the "
            "authority that signed it in TELLWHY_COLLECTOR_CA."
        )


class NoAccess(CollectorError):  # noqa: N818 -- a state, not a mistake
    """The collector wants a token that this viewer did not show."""


class LoggedOut(CollectorError):  # noqa: N818 -- a state, not a mistake
    """The person who looks at the page is not logged in any more."""


class QueryRefused(CollectorError):  # noqa: N818 -- a state, not a mistake
    """The collector did not accept the text."""


class QueryTooSlow(CollectorError):  # noqa: N818 -- a state, not a mistake
    """The collector stopped the query at its time limit."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A table: the rows of one query, in its order."""

    columns: list[str]
    types: list[str]
    rows: list[list[Any]]
    truncated: bool
    """True when the collector had more rows than it was allowed to send."""
    elapsed_ms: float

    def dicts(self) -> list[dict[str, Any]]:
        """Give each row as column → value."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


class Collector:
    """Asks one collector. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 20.0,
        token: str = "",
        review_token: str = "",
        ca: str = "",
        cert: str = "",
        key: str = "",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Remember the address; nothing is sent yet.

        Args:
            url: http or https, without a path.
            timeout_s: How long one question may take. Seconds.
            token: What is shown to the collector; nothing when empty.
            review_token: What is shown with a verdict, and with all else where *token* is empty.
            ca: PEM file of authorities that are trusted; the system's when empty.
            cert: PEM file of a certificate to show; none when empty.
            key: PEM file of its private key, when that is not in the same file.
            transport: Another way out, for tests.
        """
        self.url = url.rstrip("/")
        verify = ssl.create_default_context(cafile=ca or None) if ca or cert else True
        if cert and isinstance(verify, ssl.SSLContext):
            verify.load_cert_chain(cert, key or None, password=lambda: "")
        token = token or review_token
        shown = {"Authorization": f"Bearer {token}"} if token else {}
        self._review = {"Authorization": f"Bearer {review_token}"} if review_token else None
        # trust_env: the collector is a neighbour, a proxy from the environment must not see content.
        self._http = httpx.Client(
            base_url=self.url,
            timeout=timeout_s,
            transport=transport,
            trust_env=False,
            verify=verify,
            headers={"User-Agent": "tellwhy-viewer", **shown},
        )

    def sql(self, text: str, params: Sequence[Any] = (), *, max_rows: int | None = None) -> Answer:
        """Run one SELECT and give its rows.

        Args:
            text: One statement; values stand in it as ``$1``, ``$2``, ….
            params: The values, in order.
            max_rows: Most rows wanted; the collector's default when None.

        Raises:
            QueryRefused: the collector does not accept the text.
            QueryTooSlow: it ran into the time limit.
            CollectorDown: nobody answers.
        """
        told = self._ask("POST", "/api/sql", _body(text, params, max_rows)).json()
        return Answer(
            columns=told["columns"],
            types=told.get("types") or [""] * len(told["columns"]),
            rows=told["rows"],
            truncated=bool(told.get("truncated")),
            elapsed_ms=float(told.get("elapsed_ms") or 0.0),
        )

    def export(
        self, text: str, fmt: Format, params: Sequence[Any] = (), *, max_rows: int = MAX_ROWS
    ) -> bytes:
        """Run one SELECT and give its rows as a file.

        Raises:
            CollectorError: as `sql`.
        """
        answer = self._ask(
            "POST", "/api/sql", _body(text, params, max_rows), headers={"Accept": _TYPES[fmt]}
        )
        content: bytes = answer.content
        return content

    def rows(
        self, text: str, params: Sequence[Any] = (), *, max_rows: int = MAX_ROWS
    ) -> list[dict[str, Any]]:
        """Run one SELECT and give each row as column → value, where there are many of them.

        They come as Arrow: 100,000 steps in a tenth of the time that they take as JSON. Moments
        come as datetime.

        Raises:
            CollectorError: as `sql`.
        """
        told = self.export(text, "arrow", params, max_rows=max_rows)
        columns = pa.ipc.open_stream(told).read_all().to_pydict()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def tables(self) -> list[dict[str, Any]]:
        """Give every table and view with its comment and its columns.

        Raises:
            CollectorDown: nobody answers.
        """
        found: list[dict[str, Any]] = self._ask("GET", "/api/tables").json()["tables"]
        return found

    def explanation(self, run_id: str, decision_id: str | None = None) -> dict[str, Any]:
        """Give a run, or one of its decisions, in words, as the collector tells it.

        Raises:
            CollectorError: as `sql`.
        """
        path = f"/api/runs/{quote(run_id, safe='')}/explanation"
        if decision_id is not None:
            path = f"/api/decisions/{quote(decision_id, safe='')}/explanation"
            path += f"?run_id={quote(run_id, safe='')}"
        found: dict[str, Any] = self._ask("GET", path).json()
        return found

    def compare(self, before: str, after: str) -> dict[str, Any]:
        """Give two runs with their decisions in pairs, as the collector tells them.

        Raises:
            CollectorError: as `sql`.
        """
        path = f"/api/compare?before={quote(before, safe='')}&after={quote(after, safe='')}"
        found: dict[str, Any] = self._ask("GET", path).json()
        return found

    def give_verdict(self, said: dict[str, Any]) -> dict[str, Any]:
        """Tell what a reviewer says of a decision or a run, and give it back as it was stored.

        Args:
            said: ``run_id``, ``decision_id``, ``verdict``, ``note``, ``reviewer``; see the HTTP API.

        Raises:
            NoAccess: the viewer lacks the review token.
            CollectorError: as `sql`.
        """
        given: dict[str, Any] = self._ask("POST", "/api/verdicts", said, self._review).json()
        return given

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        told = {"X-Tellwhy-User": asked_by.get(), "X-Tellwhy-View": opened_run.get()}
        sent = {name: value.encode() for name, value in told.items() if value}
        sent |= {name: value.encode() for name, value in (headers or {}).items()}
        try:
            answer = self._http.request(method, path, json=body, headers=sent)
        except httpx.TransportError as cause:
            raise CollectorDown(self.url, str(cause) or type(cause).__name__) from cause
        if answer.is_success:
            return answer
        raise _error(self.url, answer)


def _body(text: str, params: Sequence[Any], max_rows: int | None) -> dict[str, Any]:
    body: dict[str, Any] = {"sql": text, "params": list(params)}
    if max_rows is not None:
        body["max_rows"] = max_rows
    return body


def _error(url: str, answer: httpx.Response) -> CollectorError:
    try:
        said = str(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return CollectorError(
            f"{url} answered {answer.status_code} without a reason; is it a tellwhy collector?"
        )
    if answer.status_code == 401:
        return NoAccess(f"{said} The viewer takes it from TELLWHY_READ_TOKEN when it starts.")
    if answer.status_code == 403:
        return NoAccess(said)
    if answer.status_code == 408:
        return QueryTooSlow(said)
    if 400 <= answer.status_code < 500:
        return QueryRefused(said)
    return CollectorError(said)

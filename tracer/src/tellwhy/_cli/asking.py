"""Questions to a tellwhy collector over HTTP."""

from __future__ import annotations

import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from tellwhy import _settings
from tellwhy._post import trust

TIMEOUT_S = 15.0


class Asker(Protocol):
    """Who asks: where, and with which variables."""

    @property
    def collector_url(self) -> str:
        """Base address of the collector."""
        ...

    @property
    def environ(self) -> Mapping[str, str]:
        """Variables that may hold a token."""
        ...


class Asking(NamedTuple):
    """A command that asks a collector."""

    collector_url: str
    environ: Mapping[str, str]

    @classmethod
    def at(cls, url: str | None) -> Asking:
        """The collector at *url*, else the one of the environment."""
        base = _settings.traces_url(_settings.from_environment()).removesuffix("/v1/traces")
        asked = url or os.environ.get("TELLWHY_COLLECTOR_URL") or base
        return cls(asked.rstrip("/"), dict(os.environ))


class Silent(Exception):  # noqa: N818 - says what happened
    """No answer, or none that helps."""

    def __init__(self, text: str, remedy: str) -> None:
        super().__init__(text)
        self.remedy = remedy


def get(asker: Asker, path: str) -> dict[str, Any]:
    """The JSON at *path*.

    Raises:
        Silent: There is none; says why.
    """
    return _ask(asker, urllib.request.Request(asker.collector_url + path))  # noqa: S310


def rows(asker: Asker, sql: str) -> list[list[Any]]:
    """Rows of one SELECT.

    Raises:
        Silent: There are none; says why.
    """
    found: list[list[Any]] = post(asker, "/api/sql", {"sql": sql})["rows"]
    return found


def post(asker: Asker, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """What is answered to *body*.

    Raises:
        Silent: Nothing; says why.
    """
    request = urllib.request.Request(  # noqa: S310
        asker.collector_url + path,
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    return _ask(asker, request)


def records(
    asker: Asker, sql: str, params: Sequence[Any] = (), *, max_rows: int | None = None
) -> list[dict[str, Any]]:
    """Rows of one SELECT, by the names of its columns.

    Raises:
        Silent: There are none, or more than *max_rows*; says why.
    """
    body: dict[str, Any] = {"sql": sql, "params": list(params)}
    if max_rows is not None:
        body["max_rows"] = max_rows
    found = post(asker, "/api/sql", body)
    if found["truncated"]:
        raise Silent(
            f"the answer has more than {len(found['rows']):,} rows", "Ask for fewer with LIMIT."
        )
    return [dict(zip(found["columns"], row, strict=True)) for row in found["rows"]]


def lines(asker: Asker, path: str) -> Iterator[bytes]:
    """The lines of what is at *path*, as they come.

    Raises:
        Silent: There is nothing; says why.
    """
    request = urllib.request.Request(asker.collector_url + path)  # noqa: S310
    with _answer(asker, request) as answer:
        yield from answer


def _ask(asker: Asker, request: urllib.request.Request) -> dict[str, Any]:
    with _answer(asker, request) as answer:
        said = json.loads(answer.read())
    return said if isinstance(said, dict) else {}


@contextmanager
def _answer(asker: Asker, request: urllib.request.Request) -> Iterator[Any]:
    try:
        token = _token(asker)
        if token:
            request.add_header("Authorization", f"Bearer {token}")
        with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=_trust(asker)) as answer:  # noqa: S310
            yield answer
    except urllib.error.HTTPError as error:
        remedy = "See the collector's log."
        if error.code in {401, 403}:
            remedy = "Set TELLWHY_READ_TOKEN, or TELLWHY_READ_TOKEN_FILE, to the collector's."
        elif error.code in {404, 410}:
            remedy = "`tellwhy sql 'select run_id, agent_name, start_time from runs'` has the ids."
            raise Silent(_words(error), remedy) from None
        raise Silent(f"status {error.code}: {_words(error)}", remedy) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise Silent(str(reason), "Set TELLWHY_COLLECTOR_URL, or use --url.") from None


def _trust(asker: Asker) -> ssl.SSLContext:
    """By the variables of `tellwhy sql` and the viewer."""
    names = ("TELLWHY_COLLECTOR_CA", "TELLWHY_CLIENT_CERT", "TELLWHY_CLIENT_KEY")
    return trust(*(asker.environ.get(name, "") for name in names))


def _token(asker: Asker) -> str:
    if token := asker.environ.get("TELLWHY_READ_TOKEN"):
        return token
    path = asker.environ.get("TELLWHY_READ_TOKEN_FILE")
    return Path(path).read_text("utf-8").strip() if path else ""


def _words(error: urllib.error.HTTPError) -> str:
    text = error.read(2000)
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", "replace")

"""The demo's two ways of talking to a collector: post OTLP, ask SQL. Standard library only."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 20.0
"""Of one request; on loopback only a stuck collector needs longer."""

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Opens addresses without a proxy, whatever HTTP_PROXY says: the demo stays on loopback."""


class CollectorError(Exception):
    """The collector refused a request; the text has its status and its answer."""


def post(url: str, body: bytes, content_type: str = "application/json") -> bytes:
    """Post a body and give back the answer.

    Raises:
        CollectorError: The answer was not 2xx, or there was none.
    """
    request = urllib.request.Request(url, body, {"content-type": content_type})  # noqa: S310
    try:
        with _direct.open(request, timeout=TIMEOUT_S) as response:
            return bytes(response.read())
    except urllib.error.HTTPError as error:
        said = error.read().decode("utf-8", "replace")[:500]
        raise CollectorError(f"{url} answered {error.code}: {said}") from error
    except OSError as error:
        raise CollectorError(f"{url} did not answer: {error}.") from error


def ask(url: str, sql: str, *params: Any) -> list[list[Any]]:
    """Run one SELECT on the collector at ``url`` and give back its rows.

    Raises:
        CollectorError: The collector refused it or did not answer.
    """
    body = json.dumps({"sql": sql, "params": params}).encode()
    answer = json.loads(post(f"{url}/api/sql", body))
    rows: list[list[Any]] = answer["rows"]
    return rows


def status(url: str) -> int:
    """Give back the status of a GET, 0 when nobody answers."""
    try:
        with _direct.open(url, timeout=TIMEOUT_S) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0

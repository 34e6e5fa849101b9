"""One request to one model over HTTP, tried again where that helps. Standard library only.

Addresses and keys stand in the variables that the providers' own SDKs read.
"""

from __future__ import annotations

import http.client
import json
import selectors
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tellwhy._clients.headers import read as read_headers
from tellwhy._clients.routes import MESSAGES, Format
from tellwhy._plain_json import loads

ATTEMPTS = 5
"""Tries of one request."""

RETRIED = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may succeed."""

GATEWAY = frozenset({502, 504})
"""Statuses of somebody between who had no answer: the provider may have worked on the request."""

MAX_WAIT_S = 60.0
"""Longest wait between two tries, whatever the provider asks for."""

FIRST_WAIT_S = 0.5
"""Doubled with each try, unless the provider says how long to wait."""

MAX_ANSWER_BYTES = 64 * 1024 * 1024

DEFAULTS = {"anthropic": "https://api.anthropic.com", "openai": "https://api.openai.com/v1"}
"""Where requests go when no variable says otherwise."""

FIRST_VERSION = "2023-06-01"
"""Of Anthropic's API, where a recorded request names none. Its SDK sends a key as ``x-api-key`` with
this version, and as a bearer with 2026-10-21. Source: anthropic 1.x and 2.12, ``_client.py``."""


class NoProvider(Exception):  # noqa: N818 - says what is missing
    """Nobody can be asked; the text says which variable to set."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests of one wire format go, and what opens the door."""

    base: str
    """Base address, with the version for OpenAI as its SDK has it."""
    headers: dict[str, str]

    @classmethod
    def of(
        cls, spoken: Format, environ: Mapping[str, str], recorded: Mapping[str, str] | None = None
    ) -> Target:
        """The target of a wire format.

        Args:
            spoken: The format.
            environ: With addresses and keys.
            recorded: Headers of the recorded request; names in lower case.

        Raises:
            NoProvider: There is no key.
        """
        if spoken is MESSAGES:
            base = environ.get("ANTHROPIC_BASE_URL") or DEFAULTS["anthropic"]
            version = (recorded or {}).get("anthropic-version", FIRST_VERSION)
            key, token = environ.get("ANTHROPIC_API_KEY"), environ.get("ANTHROPIC_AUTH_TOKEN")
            if not key and not token:
                raise NoProvider("ANTHROPIC_API_KEY is not set. Set it to ask models of Anthropic.")
            headers = {"authorization": f"Bearer {key or token}"}
            if key and version == FIRST_VERSION:
                headers = {"x-api-key": key}
            return cls(base.rstrip("/"), {"anthropic-version": version, **headers})
        base = environ.get("OPENAI_BASE_URL") or DEFAULTS["openai"]
        key = environ.get("OPENAI_API_KEY", "")
        if not key:
            raise NoProvider(
                "OPENAI_API_KEY is not set. Set it to ask models of OpenAI, or of whoever answers at "
                "OPENAI_BASE_URL."
            )
        headers = {"authorization": f"Bearer {key}"}
        for name, variable in (
            ("openai-organization", "OPENAI_ORG_ID"),
            ("openai-project", "OPENAI_PROJECT_ID"),
        ):
            if value := environ.get(variable):
                headers[name] = value
        return cls(base.rstrip("/"), headers)

    def url(self, path: str) -> str:
        """The address for a recorded path, of which only the end counts: bases differ."""
        for end in ("/v1/messages", "/chat/completions", "/responses", "/completions"):
            if path.endswith(end):
                return f"{self.base}{end}"
        return f"{self.base}{path}"


@dataclass(frozen=True, slots=True)
class Response:
    """What came back of the last try."""

    status: int
    """0 when nobody answered."""
    headers: list[tuple[str, str]]
    content: bytes
    error: str = ""
    """Why nobody answered."""

    @property
    def is_lost(self) -> bool:
        """Whether there is no answer, although the request may have been worked on."""
        if self.status:
            return self.status in GATEWAY
        return not self.error.startswith("ConnectionRefusedError")


class Provider:
    """Sends requests; each thread has connections of its own."""

    def __init__(self, timeout_s: float = 600.0) -> None:
        self._timeout_s = timeout_s
        self._local = threading.local()
        self._opened: list[http.client.HTTPConnection] = []
        self._trust = ssl.create_default_context()

    def send(self, url: str, headers: Mapping[str, str], body: Any) -> Response:
        """One try, on a connection that is open where there is one."""
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        said = {"content-type": "application/json", "accept": "application/json", **headers}
        parts = urlsplit(url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        connection = self._connection(parts.scheme, parts.netloc)
        try:
            connection.request("POST", path, content, said)
            answer = connection.getresponse()
            read = answer.read(MAX_ANSWER_BYTES)
            if answer.status < 400 and loads(read) is None:
                return Response(0, [], b"", f"the answer was no whole JSON: {_glance(read)}")
            return Response(answer.status, answer.getheaders(), read)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return Response(0, [], b"", f"{type(error).__name__}: {error} ({parts.netloc})")

    def close(self) -> None:
        """Close all connections; nobody may be sending."""
        while self._opened:
            self._opened.pop().close()

    def _connection(self, scheme: str, place: str) -> http.client.HTTPConnection:
        held: dict[str, http.client.HTTPConnection] = self._local.__dict__
        key = f"{scheme}://{place}"
        found = held.get(key)
        if found is not None:
            # Sending on what the other side has closed would look like an answer that was lost.
            if found.sock is not None and _is_closed(found.sock):
                found.close()
            return found
        if scheme == "https":
            found = http.client.HTTPSConnection(place, timeout=self._timeout_s, context=self._trust)
        else:
            found = http.client.HTTPConnection(place, timeout=self._timeout_s)
        held[key] = found
        self._opened.append(found)
        return found


def _glance(content: bytes) -> str:
    return repr(content[:80].decode("utf-8", "replace"))


def _is_closed(sock: socket.socket) -> bool:
    """Whether there is something to read although nothing was asked: as a rule, the end."""
    with selectors.DefaultSelector() as looking:
        looking.register(sock, selectors.EVENT_READ)
        return bool(looking.select(0))


def wait_s(response: Response, attempt: int) -> float | None:
    """How long to wait before the next try; None when there is none.

    Args:
        response: What came back.
        attempt: Which try it was, from 1.
    """
    if attempt >= ATTEMPTS or (response.status and response.status not in RETRIED):
        return None
    raw = [(name.encode(), value.encode()) for name, value in response.headers]
    asked_ms = read_headers(raw).retry_after_ms
    wanted = FIRST_WAIT_S * 2 ** (attempt - 1) if asked_ms is None else asked_ms / 1000
    return min(wanted, MAX_WAIT_S)


def pause(seconds: float, ending: threading.Event) -> None:
    """Wait, unless all is to end."""
    until = time.monotonic() + seconds
    ending.wait(max(until - time.monotonic(), 0))

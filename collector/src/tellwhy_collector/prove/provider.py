"""Asks a model over HTTP, as the recorded request did. Standard library only.

The key comes from the variables that the SDKs read, and goes to the address that the SDKs would ask, or
that the person names: never to one that stands in a recording, which somebody else may have written.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tellwhy_collector.prove.wire import Wire
from tellwhy_collector.shell.errors import Refused, Usage

TIMEOUT_S = 600.0
"""For one answer."""

ATTEMPTS = 6
"""For one answer, when the provider is busy."""

LONGEST_WAIT_S = 60.0
"""Between two attempts, whatever the provider says."""

BUSY = frozenset({408, 409, 429, 500, 502, 503, 504, 529})
"""Status codes after which asking again may help."""

GATEWAY = frozenset({502, 504})
"""Status codes of somebody between who had no answer: the provider may have worked on the request."""

INVALID = frozenset({400, 413, 422})
"""Status codes that mean that this request is not taken."""

OFFICIAL = {
    "anthropic_messages": "https://api.anthropic.com",
    "openai_chat": "https://api.openai.com/v1",
    "openai_responses": "https://api.openai.com/v1",
}
VARIABLES = {"anthropic_messages": "ANTHROPIC_BASE_URL"}
VERSION = "2023-06-01"
"""Of Anthropic's API, when the recording does not say. Its SDK sends a key as ``x-api-key`` with this
version, and as a bearer with 2026-10-21. Source: anthropic 1.x and 2.12, ``_client.py``."""


class Unanswered(Exception):  # noqa: N818 - says what happened
    """The provider does not answer any more; says what it said."""

    def __init__(self, said: str, lost: int = 0) -> None:
        super().__init__(said)
        self.lost = lost
        """Requests that it may have worked on."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A key goes to the address that was named, and to no other that this one names."""

    def redirect_request(self, *_: Any) -> None:
        """Not followed: the answer stays what it is, an error."""


_OPENER = urllib.request.build_opener(_NoRedirect)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    body: dict[str, Any]
    duration_ms: float
    error: str | None = None
    """Why the request was not taken; None when there is an answer."""
    lost: int = 0
    """Requests before this one whose answer was lost."""


@dataclass(slots=True)
class Provider:
    """Where a model is asked, and with which headers."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set to give up waiting."""

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def ask(self, body: dict[str, Any], again: Callable[[], bool] = lambda: True) -> Answered:
        """The answer to *body*; again when the provider is busy, as long as it says.

        Args:
            body: The request.
            again: Asked before another attempt after one whose answer was lost; that may cost twice.

        Raises:
            Unanswered: It stays busy, refuses the key, cannot be reached, or may not be asked again.
        """
        content = json.dumps(body, ensure_ascii=False).encode()
        said, lost, attempt = "", 0, 0
        while True:
            began = time.monotonic()
            request = urllib.request.Request(self.url, content, dict(self.headers))  # noqa: S310
            wait_s = min(0.5 * 2**attempt, 8.0)
            try:
                with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                    found = json.loads(answer.read())
                    status = answer.status
                return Answered(status, found, (time.monotonic() - began) * 1000, lost=lost)
            except urllib.error.HTTPError as error:
                said = f"HTTP {error.code}: {_words(error)}"
                if error.code in INVALID:
                    took_ms = (time.monotonic() - began) * 1000
                    return Answered(error.code, {}, took_ms, said, lost)
                if error.code not in BUSY:
                    raise Unanswered(said, lost) from None
                wait_s = _wanted_wait(error.headers, wait_s)
                is_lost = error.code in GATEWAY
            except (OSError, ValueError, http.client.HTTPException) as error:
                reason = getattr(error, "reason", error)
                said = str(reason) or type(error).__name__
                is_lost = not isinstance(reason, ConnectionRefusedError)
            lost, attempt = lost + is_lost, attempt + 1
            if attempt == ATTEMPTS or self.stopping.wait(min(wait_s, LONGEST_WAIT_S)):
                raise Unanswered(f"{said} ({attempt} attempts)", lost)
            if is_lost and not again():
                raise Unanswered(f"{said}; another attempt may cost more than is left", lost)


def provider_for(
    wire: Wire,
    recorded: Mapping[str, str],
    host: str | None,
    base_url: str | None,
    environ: Mapping[str, str],
) -> Provider:
    """Where to ask.

    Args:
        wire: Its format.
        recorded: Headers of the recorded request.
        host: Where that went, as far as is known.
        base_url: What the person named.
        environ: Variables.

    Raises:
        Usage: There is no key.
        Refused: It was asked elsewhere than where it would be asked now.
    """
    variable = VARIABLES.get(wire.name, "OPENAI_BASE_URL")
    base = base_url or environ.get(variable) or OFFICIAL[wire.name]
    official = urlsplit(OFFICIAL[wire.name]).hostname
    if host and host != official and not (base_url or environ.get(variable)):
        raise Refused(
            f"The recorded request went to {host[:100]}, and no key is sent to an address out of a "
            f"recording. Name the address with --base-url or {variable}."
        )
    parts = urlsplit(base)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Usage(f"{base!r} is no http:// address. Give one with --base-url.")
    headers = {"content-type": "application/json", "user-agent": "tellwhy-prove"}
    headers |= _anthropic(recorded, environ) if wire.name in VARIABLES else _openai(environ)
    return Provider(base.rstrip("/") + wire.path, headers)


def _anthropic(recorded: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    found = {"anthropic-version": recorded.get("anthropic-version", VERSION)}
    if beta := recorded.get("anthropic-beta"):
        found["anthropic-beta"] = beta
    key, token = environ.get("ANTHROPIC_API_KEY"), environ.get("ANTHROPIC_AUTH_TOKEN")
    if key and found["anthropic-version"] == VERSION:
        return found | {"x-api-key": key}
    if key or token:
        return found | {"authorization": f"Bearer {key or token}"}
    raise Usage("A key for Anthropic's API is needed. Set ANTHROPIC_API_KEY.")


def _openai(environ: Mapping[str, str]) -> dict[str, str]:
    key = environ.get("OPENAI_API_KEY")
    if not key:
        raise Usage("A key for OpenAI's API is needed. Set OPENAI_API_KEY.")
    found = {"authorization": f"Bearer {key}"}
    for name, variable in (
        ("openai-organization", "OPENAI_ORG_ID"),
        ("openai-project", "OPENAI_PROJECT_ID"),
    ):
        if value := environ.get(variable):
            found[name] = value
    return found


def _wanted_wait(headers: Any, otherwise_s: float) -> float:
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (TypeError, ValueError):
            continue
    return otherwise_s


def _words(error: urllib.error.HTTPError) -> str:
    try:
        text = error.read(4000)
    except (OSError, http.client.HTTPException):
        return "its words were lost"
    try:
        said = json.loads(text)["error"]
        return str(said["message"] if isinstance(said, dict) else said)[:500]
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", "replace")[:500]

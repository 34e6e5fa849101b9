"""What the headers of a response say about the provider: request id, waiting time, rate limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REQUEST_IDS = frozenset({b"request-id", b"x-request-id", b"x-amzn-requestid", b"apim-request-id"})
"""Names under which providers give the id that their support asks for."""

WAITS = {b"retry-after-ms": "milliseconds", b"retry-after": "seconds"}
"""Names under which they ask to wait -> the unit."""


@dataclass(slots=True)
class Seen:
    """What one response said."""

    request_id: str | None = None
    retry_after_ms: float | None = None
    rate_limit: dict[str, str] = field(default_factory=dict)
    """Header name in lower case -> value."""


_roles: dict[bytes, str] = {}
MAX_NAMES = 1_024
"""Header names whose meaning is kept: an answer has twenty of them, the same ones each time."""


def read(raw: Iterable[tuple[bytes, bytes]]) -> Seen:
    """Read raw headers, as httpx and httpx2 give them."""
    seen = Seen()
    for name, value in raw:
        role = _roles.get(name)
        if role is None:
            role = _role(name)
        if not role:
            continue
        if role == "rate_limit":
            seen.rate_limit[name.decode("latin-1").lower()] = value.decode("latin-1")
        elif role == "request_id":
            seen.request_id = value.decode("latin-1")
        elif role == "milliseconds":
            seen.retry_after_ms = _number(value)
        elif seen.retry_after_ms is None:
            seconds = _number(value)
            seen.retry_after_ms = None if seconds is None else seconds * 1000
    return seen


def _role(name: bytes) -> str:
    """What a header is to us; empty for most."""
    lower = name.lower()
    role = ""
    if b"ratelimit" in lower:
        role = "rate_limit"
    elif lower in REQUEST_IDS:
        role = "request_id"
    elif lower in WAITS:
        role = WAITS[lower]
    if len(_roles) < MAX_NAMES:
        _roles[name] = role
    return role


def _number(value: bytes) -> float | None:
    """A number of seconds or milliseconds; the header may hold a date instead (RFC 9110)."""
    try:
        return float(value)
    except ValueError:
        return None

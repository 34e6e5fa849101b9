"""What the headers of a response say about the provider: request id, waiting time, rate limits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

REQUEST_IDS = frozenset({b"request-id", b"x-request-id", b"x-amzn-requestid", b"apim-request-id"})
"""Names under which providers give the id that their support asks for."""


@dataclass(slots=True)
class Seen:
    """What one response said."""

    request_id: str | None = None
    retry_after_ms: float | None = None
    rate_limit: dict[str, str] = field(default_factory=dict)
    """Header name in lower case -> value."""


def read(raw: Iterable[tuple[bytes, bytes]]) -> Seen:
    """Read raw headers, as httpx and httpx2 give them."""
    seen = Seen()
    for name, value in raw:
        name = name.lower()  # noqa: PLW2901 - headers are compared so
        if b"ratelimit" in name:
            seen.rate_limit[name.decode("latin-1")] = value.decode("latin-1")
        elif name in REQUEST_IDS:
            seen.request_id = value.decode("latin-1")
        elif name == b"retry-after-ms":
            seen.retry_after_ms = _number(value)
        elif name == b"retry-after" and seen.retry_after_ms is None:
            seconds = _number(value)
            seen.retry_after_ms = None if seconds is None else seconds * 1000
    return seen


def _number(value: bytes) -> float | None:
    """A number of seconds or milliseconds; the header may hold a date instead (RFC 9110)."""
    try:
        return float(value)
    except ValueError:
        return None

"""One HTTP attempt of a model call as a replay needs it: what went out, what came back, and when.

Nothing is held back from the host: chunks are noted while they pass. What is longer than
``max_exchange_bytes`` is not kept, and said to be missing.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tellwhy import _attributes as names
from tellwhy import _provider, _redact, _settings
from tellwhy._capture import to_json
from tellwhy._plain_json import compact, is_clean, piece_of
from tellwhy._recording import pieces
from tellwhy._recording.answers import Chunk, answer_of
from tellwhy._recording.lane import number as lane_number

REQUEST_HEADERS = frozenset({
    "accept", "content-type", "anthropic-version", "anthropic-beta", "openai-beta",
    "x-stainless-retry-count", "x-stainless-helper-method",
})  # fmt: skip
"""What is kept of a request's headers; keys and cookies stand in others."""

RESPONSE_HEADERS = re.compile(
    r"content-type|(x-)?request-id|retry-after(-ms)?|x-should-retry|date|server-timing"
    r"|openai-(model|version|processing-ms)|(anthropic|x)-ratelimit-[a-z-]+|x-amzn-(requestid|errortype)"
    r"|apim-request-id|x-ms-[a-z-]+"
)
"""What is kept of a response's headers; packing and length are not what they were."""


class Exchange:
    """One attempt."""

    __slots__ = (
        "_attempt", "_began", "_chunks", "_error", "_fields", "_headers", "_is_cut", "_lane",
        "_left", "_method", "_path", "_request_headers", "_status",
    )  # fmt: skip

    def __init__(self, request: Any, body: dict[str, Any], attempt: int) -> None:
        """Take a request that goes out.

        Args:
            request: Of httpx or httpx2.
            body: Its parsed JSON.
            attempt: From 1.
        """
        self._began = time.perf_counter()
        self._attempt = attempt
        self._lane = lane_number()
        self._method = str(request.method)
        self._path = str(request.url.path)
        self._fields = fields_of(body)
        self._request_headers = {
            name.lower(): _redact.text(text, name)
            for name, text in request.headers.items()
            if name.lower() in REQUEST_HEADERS
        }
        self._left = _settings.current().max_exchange_bytes
        self._status: int | None = None
        self._headers: list[list[str]] = []
        self._chunks: list[Chunk] = []
        self._error: dict[str, Any] | None = None
        self._is_cut = False

    def answered(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """The response's head is here."""
        self._status = status
        self._headers = [
            [name.lower(), _redact.text(text, name)]
            for name, text in headers
            if RESPONSE_HEADERS.fullmatch(name.lower())
        ]

    def chunk(self, data: bytes) -> None:
        """Unpacked bytes of the body come."""
        self._left -= len(data)
        if self._left < 0:
            self._is_cut = True
            self._chunks.clear()
        elif data:
            self._chunks.append(((time.perf_counter() - self._began) * 1000, data))

    def failed(self, error: BaseException) -> None:
        """There is no response, or its body broke off."""
        words = _redact.text(str(error))
        self._error = {"type": type(error).__name__, "message": words[:2000]}

    def told(self, trace_id: int, *, is_clean: bool) -> tuple[dict[str, Any], Mapping[str, str]]:
        """What is said of it, and the pieces that this trace has not told.

        Args:
            trace_id: The trace of its call.
            is_clean: Whether what was read out of its body holds no secret.
        """
        request, new = pieces.keep(trace_id, self._fields)
        found: dict[str, Any] = {
            "attempt": self._attempt,
            "lane": self._lane,
            "method": self._method,
            "path": _redact.text(self._path),
            "request": request,
            "request_headers": self._request_headers,
            "duration_ms": round((time.perf_counter() - self._began) * 1000, 2),
        }
        if self._status is not None:
            kind = next((text for name, text in self._headers if name == "content-type"), "")
            answer = answer_of(self._chunks, kind, is_clean=is_clean)
            reference, more = pieces.keep_text(trace_id, answer.text)
            new = {**new, **more}
            found |= {
                "status": self._status,
                "response_headers": self._headers,
                "response": reference,
                "cuts": answer.cuts,
            }
            if answer.is_base64:
                found["is_base64"] = True
        if self._error is not None:
            found["error"] = self._error
        if self._is_cut:
            found["is_cut"] = True
        return found, new


def tell_exchanges(span: Any, exchanges: Sequence[Exchange], answer: dict[str, Any] | None) -> None:
    """Say of a model call's span what its attempts were.

    Args:
        span: The span, which is about to end.
        exchanges: Its attempts.
        answer: What was read out of the last one's body; None when that could not be read.
    """
    trace_id = span.get_span_context().trace_id
    contents: dict[str, str] = {}
    told = []
    for each in exchanges:
        clean = each is exchanges[-1] and answer is not None and is_clean([answer])
        said, new = each.told(trace_id, is_clean=clean)
        told.append(said)
        contents |= new
    found: dict[str, Any] = {names.EXCHANGES: compact(told)}
    _provider.tell_aside(span, found | ({names.CONTENTS: contents} if contents else {}))


def fields_of(body: dict[str, Any]) -> list[tuple[str, str | list[str]]]:
    """A request's fields as JSON texts, redacted; long lists as the texts of their elements."""
    found: list[tuple[str, str | list[str]]] = []
    for name, value in body.items():
        if name in pieces.LISTS and type(value) is list:
            found.append((name, [_text(each) for each in value]))
        elif type(value) is str and len(value) < pieces.SHORTEST_PIECE:
            # Together with its name, by which it may be a secret.
            found.append((name, _text({name: value}).partition(":")[2][:-1]))
        else:
            found.append((name, _text(value)))
    return found


def text_of(body: dict[str, Any]) -> str:
    """A request's body as it is kept: as JSON text, redacted."""
    return pieces.joined(*pieces.keep_apart(fields_of(body)))


def _text(value: Any) -> str:
    if _redact.hook() is None:
        try:
            return piece_of(value)
        except (ValueError, TypeError, RecursionError):
            # NaN, or an integer of thousands of digits: the careful way knows them.
            return to_json(value)
    return to_json(value)

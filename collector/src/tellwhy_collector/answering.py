"""How the HTTP side takes JSON and answers: rows, objects, refusals, copies on their way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from tellwhy_collector import export
from tellwhy_collector.access import CHALLENGE
from tellwhy_collector.backup import Copy
from tellwhy_collector.errors import (
    CollectorError,
    NoToken,
    RequestTooLarge,
    WrongMediaType,
    WrongMethod,
)
from tellwhy_collector.query import Answer
from tellwhy_collector.question import Question

MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""Longest body: a statement of 64 KiB and its parameters."""

WHOLE_BYTES = 256 * 1024
"""Answers up to here are sent in one piece; the rest of longer ones is written while it is sent."""


class Sent(StreamingResponse):
    """A copy on its way; gone when it has arrived, or when nobody waits for it."""

    def __init__(self, made: Copy, headers: dict[str, str]) -> None:
        super().__init__(made.pieces(), headers=headers, media_type="application/octet-stream")
        self._made = made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._made.file.close()


def refusal(error: CollectorError) -> Response:
    """An error as every address under ``/api`` tells it."""
    headers = {}
    if isinstance(error, WrongMethod) and len(error.args) > 1:
        headers["Allow"] = str(error.args[1])
    if error.retryable:
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, NoToken):
        headers["WWW-Authenticate"] = CHALLENGE
    return as_json({"ok": False, "error": str(error.args[0])}, error.status, headers)


async def body_of(request: Request, most: int = MAX_REQUEST_BYTES) -> bytes:
    """The body of a request in JSON.

    Args:
        request: Not read yet.
        most: Bytes that are taken.

    Raises:
        WrongMediaType: It is no JSON, or compressed. The client has to send it otherwise.
        RequestTooLarge: It is longer than *most*.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise WrongMediaType(
            f"Content-Type is {media_type[:100] or 'missing'}; send application/json: "
            'curl --json \'{"sql": "select 1"}\' …'
        )
    if request.headers.get("content-encoding", "identity") != "identity":
        raise WrongMediaType("The body is compressed. Send it plain.")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise RequestTooLarge(f"The body is over {most:,} bytes. Send less.")
    return bytes(body)


def rows(question: Question, answer: Answer, begin: bytes, rest: Iterator[bytes]) -> Response:
    """The answer to a statement: in one piece, or written while it is sent."""
    headers = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Tellwhy-Truncated": str(answer.truncated).lower(),
        "X-Tellwhy-Elapsed-Ms": str(answer.elapsed_ms),
    }
    if question.form in {"csv", "parquet"}:
        headers["Content-Disposition"] = f'attachment; filename="tellwhy.{question.form}"'
    kind = export.MEDIA_TYPES[question.form]
    if len(begin) <= WHOLE_BYTES:
        return Response(begin, headers=headers, media_type=kind)
    return StreamingResponse(chain([begin], rest), headers=headers, media_type=kind)


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """*value* as the body of an answer that nobody keeps."""
    return Response(
        orjson.dumps(value),
        status,
        {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})},
        "application/json",
    )

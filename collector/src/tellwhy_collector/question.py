"""What ``POST /api/sql`` is asked: the body, understood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tellwhy_collector import export
from tellwhy_collector.errors import NotAcceptable, RequestError
from tellwhy_collector.query import Params
from tellwhy_collector.settings import Settings

KEYS = ("sql", "params", "format", "max_rows", "spreadsheet_safe")
"""What a body may hold."""

EXAMPLE = '{"sql": "select * from runs limit ?", "params": [10]}'


@dataclass(frozen=True, slots=True)
class Question:
    """A body that was understood."""

    sql: str
    params: Params
    form: str
    max_rows: int | None
    spreadsheet_safe: bool


def read_question(body: bytes, accept: str | None, settings: Settings) -> Question:
    """What the body asks.

    Raises:
        RequestError: It cannot be understood; the message says what to send.
    """
    try:
        given = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"The body is not JSON: {error}. Send {EXAMPLE}.") from None
    if not isinstance(given, dict):
        raise RequestError(f"The body is not a JSON object. Send {EXAMPLE}.")
    unknown = [key for key in given if key not in KEYS]
    if unknown:
        raise RequestError(f"{unknown[0][:50]!r} is not known. A body holds {', '.join(KEYS)}.")
    sql = given.get("sql")
    if not isinstance(sql, str):
        raise RequestError(f'"sql" is {_kind(sql)}; it must be a text. Send {EXAMPLE}.')
    params = given.get("params")
    if params is not None and not isinstance(params, list | dict):
        raise RequestError(f'"params" is {_kind(params)}; it must be a list or an object.')
    most, rows = settings.max_query_rows_asked, given.get("max_rows")
    if rows is not None and (type(rows) is not int or not 1 <= rows <= most):
        raise RequestError(f'"max_rows" must be a whole number from 1 to {most:,}.')
    safe = given.get("spreadsheet_safe", True)
    if not isinstance(safe, bool):
        raise RequestError(f'"spreadsheet_safe" is {_kind(safe)}; it must be true or false.')
    return Question(sql, params, _form(given.get("format"), accept), rows, safe)


def _form(named: Any, accept: str | None) -> str:
    """The format that the body names, or else the first one that ``Accept`` can mean."""
    names = ", ".join(export.MEDIA_TYPES)
    if named is not None:
        if not isinstance(named, str) or named not in export.MEDIA_TYPES:
            raise RequestError(f'"format" must be one of {names}.')
        return named
    for part in (accept or "*/*").split(","):
        wanted = part.partition(";")[0].strip().lower()
        if wanted in {"*/*", "application/*"}:
            return "json"
        for name, media_type in export.MEDIA_TYPES.items():
            if wanted == media_type.partition(";")[0]:
                return name
    raise NotAcceptable(f'Accept is {(accept or "")[:100]!r}; we write {names}. Or send "format".')


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "missing" if value is None else names.get(type(value), "a number")

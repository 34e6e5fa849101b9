"""Reading verbs for attributes: a wrong type is an absent value, never an exception.

Senders write numbers as text, JSON as text and text as JSON; these verbs take what can be
understood and give None for the rest.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import orjson

from tellwhy_collector.surrogates import whole_characters

MAX_INT = 2**63 - 1
"""Largest BIGINT; a larger number is no count."""


_STRUCTURE_STARTS = frozenset('{["' + " \t\n\r")
_JSON_STARTS = _STRUCTURE_STARTS.union("-0123456789tfn")
"""How JSON text begins. A parser that refuses prose costs ten times as much as a look."""


def first_of(attributes: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of *names* that is there and not empty text, else None."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def as_text(value: Any) -> str | None:
    """Text as it is, numbers and truth values as text, everything else and "" as None."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None


def text_of(attributes: Mapping[str, Any], *names: str) -> str | None:
    """`first_of` as text."""
    # This and `count_of` are written out, since every step asks for about twenty.
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value if type(value) is str else as_text(value)
    return None


def as_int(value: Any) -> int | None:
    """A whole number from a number or from its text; None outside of BIGINT."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        number = as_float(value)
        if len(value) > 24 or number is None:
            return None
        value = int(value) if value.lstrip("+-").isdecimal() else number
    if isinstance(value, float):
        if value != value or not value.is_integer():  # noqa: PLR0124 - NaN
            return None
        value = int(value)
    if isinstance(value, int) and -MAX_INT <= value <= MAX_INT:
        return value
    return None


def as_count(value: Any) -> int | None:
    """`as_int`, but never negative: a negative token count is no fact."""
    number = as_int(value)
    return number if number is not None and number >= 0 else None


def count_of(attributes: Mapping[str, Any], *names: str) -> int | None:
    """`first_of` as a count."""
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value if type(value) is int and 0 <= value <= MAX_INT else as_count(value)
    return None


def as_float(value: Any) -> float | None:
    """A finite number from a number or from its text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if abs(number) < float("inf") else None


def as_bool(value: Any) -> bool | None:
    """True or False from a truth value or the words ``true`` and ``false``."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return None


def as_json(value: Any) -> Any:
    """The structure behind JSON text; text that is no JSON, and everything else, as it is."""
    if not isinstance(value, str) or value[:1] not in _JSON_STARTS:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        if "surrogate" not in str(error):
            return value
    try:
        return orjson.loads(whole_characters(value.encode()))
    except orjson.JSONDecodeError:
        return value


def as_structure(value: Any) -> Any:
    """`as_json`, but a bare number or truth value in text stays text: a tool may have said so."""
    if not isinstance(value, str) or value[:1] not in _STRUCTURE_STARTS:
        return value
    parsed = as_json(value)
    return parsed if isinstance(parsed, dict | list | str) else value


def as_list(value: Any) -> list[Any] | None:
    """The list in *value*, which may be JSON text; None if it is something else."""
    parsed = as_json(value)
    return parsed if isinstance(parsed, list) else None


def as_dict(value: Any) -> dict[str, Any]:
    """The object in *value*, which may be JSON text; empty if it is something else."""
    parsed = as_json(value)
    return parsed if isinstance(parsed, dict) else {}


def nanoseconds(value: Any, *, unit_ns: int) -> int | None:
    """A span of time in nanoseconds from a number of *unit_ns*."""
    number = as_float(value)
    if number is None or not 0 <= number * unit_ns <= MAX_INT:
        return None
    return round(number * unit_ns)


def derived_id(*parts: Any, size_bytes: int = 8) -> str:
    """A stable id in lower-case hex for something that came without one."""
    told = "\x1f".join("" if part is None else str(part) for part in parts)
    return hashlib.blake2b(told.encode(errors="replace"), digest_size=size_bytes).hexdigest()

"""The leaves of JSON values with their paths, also of JSON that is written inside a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

LONGEST_KEY = 200
"""Longer keys of objects are no values that anybody repeats. Characters."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Leaf(NamedTuple):
    """One value, or one key of an object, and where it stands."""

    path: str
    """JSON path behind the place of the whole, e.g. ``.response.items[0].id``."""
    inner: str | None
    """JSON path inside the text at *path*, where that text is JSON itself."""
    key: str
    """Name under which it stands; in a list that of the list."""
    text: str
    """A string as it is, everything else as JSON text."""
    is_text: bool
    """Whether it is a string."""
    is_key: bool
    """It is the name of an entry, not its value; *path* leads to the value."""


def child(path: str, key: str) -> str:
    """The path of an object's entry."""
    if _PLAIN_KEY.match(key):
        return f"{path}.{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'{path}."{escaped}"'


def scalar_text(value: Any) -> str:
    """A string as it is, another scalar as JSON writes it."""
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "null" if value is None else str(value)


def leaves_of(
    value: Any, *, skip: frozenset[str] = frozenset(), key: str = "", path: str = ""
) -> Iterator[Leaf]:
    """Every scalar and every key, in the order of the text; JSON inside texts before the text.

    Args:
        value: Parsed JSON.
        skip: Keys of the outermost object that are left out.
        key: Name under which *value* stands.
        path: Where it stands.
    """
    outermost = (
        {k: v for k, v in value.items() if k not in skip} if isinstance(value, dict) else value
    )
    stack: list[tuple[str, str | None, str, Any]] = [(path, None, key, outermost)]
    while stack:
        at, inner, name, found = stack.pop()
        if isinstance(found, dict):
            for each, below in reversed(found.items()):
                stack.append((*_down(at, inner, each), each, below))
            for each in found:
                if each and len(each) <= LONGEST_KEY:
                    yield Leaf(*_down(at, inner, each), "", each, is_text=True, is_key=True)
        elif isinstance(found, list):
            for place in range(len(found) - 1, -1, -1):
                step = f"[{place}]"
                where = (at + step, None) if inner is None else (at, inner + step)
                stack.append((*where, name, found[place]))
        elif found is not None:
            text = scalar_text(found)
            if text is found and inner is None and (parsed := parsed_text(text)) is not None:
                stack.append((at, "$", name, parsed))
            yield Leaf(at, inner, name, text, is_text=text is found, is_key=False)


def parsed_text(text: str) -> Any:
    """The object or list that a text writes; None when it is no such text."""
    start = text[:64].lstrip()[:1]
    if start not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return None


def _down(at: str, inner: str | None, key: str) -> tuple[str, str | None]:
    return (child(at, key), None) if inner is None else (at, child(inner, key))

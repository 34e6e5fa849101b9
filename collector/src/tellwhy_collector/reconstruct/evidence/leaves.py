"""The leaves of JSON values with their paths, also of JSON that is written inside a text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
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
    return path + _step(key)


@lru_cache(maxsize=4096)
def _step(key: str) -> str:
    if _PLAIN_KEY.match(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{escaped}"'


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
    value: Any, *, skip: frozenset[str] | None = None, key: str = "", path: str = ""
) -> Iterator[Leaf]:
    """Every scalar and every key, in the order of the text; JSON inside texts before the text.

    Args:
        value: Parsed JSON.
        skip: Given for an object of our own making, such as a part of a message: entries of it that
            are left out; its other keys were not said either.
        key: Name under which *value* stands.
        path: Where it stands.
    """
    stack: list[_Found] = [_Found(path, None, key, value)]
    if skip is not None and isinstance(value, dict):
        kept = [(name, below) for name, below in value.items() if name not in skip]
        stack = [_Found(child(path, name), None, name, below) for name, below in reversed(kept)]
    while stack:
        at, inner, name, found = here = stack.pop()
        if isinstance(found, dict):
            stack += [_below(here, each, below) for each, below in reversed(found.items())]
            for each in found:
                if each and len(each) <= LONGEST_KEY:
                    under = _below(here, each, None)
                    yield Leaf(under.path, under.inner, "", each, is_text=True, is_key=True)
        elif isinstance(found, list):
            stack += [_element(here, place) for place in range(len(found) - 1, -1, -1)]
        elif found is not None:
            text = scalar_text(found)
            if text is found and inner is None and (parsed := parsed_text(text)) is not None:
                stack.append(_Found(at, "$", name, parsed))
            yield Leaf(at, inner, name, text, is_text=text is found, is_key=False)


class _Found(NamedTuple):
    path: str
    inner: str | None
    key: str
    value: Any


def _below(here: _Found, key: str, value: Any) -> _Found:
    if here.inner is None:
        return _Found(child(here.path, key), None, key, value)
    return _Found(here.path, child(here.inner, key), key, value)


def _element(here: _Found, place: int) -> _Found:
    value = here.value[place]
    if here.inner is None:
        return _Found(f"{here.path}[{place}]", None, here.key, value)
    return _Found(here.path, f"{here.inner}[{place}]", here.key, value)


def parsed_text(text: str) -> Any:
    """The object or list that a text writes; None when it is no such text."""
    start = text[:64].lstrip()[:1]
    if start not in ("{", "["):
        return None
    try:
        return orjson.loads(text)
    except ValueError:
        return None

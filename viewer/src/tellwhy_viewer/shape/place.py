"""One place in a stored text, with what stands around it. Pure."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from tellwhy_viewer.shape.text import parsed, readable

AROUND = 3_000
"""Most characters before and behind the marked place."""

MARKED = 2_000
"""Most characters of the place itself."""

_STEP = re.compile(
    r"""\.(?P<plain>[^.\[\]"']+)|\.?"(?P<quoted>(?:[^"\\]|\\.)*)"
    |\[(?P<at>\d+)\]|\["(?P<double>(?:[^"\\]|\\.)*)"\]|\['(?P<single>(?:[^'\\]|\\.)*)'\]""",
    re.VERBOSE,
)
_SENTINEL = "\ue000here\ue001"


class NoPlace(LookupError):  # noqa: N818 -- becomes a 404
    """Nothing stands there."""


def keys_of(path: str) -> list[str | int]:
    """Give the keys of a JSON path.

    Raises:
        NoPlace: it is none.
    """
    keys: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise NoPlace(path)
        at = found.end()
        if found["at"] is not None:
            keys.append(int(found["at"]))
        elif found["plain"] is not None:
            keys.append(found["plain"])
        else:
            text = found["quoted"] or found["double"] or found["single"] or ""
            keys.append(str(parsed(f'"{text}"')))
    return keys


def marked(
    text: Any, path: str, inner: str | None = None, begin: int | None = None, end: int | None = None
) -> dict[str, str]:
    """Give ``before``, ``marked`` and ``after`` of one place.

    Args:
        text: A JSON-text column.
        path: JSON path inside it.
        inner: JSON path inside the text at *path*, where that is JSON itself.
        begin: First character of the place inside its text; None for all of it.
        end: One behind the last.

    Raises:
        NoPlace: nothing stands there.
    """
    keys = keys_of(path)
    # A part of a message is read as a whole; above it stand other messages.
    depth = 4 if keys[1:2] == ["parts"] else len(keys) if inner else 1
    frame, rest = _at(parsed(text), keys[:depth]), keys[depth:]
    if inner is not None:
        frame, rest = parsed(_at(frame, rest)), keys_of(inner)
    found = _at(frame, rest)
    whole = found if isinstance(found, str) else readable(found)
    if begin is None or end is None or not 0 <= begin < end <= len(whole):
        begin, end = 0, len(whole)
    before, after = _around(frame, rest)
    return {
        "before": (before + whole[:begin])[-AROUND:],
        "marked": whole[begin:end][:MARKED],
        "after": (whole[end:] + after)[:AROUND],
    }


def _at(value: Any, keys: list[Any]) -> Any:
    for key in keys:
        if not isinstance(value, dict if isinstance(key, str) else list):
            raise NoPlace(str(key))
        try:
            value = value[key]
        except (KeyError, IndexError):
            raise NoPlace(str(key)) from None
    return value


def _around(frame: Any, keys: list[str | int]) -> tuple[str, str]:
    """What a reader sees before and behind a value inside *frame*."""
    if not keys:
        return "", ""
    copied = copy.deepcopy(frame)
    above = _at(copied, keys[:-1])
    found = above[keys[-1]]
    above[keys[-1]] = _SENTINEL
    before, _, after = readable(copied).partition(json.dumps(_SENTINEL, ensure_ascii=False))
    return (f'{before}"', f'"{after}') if isinstance(found, str) else (before, after)

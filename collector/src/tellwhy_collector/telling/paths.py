"""JSON paths into stored columns: written, and looked up. Pure.

Source:
    DuckDB's JSON functions: ``$``, ``.name``, ``."any name"``, ``[0]``; and ``['any name']``, ``["any name"]`` of
    RFC 9535.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP = re.compile(
    r"""\.(?P<plain>[^.\[\]"']+)|\.?"(?P<quoted>(?:[^"\\]|\\.)*)"
    |\[(?P<at>\d+)\]|\["(?P<double>(?:[^"\\]|\\.)*)"\]|\['(?P<single>(?:[^'\\]|\\.)*)'\]""",
    re.VERBOSE,
)


class NoSuchPlace(Exception):  # noqa: N818 - says what is missing, not what went wrong
    """Nothing stands at a path; the message says where it ends."""


def path_of(*keys: str | int) -> str:
    """The path that leads from the whole value through *keys*."""
    return "$" + "".join(map(_written, keys))


def _written(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if _PLAIN.fullmatch(key) else f".{orjson.dumps(key).decode()}"


def keys_of(path: str) -> list[str | int]:
    """The keys of a path.

    Raises:
        NoSuchPlace: It is none.
    """
    if not path.startswith("$"):
        raise NoSuchPlace(f"{path!r} does not begin with $")
    keys: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            raise NoSuchPlace(f"{path!r} cannot be read from character {at} on")
        at = found.end()
        if found["at"] is not None:
            keys.append(int(found["at"]))
        elif found["plain"] is not None:
            keys.append(found["plain"])
        else:
            keys.append(_unquoted(found["quoted"] or found["double"] or found["single"] or ""))
    return keys


def _unquoted(text: str) -> str:
    try:
        return str(orjson.loads(f'"{text}"'))
    except ValueError:
        return re.sub(r"\\(.)", r"\1", text)


def found_at(value: Any, path: str) -> Any:
    """What stands at *path* inside *value*.

    Raises:
        NoSuchPlace: Nothing does.
    """
    for key in keys_of(path):
        inside = isinstance(value, dict if isinstance(key, str) else list)
        try:
            if not inside:
                raise KeyError(key)  # noqa: TRY301 - the same as a key that is not there
            value = value[key]
        except (KeyError, IndexError):
            raise NoSuchPlace(f"{path!r} ends before {key!r}") from None
    return value

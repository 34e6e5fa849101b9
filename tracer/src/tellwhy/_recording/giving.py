"""A kept value given back: classes are found by name and rebuilt field by field."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import fractions
import importlib
import sys
import uuid
from collections.abc import Callable
from typing import Any

from tellwhy._recording.values import PATHS, SEQUENCES, CannotKeep, how_of


class CannotGive(Exception):  # noqa: N818 - says what happened
    """A kept value whose class is not as it was; says which and why."""


def given(found: Any, home: str = "__main__") -> Any:
    """The value that parsed JSON of `kept` stands for.

    Args:
        found: The parsed JSON.
        home: The module in which to look for classes of the program itself.

    Raises:
        CannotGive: A class is missing, or is not what it was.
    """
    if isinstance(found, list):
        return [given(each, home) for each in found]
    if not isinstance(found, dict):
        return found
    kind = found.get("$")
    if kind is None:
        return {name: given(each, home) for name, each in found.items()}
    make = _GIVERS.get(kind)
    if make is None:
        raise CannotGive(f"the kind {kind!r} is not known")
    try:
        return make(found, home)
    except (KeyError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise CannotGive(f"{kind}: {type(error).__name__}: {error}") from error


def _class(found: dict[str, Any], home: str) -> type:
    """The class that a kept value names."""
    module, _, path = str(found["class"]).partition(":")
    holder: Any = None
    for name in (home, module) if module == "__main__" else (module,):
        holder = sys.modules.get(name) or _imported(name)
        for part in path.split("."):
            holder = getattr(holder, part, None)
        if holder is not None:
            break
    if not isinstance(holder, type):
        raise CannotGive(f"there is no class {found['class']}")
    try:
        how = how_of(holder)
    except CannotKeep as error:
        raise CannotGive(str(error)) from None
    if how != found["$"]:
        raise CannotGive(f"{found['class']} is of the kind {how} now and was {found['$']}")
    return holder


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def _folded(time: Any, found: dict[str, Any]) -> Any:
    """A time that is said twice when clocks are set back is the second one."""
    return time.replace(fold=1) if found.get("fold") else time


def _enum(found: dict[str, Any], home: str) -> Any:
    return _class(found, home)[found["name"]]  # type: ignore[index]


def _named_tuple(found: dict[str, Any], home: str) -> Any:
    return tuple.__new__(_class(found, home), given(found["items"], home))


def _rebuilt(found: dict[str, Any], home: str) -> Any:
    made: Any = object.__new__(_class(found, home))
    for name, each in found["fields"].items():
        object.__setattr__(made, name, given(each, home))
    return made


def _pydantic(found: dict[str, Any], home: str) -> Any:
    kind: Any = _class(found, home)
    made = kind.__new__(kind)
    extra = found.get("extra")
    state = {
        "__dict__": {name: given(each, home) for name, each in found["fields"].items()},
        "__pydantic_fields_set__": set(found["set"]),
        "__pydantic_extra__": None if extra is None else given(extra, home),
        "__pydantic_private__": None,
    }
    for name, each in state.items():
        object.__setattr__(made, name, each)
    return made


def _error(found: dict[str, Any], home: str) -> Any:
    kind: Any = _class(found, home)
    made = kind.__new__(kind)
    made.args = tuple(given(found["args"], home))
    made.__dict__.update({name: given(each, home) for name, each in found["fields"].items()})
    return made


_GIVERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "dict": lambda found, home: {given(k, home): given(v, home) for k, v in found["items"]},
    "float": lambda found, _: float(found["text"]),
    "bytes": lambda found, _: base64.b64decode(found["base64"]),
    "bytearray": lambda found, _: bytearray(base64.b64decode(found["base64"])),
    "datetime": lambda found, _: _folded(dt.datetime.fromisoformat(found["text"]), found),
    "date": lambda found, _: dt.date.fromisoformat(found["text"]),
    "time": lambda found, _: _folded(dt.time.fromisoformat(found["text"]), found),
    "timedelta": lambda found, _: dt.timedelta(*map(int, found["text"].split())),
    "decimal": lambda found, _: decimal.Decimal(found["text"]),
    "fraction": lambda found, _: fractions.Fraction(found["text"]),
    "uuid": lambda found, _: uuid.UUID(found["text"]),
    "complex": lambda found, _: complex(found["text"]),
    "enum": _enum,
    "named_tuple": _named_tuple,
    "dataclass": _rebuilt,
    "attrs": _rebuilt,
    "object": _rebuilt,
    "pydantic": _pydantic,
    "error": _error,
}
_GIVERS |= {
    kind: lambda found, _, made=made: made(found["text"])  # type: ignore[misc]
    for kind, made in ((each.__name__, each) for each in PATHS)
}
_GIVERS |= {
    how: lambda found, home, made=made: made(given(found["items"], home))  # type: ignore[misc]
    for made, how in SEQUENCES.items()
}
"""Kind -> what rebuilds it."""

"""A Python value as JSON that can be given back equal, by reading and setting fields alone.

JSON's own types stand for themselves; anything else is an object with the key ``$``, which names
its kind. Classes are found by name and rebuilt field by field: no constructor, no ``__setstate__``
and no function that the JSON names is run, and no class that does something when it is collected
is made. What cannot be rebuilt so is said to be, and never guessed.
"""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import enum
import fractions
import json
import math
import pathlib
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from tellwhy import _redact
from tellwhy._objects import name_of

MAX_DEPTH = 64
"""Levels that are followed."""

_ABSENT = object()


class CannotKeep(Exception):  # noqa: N818 - says what happened
    """A value that could not be given back equal; says which and why."""


def kept(value: Any, max_bytes: int) -> str:
    """*value* as JSON text, redacted.

    Raises:
        CannotKeep: It could not be given back equal, or is longer than *max_bytes*.
    """
    text = json.dumps(
        _Keeping(max_bytes).value(value, "", 0), ensure_ascii=False, separators=(",", ":")
    )
    if len(text) > max_bytes:
        raise CannotKeep(f"it takes {len(text):,} characters and {max_bytes:,} are kept")
    return text


class _Keeping:
    """One pass over a value."""

    __slots__ = ("left", "path")

    def __init__(self, max_bytes: int) -> None:
        self.left = max_bytes
        self.path: set[int] = set()

    def value(self, value: Any, name: str, depth: int) -> Any:
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            self.left -= len(value)
            return _redact.text(value, name)
        if kind is int or kind is float:
            return self.number(value)
        self.left -= 8
        if self.left < 0:
            raise CannotKeep("it is too long")
        if depth >= MAX_DEPTH or id(value) in self.path:
            raise CannotKeep("it contains itself, or is nested too deeply")
        self.path.add(id(value))
        try:
            return self.container(value, kind, name, depth + 1)
        finally:
            self.path.discard(id(value))

    def number(self, value: float) -> Any:
        self.left -= 8
        if _redact.is_card(value):
            return _redact.REPLACED
        if isinstance(value, float) and not math.isfinite(value):
            return {"$": "float", "text": repr(value)}
        return value

    def container(self, value: Any, kind: type, name: str, depth: int) -> Any:
        if kind is dict:
            return self.mapping(value, depth)
        if kind is list:
            return self.items(value, name, depth)
        how = SEQUENCES.get(kind)
        if how is not None:
            return {"$": how, "items": self.items(list(value), name, depth)}
        texts = _TEXTS.get(kind)
        if texts is not None:
            found = {"$": texts[0], "text": texts[1](value)}
            return {**found, "fold": 1} if getattr(value, "fold", 0) else found
        if kind in {bytes, bytearray}:
            return self.octets(value, kind)
        return self.object(value, kind, depth)

    def items(self, value: list[Any], name: str, depth: int) -> list[Any]:
        return [self.value(each, name, depth) for each in value]

    def mapping(self, value: dict[Any, Any], depth: int) -> Any:
        if all(type(name) is str for name in value) and "$" not in value:
            return self.fields(value, depth)
        pairs = [[self.value(k, "", depth), self.value(v, "", depth)] for k, v in value.items()]
        return {"$": "dict", "items": pairs}

    def fields(self, value: Mapping[str, Any], depth: int) -> dict[str, Any]:
        found = {}
        for name, each in value.items():
            hidden = _redact.hides(name, each)
            found[_redact.key(name)] = _redact.REPLACED if hidden else self.value(each, name, depth)
        return found

    def octets(self, value: bytes | bytearray, kind: type) -> Any:
        self.left -= len(value) * 4 // 3
        if self.left < 0:
            raise CannotKeep("it is too long")
        said = bytes(value)
        text = said.decode("utf-8", "surrogateescape")
        clean = _redact.text(text)
        if clean != text:
            said = clean.encode("utf-8", "surrogateescape")
        return {"$": kind.__name__, "base64": base64.b64encode(said).decode()}

    def object(self, value: Any, kind: type, depth: int) -> Any:
        how = how_of(kind)
        if isinstance(value, enum.Enum):
            return {"$": "enum", "class": _address(kind), "name": value._name_}
        if how == "error":
            return self.error(value, kind, depth)
        found: dict[str, Any] = {"$": how, "class": _address(kind)}
        if how == "named_tuple":
            found["items"] = self.items(list(tuple.__iter__(value)), "", depth)
            return found
        found["fields"] = self.fields(_fields_of(value, kind, how), depth)
        if how == "pydantic":
            found["set"] = sorted(_stored(value, "__pydantic_fields_set__") or ())
            extra = _stored(value, "__pydantic_extra__")
            found["extra"] = None if extra is None else self.fields(extra, depth)
        return found

    def error(self, value: BaseException, kind: type, depth: int) -> Any:
        found: dict[str, Any] = {"$": "error", "class": _address(kind)}
        found["args"] = self.items(list(value.args), "", depth)
        fields: dict[str, Any] = {}
        left_out = []
        for name, each in dict(_stored(value, "__dict__") or {}).items():
            try:
                fields |= self.fields({name: each}, depth)
            except CannotKeep:
                # A response, a connection: what was raised is still told by type and words.
                left_out.append(name)
        found["fields"] = fields
        return {**found, "without": left_out} if left_out else found


def how_of(kind: type) -> str:
    """How instances of *kind* are rebuilt.

    Raises:
        CannotKeep: They cannot be.
    """
    if _declares(kind, "__del__"):
        raise CannotKeep(f"{name_of(kind)} does something when it is collected")
    if issubclass(kind, enum.Enum):
        return "enum"
    if issubclass(kind, BaseException):
        return "error"
    if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        return "named_tuple"
    for mark, how in _MARKS:
        if _declares(kind, mark):
            return how
    own = kind.__new__ is object.__new__ and not any(_declares(kind, each) for each in _STATEFUL)
    if own and kind.__module__ not in {"builtins", "types"}:
        return "object"
    raise CannotKeep(f"{name_of(kind)} cannot be rebuilt from its fields")


def _declares(kind: type, name: str) -> bool:
    return any(name in base.__dict__ for base in kind.__mro__ if base is not object)


def _address(kind: type) -> str:
    if "<" in kind.__qualname__:
        raise CannotKeep(f"{name_of(kind)} is defined inside a function, where nobody finds it")
    return f"{kind.__module__}:{kind.__qualname__}"


def _stored(value: Any, name: str) -> Any:
    """A field as Python keeps it, past any property of the class."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None


def _fields_of(value: Any, kind: type, how: str) -> dict[str, Any]:
    found = dict(_stored(value, "__dict__") or {})
    if how == "pydantic":
        if _stored(value, "__pydantic_private__"):
            raise CannotKeep(f"{name_of(kind)} has private attributes")
        return found
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            each = _ABSENT if name in {"__dict__", "__weakref__"} else _slot(value, base, name)
            if each is not _ABSENT:
                found[name] = each
    return found


def _slot(value: Any, base: type, name: str) -> Any:
    mangled = f"_{base.__name__.lstrip('_')}{name}" if name[:2] == "__" != name[-2:] else name
    try:
        return object.__getattribute__(value, mangled)
    except AttributeError:
        return _ABSENT


_MARKS = (
    ("__pydantic_fields__", "pydantic"),
    ("__dataclass_fields__", "dataclass"),
    ("__attrs_attrs__", "attrs"),
)
_STATEFUL = ("__getstate__", "__setstate__", "__reduce__", "__reduce_ex__", "__getnewargs__")
"""Who declares one of these knows better than its fields how it is copied."""

PATHS = (
    pathlib.PosixPath,
    pathlib.WindowsPath,
    pathlib.PurePosixPath,
    pathlib.PureWindowsPath,
)
SEQUENCES: dict[type, str] = {
    tuple: "tuple",
    set: "set",
    frozenset: "frozenset",
    deque: "deque",
}
_TEXTS: dict[type, tuple[str, Callable[[Any], str]]] = {
    dt.datetime: ("datetime", dt.datetime.isoformat),
    dt.date: ("date", dt.date.isoformat),
    dt.time: ("time", dt.time.isoformat),
    dt.timedelta: ("timedelta", lambda value: f"{value.days} {value.seconds} {value.microseconds}"),
    decimal.Decimal: ("decimal", str),
    fractions.Fraction: ("fraction", str),
    uuid.UUID: ("uuid", str),
    complex: ("complex", str),
    **{kind: (kind.__name__, str) for kind in PATHS},
}
"""Type -> kind, and what writes it."""

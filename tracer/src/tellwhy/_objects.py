"""How the fields of an object are read without running any code of its class."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import io
import pathlib
import re
import types
import uuid
from collections import UserDict, UserList, deque
from collections.abc import Iterator, Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

SHOWN_BY_REPR = frozenset(
    ["numpy", "pandas", "polars", "pyarrow", "scipy", "torch", "jax", "jaxlib", "tensorflow"]
)
"""Packages whose ``repr`` is short, pure and the best summary there is."""

MAX_REPR = 2_000
"""Characters kept of such a ``repr``."""

MAX_INSIDE = 30
"""Objects with more attributes than this are named only: they are machinery, not data."""

AS_TEXT = (decimal.Decimal, uuid.UUID, pathlib.PurePath, fractions.Fraction, complex, range)

Read = tuple[str, Any]
"""``value``: read that instead; ``items``: an iterable; ``fields``: a mapping; ``inside``: a plain
object's attributes; ``text``: only this text."""

_kinds: WeakKeyDictionary[type, str] = WeakKeyDictionary()


def read(value: Any) -> Read:
    """Say how *value* is read, and hand over what to read."""
    kind = type(value)
    how = _kinds.get(kind)
    if how is None:
        how = _kinds[kind] = _classify(kind)
    return cast("Read", _READERS[how](value))


def name_of(kind: type) -> str:
    """``package.Class``, without the module for built-in ones."""
    module, name = kind.__module__, kind.__qualname__
    return name if module in {"builtins", "__main__"} else f"{module}.{name}"


def shallow(owner: Any, content: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The attributes of a plain object; objects among them are only named."""
    yield "class", name_of(type(owner))
    for name, value in content.items():
        yield name, _named(value)[1] if read(value)[0] == "inside" else value


def _classify(kind: type) -> str:
    """One pass over what a class is; the answer is kept for the class."""
    if issubclass(kind, enum.Enum):
        return "enum"
    if issubclass(kind, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        return "named_tuple"
    for base, how in _BASES:
        if issubclass(kind, base):
            return how
    for mark, how in _MARKS:
        if _declares(kind, mark):
            return how
    return "shown" if kind.__module__.partition(".")[0] in SHOWN_BY_REPR else "object"


def _declares(kind: type, name: str) -> bool:
    """Whether *name* stands in the class or a base; unlike `hasattr` it runs nothing."""
    return any(name in base.__dict__ for base in kind.__mro__)


def _attribute(value: Any, name: str) -> Any:
    """A field's value as stored, past any ``__getattribute__`` of the class."""
    try:
        return object.__getattribute__(value, name)
    except AttributeError:
        return None


def _inside(value: Any) -> Read:
    content = _attribute(value, "__dict__")
    if type(content) is not dict or not content or len(content) > MAX_INSIDE:
        return _named(value)
    return "inside", {
        name: item for name, item in list(content.items()) if not str(name).startswith("_")
    }


def _named(value: Any) -> Read:
    if isinstance(value, type):
        return "text", f"<class {name_of(value)}>"
    called = _attribute(value, "__qualname__")
    label = f" {called}" if isinstance(called, str) else ""
    return "text", f"<{name_of(type(value))}{label}>"


def _pydantic(value: Any) -> Read:
    content = dict(_attribute(value, "__dict__") or {})
    extra = _attribute(value, "__pydantic_extra__")
    return "fields", {**content, **extra} if isinstance(extra, dict) else content


def _named_fields(value: Any, names: Any) -> Read:
    return "fields", {name: _attribute(value, name) for name in names}


def _shown(value: Any) -> Read:
    if type(value).__module__ == "numpy" and not getattr(value, "shape", (0,)):
        return "value", value.item() if _is_plain(value.item()) else str(value)
    text = repr(value)
    cut = f"… [{len(text) - MAX_REPR:,} more characters]" if len(text) > MAX_REPR else ""
    return "text", text[:MAX_REPR] + cut


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bytes | int | float | bool)


def _error(value: BaseException) -> Read:
    try:
        message = str(value)
    except Exception:  # noqa: BLE001 - an exception's own __str__ may be broken
        message = "[its text cannot be read]"
    return "fields", {"type": name_of(type(value)), "message": message}


_BASES: tuple[tuple[type, str], ...] = (
    (str, "str"),
    (bool, "named"),
    (int, "int"),
    (float, "float"),
    (dict, "dict"),
    (list, "list"),
    (tuple, "list"),
    (set, "set"),
    (frozenset, "set"),
    (deque, "list"),
    (UserDict, "data"),
    (UserList, "data"),
    (types.MappingProxyType, "proxy"),
    (types.SimpleNamespace, "inside"),
    (dt.datetime, "iso"),
    (dt.date, "iso"),
    (dt.time, "iso"),
    (BaseException, "error"),
    (re.Pattern, "pattern"),
    *((kind, "as_text") for kind in (*AS_TEXT, dt.timedelta)),
    (type, "named"),
    (io.IOBase, "named"),
    (types.FunctionType, "named"),
    (types.BuiltinFunctionType, "named"),
    (types.MethodType, "named"),
    (types.ModuleType, "named"),
    (types.GeneratorType, "named"),
    (types.CoroutineType, "named"),
    (types.AsyncGeneratorType, "named"),
)
"""Base class -> how its instances are read; the first that fits."""

_MARKS = (
    ("__pydantic_fields__", "pydantic"),
    ("__fields_set__", "pydantic"),
    ("__dataclass_fields__", "dataclass"),
    ("__attrs_attrs__", "attrs"),
    ("__struct_fields__", "struct"),
)
"""What a class of a data-class library carries -> how its instances are read."""

_READERS: Mapping[str, Any] = {
    "enum": lambda value: ("value", _attribute(value, "_value_")),
    "named_tuple": lambda value: (
        "fields",
        dict(zip(type(value)._fields, tuple.__iter__(value), strict=False)),
    ),
    "str": lambda value: ("value", str.__str__(value) if type(value) is not str else value),
    "int": lambda value: ("value", int.__int__(value)),
    "float": lambda value: ("value", float.__float__(value)),
    "dict": lambda value: ("fields", dict(dict.items(value))),
    "list": lambda value: ("items", _items_of(value)),
    "set": lambda value: ("items", _sorted(value)),
    "data": lambda value: ("value", _attribute(value, "data")),
    "proxy": lambda value: ("fields", dict(value)),
    "inside": lambda value: ("fields", dict(_attribute(value, "__dict__") or {})),
    "iso": lambda value: ("text", value.isoformat()),
    "error": _error,
    "pattern": lambda value: ("text", str(value.pattern)),
    "as_text": lambda value: ("text", str(value)[:MAX_REPR]),
    "named": _named,
    "pydantic": _pydantic,
    "dataclass": lambda value: _named_fields(value, [f.name for f in dataclasses.fields(value)]),
    "attrs": lambda value: _named_fields(value, [f.name for f in type(value).__attrs_attrs__]),
    "struct": lambda value: _named_fields(value, type(value).__struct_fields__),
    "shown": _shown,
    "object": _inside,
}


def _items_of(value: Any) -> Any:
    base = next(kind for kind in (list, tuple, deque) if isinstance(value, kind))
    return list(base.__iter__(value))


def _sorted(value: Any) -> list[Any]:
    """A set in an order that is the same in every run, as far as its members have one."""
    members = list(
        frozenset.__iter__(value) if isinstance(value, frozenset) else set.__iter__(value)
    )
    if all(type(member) in {str, int, float, bool} for member in members):
        return sorted(members, key=lambda member: (type(member).__name__, member))
    return members

"""Typed reading of OTLP/JSON: what a key holds, its default when missing or null, or MalformedExport.

Source:
    OTLP 1.11 "JSON Protobuf Encoding" and proto3 JSON: ids in hexadecimal, enums as integers,
    64-bit integers as text or number, unknown keys ignored.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from typing import Any, NoReturn

from tellwhy_collector.decode.nouns import Decoded, number
from tellwhy_collector.errors import MalformedExport

MAX_LEVELS = 100
"""Messages inside each other that protobuf reads; JSON is held to the same."""

EXACT = 2**53
"""Up to here a JSON number with a fraction or an exponent is still an exact integer."""

HEX = re.compile(r"(?:[0-9a-f]{2})*", re.IGNORECASE)
WHOLE = re.compile(r"-?[0-9]{1,20}")
SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}

Object = dict[str, Any]


def refuse(key: str, value: Any, wanted: str) -> NoReturn:
    """Say what stood at *key* and what belongs there."""
    raise MalformedExport(f"{key} is {value!r:.80}; OTLP/JSON has {wanted} there.")


def message(holder: Object, key: str) -> Object:
    """The object at *key*; empty when there is none."""
    value = holder.get(key)
    if value is None:
        return {}
    if type(value) is not dict:
        refuse(key, value, "an object")
    return value


def messages(holder: Object, key: str) -> list[Object]:
    """The list of objects at *key*; empty when there is none."""
    value = holder.get(key)
    if value is None:
        return []
    if type(value) is not list:
        refuse(key, value, "a list")
    for item in value:
        if type(item) is not dict:
            refuse(key, item, "a list of objects")
    return value


def values(holder: Object, key: str) -> list[Any]:
    """The list at *key*; empty when there is none."""
    value = holder.get(key)
    if value is None:
        return []
    if type(value) is not list:
        refuse(key, value, "a list")
    return value


def text(holder: Object, key: str) -> str:
    """The text at *key*; empty when there is none."""
    value = holder.get(key)
    if value is None:
        return ""
    if type(value) is not str:
        refuse(key, value, "text")
    return value


def truth(holder: Object, key: str) -> bool:
    """The boolean at *key*; false when there is none."""
    value = holder.get(key)
    if value is None:
        return False
    if type(value) is not bool:
        refuse(key, value, "true or false")
    return value


def whole(holder: Object, key: str, low: int, high: int) -> int:
    """The integer at *key*, written as a number or as text; 0 when there is none."""
    value = holder.get(key)
    return 0 if value is None else integer(key, value, low, high)


def integer(key: str, value: Any, low: int, high: int) -> int:
    """*value* as an integer between *low* and *high*."""
    kind = type(value)
    if kind is int:
        found = value
    elif (kind is str and WHOLE.fullmatch(value)) or (
        kind is float and value.is_integer() and abs(value) <= EXACT
    ):
        found = int(value)
    else:
        refuse(key, value, "an integer")
    if not low <= found <= high:
        refuse(key, value, f"an integer from {low} to {high}")
    return found  # type: ignore[no-any-return]


def unsigned(holder: Object, key: str) -> int:
    """The 64-bit count or time at *key*."""
    return whole(holder, key, 0, 2**64 - 1)


def small(holder: Object, key: str) -> int:
    """The 32-bit unsigned integer at *key*."""
    return whole(holder, key, 0, 2**32 - 1)


def signed(holder: Object, key: str) -> int:
    """The 32-bit integer or enum at *key*."""
    return whole(holder, key, -(2**31), 2**31 - 1)


def double(holder: Object, key: str) -> float | None:
    """The number at *key*; None when there is none."""
    value = holder.get(key)
    return None if value is None else floating(key, value)


def floating(key: str, value: Any) -> float:
    """*value* as a double; proto3's names for what JSON cannot write are understood."""
    if type(value) is float:
        return value
    try:
        if type(value) is int:
            return float(value)
        if type(value) is str:
            if value in SPECIAL:
                return SPECIAL[value]
            found = float(value) if value.isascii() and "_" not in value else None
            if found is not None and found - found == 0.0:
                return found
    except ValueError:
        pass
    refuse(key, value, "a number")


def identifier(holder: Object, key: str) -> str | None:
    """The id at *key* in lower case, empty when there is none; None when it is not hexadecimal."""
    value = text(holder, key)
    return value.lower() if HEX.fullmatch(value) else None


def attributes(holder: Object, key: str, level: int, into: Decoded) -> dict[str, Any]:
    """The key-value pairs at *key* as a dict; of repeated keys the last wins.

    Args:
        holder: The object that has them.
        key: Where they stand.
        level: How many messages deep *holder* is; the request itself is 0.
        into: Where overridden pairs are counted.
    """
    pairs = holder.get(key)
    if pairs is None:
        return {}
    if type(pairs) is not list:
        refuse(key, pairs, "a list of {key, value}")
    found: dict[str, Any] = {}
    for pair in pairs:
        if type(pair) is not dict:
            refuse(key, pair, "a list of {key, value}")
        found[text(pair, "key")] = any_value(pair.get("value"), level + 2, into)
    if pairs and level + 1 > MAX_LEVELS:
        _too_deep()
    into.repeated_keys += len(pairs) - len(found)
    return found


def any_value(value: Any, level: int, into: Decoded) -> Any:
    """One AnyValue, *level* messages deep, as JSON-like Python; None when it is empty."""
    if value is None:
        return None
    if type(value) is not dict:
        refuse("value", value, "an object such as {stringValue}")
    if level > MAX_LEVELS:
        _too_deep()
    found = [key for key in value if key in _VALUES and value[key] is not None]
    if not found:
        return None
    if len(found) > 1:
        refuse("value", value, "one of its keys")
    return _VALUES[found[0]](value, level, into)


def _too_deep() -> NoReturn:
    raise MalformedExport(
        f"A value is nested more than {MAX_LEVELS} messages deep. Send it as JSON text instead."
    )


def _int_value(value: Object, _level: int, _into: Decoded) -> int:
    return whole(value, "intValue", -(2**63), 2**63 - 1)


def _double_value(value: Object, _level: int, _into: Decoded) -> float | str:
    return number(floating("doubleValue", value["doubleValue"]))


def _array_value(value: Object, level: int, into: Decoded) -> list[Any]:
    if level + 1 > MAX_LEVELS:
        _too_deep()
    inner = message(value, "arrayValue")
    return [any_value({} if x is None else x, level + 2, into) for x in values(inner, "values")]


def _kvlist_value(value: Object, level: int, into: Decoded) -> dict[str, Any]:
    if level + 1 > MAX_LEVELS:
        _too_deep()
    return attributes(message(value, "kvlistValue"), "values", level + 1, into)


def _bytes_value(value: Object, _level: int, _into: Decoded) -> str:
    """Standard base64 of what was sent, in either alphabet and with or without padding."""
    sent = text(value, "bytesValue")
    plain = sent.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return b64encode(b64decode(plain + "=" * (-len(plain) % 4), validate=True)).decode()
    except ValueError:
        refuse("bytesValue", sent, "base64")


_VALUES = {
    "stringValue": lambda value, _level, _into: text(value, "stringValue"),
    "boolValue": lambda value, _level, _into: truth(value, "boolValue"),
    "intValue": _int_value,
    "doubleValue": _double_value,
    "arrayValue": _array_value,
    "kvlistValue": _kvlist_value,
    "bytesValue": _bytes_value,
}

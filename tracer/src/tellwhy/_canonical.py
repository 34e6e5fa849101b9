"""One text for equal JSON values, and its hash, so that payloads can be compared and proven. Pure.

The collector has the same rules in a file of its own; a contract test holds the two together.

Source: RFC 8785, JSON Canonicalization Scheme; 3.2.2.3 for numbers (ECMAScript), 3.2.3 for the order
of names. Whole numbers beyond 2^53 keep their digits here, where the RFC would round them.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

_write = json.JSONEncoder(ensure_ascii=False).encode
DIGITS = 21
"""ECMAScript writes numbers of more digits with an exponent."""
ZEROS = 6
"""And so those with this many zeros behind the point."""


def sha256_of(value: Any) -> str:
    """SHA-256 of the canonical text of *value* in UTF-8, hexadecimal."""
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()


def canonical(value: Any) -> str:
    """*value* as canonical JSON: names in order, no spaces, one spelling for each number."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=_place)
        return "{" + ",".join(f"{_write(name)}:{canonical(one)}" for name, one in items) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(canonical, value)) + "]"
    return number(value) if type(value) is float else _write(value)


def number(value: float) -> str:
    """*value* as ECMAScript writes it: the shortest digits that read back as the same number."""
    if value == 0:
        return "0"
    if value.is_integer() and abs(value) < 10**DIGITS:
        return str(int(Decimal(repr(value))))
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text, point = "".join(map(str, digits)), len(digits) + exponent
    if 0 < point <= DIGITS:
        found = f"{text[:point]}.{text[point:]}"
    elif -ZEROS < point <= 0:
        found = f"0.{'0' * -point}{text}"
    else:
        power = f"e{point - 1:+d}"
        found = text[0] + (f".{text[1:]}" if text[1:] else "") + power
    return f"-{found}" if sign else found


def _place(item: tuple[str, Any]) -> bytes:
    """Names stand in the order of their UTF-16 code units."""
    return item[0].encode("utf-16-be", "surrogatepass")

"""Card numbers: a scheme's first digits and length, its grouping, and Luhn's checksum."""

from __future__ import annotations

import re

from tellwhy._redact.formats import REPLACED

_GAP = r"[ ._\u00a0\u2013-]"
_CARD = re.compile(
    rf"(?<![\d.])(?:[2-6]\d{{13,15}}|[2-6]\d{{3}}(?:{_GAP}\d{{4}}){{3}}"
    rf"|3\d{{3}}{_GAP}\d{{6}}{_GAP}\d{{4,5}}|[2-6](?:{_GAP}\d){{13,15}})(?![.]?\d)"
)
"""14 to 16 digits, in a row or in the groups in which people write cards; `is_card` decides."""

_SCHEMES = re.compile(
    r"4\d{15}|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11}|35(?:2[89]|[3-8]\d)\d{12}|6(?:011|4[4-9]\d|5\d\d)\d{12}|62\d{14}"
)
"""Visa, Mastercard, American Express, Diners, JCB, Discover, UnionPay.

Lengths of 13 and of 17 to 19 digits are left out: hardly a card has them, and one in fifty article
codes and 64-bit ids would be taken for one.
"""

_AS_ZERO = bytes(
    48 if 48 <= byte <= 57 else 32 if byte in b"-._\xa0\x93" else byte for byte in range(256)
)
"""Every digit -> ``0``, so that plain searches find digits: a pattern takes ten times longer."""

SMALLEST, LARGEST = 10**13, 10**16
"""Numbers below and from here on have too few and too many digits for a card."""


def without(value: str, raw: bytes) -> str:
    """*value* without card numbers; *raw* is the same in UTF-8."""
    digits = raw.translate(_AS_ZERO, b"\xc2\xe2\x80")
    # What every card has then; most texts hold nothing like it.
    if b"000000" in digits or b"0000 0000" in digits or b"0 0 0 0 0 0 0" in digits:
        return _without_cards(value)
    return value


def is_card(digits: str) -> bool:
    """A scheme's first digits and length, and Luhn's checksum (ISO/IEC 7812-1)."""
    if not _SCHEMES.fullmatch(digits):
        return False
    numbers = [int(digit) for digit in digits]
    doubled = [digit * 2 for digit in numbers[-2::-2]]
    total = sum(numbers[-1::-2]) + sum(digit - 9 if digit > 9 else digit for digit in doubled)
    return total % 10 == 0


def _without_cards(value: str) -> str:
    pieces, done = [], 0
    found = _CARD.search(value)
    while found is not None:
        start, end = found.span()
        if is_card("".join(filter(str.isdigit, found.group()))):
            pieces += [value[done:start], REPLACED]
            done = start = end
        else:  # a group in front may have been taken for the first one
            start += 1
        found = _CARD.search(value, start)
    return "".join([*pieces, value[done:]])

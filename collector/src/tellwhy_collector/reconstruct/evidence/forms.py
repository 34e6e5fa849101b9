"""Spellings that mean the same: folded text, numbers, dates. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

TOKEN = re.compile(r"[^\W_]+")
"""Runs of letters and digits: what the index knows."""

_UNITED = re.compile(
    r"\s*(?P<sign>[-+\u2212]?)\s*(?:[$€£¥]|USD|EUR|GBP)?\s*"
    r"(?P<number>[-+\u2212]?(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+))"
    r"\s*(?P<unit>%|(?:[kmcµ]?[gmls]|[kmgt]i?b|lbs?|oz|mi|ft|in(?:ch(?:es)?)?|h|hrs?|hours?|min(?:ute)?s?"
    r"|seconds?|secs?|days?|nights?|weeks?|months?|years?|°?[cf]|k[wW]h?|usd|eur|gbp|dollars?|euros?"
    r"|percent|items?|people|pieces?))?\s*\Z",
    re.IGNORECASE,
)
_IN_TEXT = re.compile(
    r"(?<![\d.,\w])[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d{1,3})?"
    r"(?![\d]|[.,]\d)(?P<percent>\s?%)?"
)


class _Folds(dict[int, str]):
    """One character for one character: lower case, without accents, plain dashes and quotes."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        plain = _PLAIN.get(char)
        if plain is None:
            base = unicodedata.normalize("NFKD", char)
            lower = (base[0] if base else char).lower()
            plain = lower if len(lower) == 1 else char
        self[code] = plain
        return plain


_PLAIN = dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
_PLAIN |= dict.fromkeys("\u2018\u2019\u02bc", "'") | dict.fromkeys("\u201c\u201d", '"')
_PLAIN |= dict.fromkeys("\u00a0\u2007\u202f\u2009", " ")
_FOLDS = _Folds()


def folded(text: str) -> str:
    """*text* without case, accents and typographic signs; every character keeps its place."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def canonical(number: str) -> str:
    """A number as digits in one way: ``1,200.50`` and ``1200.5`` are the same.

    Args:
        number: Sign, digits with commas between thousands, fraction, exponent.
    """
    plain = number.replace(",", "").replace("\u2212", "-").lstrip("+")
    if "e" in plain or "E" in plain:
        try:
            plain = f"{float(plain):.12f}"
        except (ValueError, OverflowError):
            return plain
        if len(plain) > 40:
            return plain
    sign, digits = ("-", plain[1:]) if plain.startswith("-") else ("", plain)
    whole, _, fraction = digits.partition(".")
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    found = f"{whole}.{fraction}" if fraction else whole
    return found if found == "0" else sign + found


class Number(NamedTuple):
    """A number found in a text."""

    canonical: str
    start: int
    end: int
    percent: bool


def numbers_in(text: str) -> Iterator[Number]:
    """Numbers that stand alone, not digits inside words and longer numbers."""
    for match in _IN_TEXT.finditer(text):
        percent = match["percent"]
        end = match.end() - len(percent or "")
        yield Number(canonical(text[match.start() : end]), match.start(), end, bool(percent))


class Amount(NamedTuple):
    """What a text that is a number with or without a unit says."""

    canonical: str
    percent: bool
    bare: bool
    """No unit, no currency."""


def amount_of(text: str) -> Amount | None:
    """The number that *text* is; None when it is something else, or digits with leading zeros."""
    if len(text) > 40 or (match := _UNITED.match(text)) is None:
        return None
    number = match["number"]
    digits = number.lstrip("+-\u2212")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        return None
    bare = text.strip() == number
    negative = match["sign"] in ("-", "\u2212")
    said = canonical(number)
    percent = (match["unit"] or "").lower() in ("%", "percent")
    return Amount(f"-{said}" if negative and said != "0" else said, percent, bare)


def hundredth(number: str) -> str:
    """The share that so many per cent are."""
    return canonical(f"{float(number) / 100:.10f}")


MONTHS = {
    name: place + 1
    for place, names in enumerate(
        [
            "january jan",
            "february feb",
            "march mar",
            "april apr",
            "may",
            "june jun",
            "july jul",
            "august aug",
            "september sep sept",
            "october oct",
            "november nov",
            "december dec",
        ]
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DATE = re.compile(
    rf"""(?<![\w./-])(?:
    (?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})(?=T\d|[^\w/-]|-(?!\d)|\Z)
    | (?P<m2>\d{{1,2}})/(?P<d2>\d{{1,2}})/(?P<y2>\d{{4}})(?![\w/-])
    | (?P<d3>\d{{1,2}})\.(?P<m3>\d{{1,2}})\.(?P<y3>\d{{4}})(?![\w/-])
    | (?P<mn>{_MONTH})\.?[ ]+(?P<dn>\d{{1,2}})(?:st|nd|rd|th)?\b(?:,?[ ]+(?P<yn>\d{{4}})\b)?
    | (?P<do>\d{{1,2}})(?:st|nd|rd|th)?(?:[ ]of)?[ ]+(?P<mo>{_MONTH})\b\.?(?:,?[ ]+(?P<yo>\d{{4}})\b)?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
"""Dates in the ways in which people and machines write them."""


class Day(NamedTuple):
    """A date found in a text."""

    forms: tuple[str, ...]
    """``2024-05-24``, and ``--05-24`` for what names no year; two where day and month may swap."""
    start: int
    end: int


def days_in(text: str) -> Iterator[Day]:
    """Dates in *text*, in their order."""
    for match in DATE.finditer(text):
        if forms := _forms(match):
            yield Day(forms, match.start(), match.end())


def day_of(text: str) -> tuple[str, ...]:
    """The forms of a text that is a date and nothing else; empty when it is not."""
    if not 4 < len(text) <= 40:
        return ()
    found = next(days_in(text), None)
    if found is None or found.start:
        return ()
    rest = text[found.end :]
    return found.forms if not rest or re.fullmatch(r"T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?", rest) else ()


def _forms(match: re.Match[str]) -> tuple[str, ...]:
    g = match.groupdict()
    if g["mn"] or g["mo"]:
        month, day = MONTHS[(g["mn"] or g["mo"]).lower()], int(g["dn"] or g["do"])
        year = g["yn"] or g["yo"]
        return _written(year, month, day)
    if g["m2"]:
        one, other = int(g["m2"]), int(g["d2"])
        return _written(g["y2"], one, other) + (
            _written(g["y2"], other, one) if one != other else ()
        )
    if g["m3"]:
        return _written(g["y3"], int(g["m3"]), int(g["d3"]))
    return _written(g["y"], int(g["m"]), int(g["d"]))


def _written(year: str | None, month: int, day: int) -> tuple[str, ...]:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return ()
    return (f"{year or '-'}-{month:02}-{day:02}",)


TIME = re.compile(
    r"(?<![\w:.])(\d{1,2}):(\d\d)(?::\d\d)?(?:\s?([ap])\.?m\b)?(?![\d:])", re.IGNORECASE
)
"""Times of a day: 14:00, 2:00 PM."""


class Moment(NamedTuple):
    """A time of a day found in a text."""

    hour: int
    minute: int
    start: int
    end: int


def times_in(text: str) -> Iterator[Moment]:
    """Times in *text*, on a clock of 24 hours."""
    for match in TIME.finditer(text):
        hour, minute, half = int(match[1]), int(match[2]), (match[3] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24 and minute < 60:
            yield Moment(hour, minute, match.start(), match.end())

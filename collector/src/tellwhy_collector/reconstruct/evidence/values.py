"""Which values of a decision are looked up: leaves of arguments, figures, ids and quotes of texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from tellwhy_collector.reconstruct.evidence.forms import (
    DATE,
    TIME,
    amount_of,
    day_of,
    folded,
)
from tellwhy_collector.reconstruct.evidence.leaves import child, scalar_text
from tellwhy_collector.reconstruct.evidence.match import Value

Sort = Literal["id", "number", "date", "time", "name", "word", "text", "code", "quote", "nothing"]
"""What a value looks like; ids, numbers, dates, times and names should have a source."""

SOURCED = frozenset(["id", "number", "date", "time", "name"])
ARGUMENTS = 1000
"""So many values of one call are looked up."""
PIECES_OF_TEXT = 100
"""So many figures, ids and quotes of one text are looked up."""
LONGEST_TEXT = 100_000
"""So much of a text is read for them. Characters."""


class Wanted(NamedTuple):
    """One value that a decision wrote."""

    argument: str
    """JSON path; a part of a text has ``[from:to]`` behind it."""
    value: Value
    raw: Any
    sort: Sort
    weak: bool
    optional: bool = False
    """Left out when it stands nowhere: it may well be the model's own."""

    @property
    def within_text(self) -> bool:
        """Whether it is a piece of a longer text."""
        return ":" in self.argument and self.argument.endswith("]")


def leaves_wanted(arguments: Any, tool: str | None) -> Iterator[Wanted]:
    """Each leaf of a tool call's arguments, and behind a text what stands in it."""
    stack: list[tuple[str, str, Any]] = [("$", "", arguments)]
    count = 0
    while stack and count < ARGUMENTS:
        path, key, found = stack.pop()
        if isinstance(found, dict) and found:
            stack += [(child(path, k), k, v) for k, v in reversed(found.items())]
        elif isinstance(found, list) and found:
            stack += [(f"{path}[{n}]", key, found[n]) for n in range(len(found) - 1, -1, -1)]
        else:
            count += 1
            yield from _leaf(path, key, found, tool)


def _leaf(path: str, key: str, found: Any, tool: str | None) -> Iterator[Wanted]:
    if found is None or found in ("", [], {}):
        yield Wanted(path, Value("", key=key), found, "nothing", weak=True)
        return
    value = Value(scalar_text(found), isinstance(found, str), key, tool)
    sort = sort_of(found, key)
    yield Wanted(path, value, found, sort, is_weak(value, sort))
    if sort in ("text", "code"):
        yield from parts_wanted(value.text, path, tool, code=sort == "code")


def parts_wanted(text: str, path: str, tool: str | None, *, code: bool) -> Iterator[Wanted]:
    """Figures, ids, dates, addresses and quotes in a text, with their place in characters."""
    taken_to = count = 0
    quoting = not _QUOTED_KEY.search(text, 0, LONGEST_TEXT)
    fenced = [match.span() for match in _FENCED.finditer(text, 0, LONGEST_TEXT)]
    for match in _TELLING.finditer(text, 0, LONGEST_TEXT):
        start, end = match.span()
        found = match.group()
        if start < taken_to or count >= PIECES_OF_TEXT:
            continue
        kind = match.lastgroup or ""
        if kind == "quote":
            start, end, found = start + 1, end - 1, found[1:-1]
            if not quoting or len(found.split()) < 3:
                continue
        elif kind in ("url", "id") and found[-1] in ".,;:-_":
            found = found.rstrip(".,;:-_")
            end = start + len(found)
        within_code = code or any(low <= start < high for low, high in fenced)
        if (sort := _part_sort(kind, found, within_code=within_code)) is None:
            continue
        taken_to = end if kind != "quote" else taken_to
        count += 1
        value = Value(found, tool=tool)
        weak = is_weak(value, sort)
        optional = within_code or weak or (sort == "quote" and len(found.split()) < 5)
        yield Wanted(f"{path}[{start}:{end}]", value, found, sort, weak, optional)


def _part_sort(kind: str, found: str, *, within_code: bool) -> Sort | None:
    if kind == "number":
        digits = sum(char.isdigit() for char in found)
        plain = found.isdigit()
        if (plain and digits < 2) or (within_code and digits < 4):
            return None
        return "number"
    if kind in ("date", "time"):
        return "date" if kind == "date" else "time"
    if kind == "quote":
        return None if within_code else "quote"
    return None if kind == "id" and _ORDINARY.fullmatch(found) else "id"


def sort_of(found: Any, key: str) -> Sort:
    """What a leaf looks like."""
    if isinstance(found, bool):
        return "word"
    if not isinstance(found, str):
        return "number"
    text = found.strip()
    if (sort := _figure(text)) is not None:
        return sort
    words = text.split()
    return _sort_of_word(text, key) if len(words) == 1 else _sort_of_words(text, words, key)


def _figure(text: str) -> Sort | None:
    if day_of(text):
        return "date"
    if re.fullmatch(TIME, text):
        return "time"
    return None if amount_of(text) is None else "number"


def _sort_of_words(text: str, words: list[str], key: str) -> Sort:
    if "\n" in text and _CODE.search(text):
        return "code"
    named = key and _NAME_KEY.search(key) and len(words) <= 6 and len(text) <= 80
    if named and not text.endswith((".", "!", "?")):
        return "name"
    if len(words) <= 3 and not _SENTENCE.search(text):
        return "id" if any(_is_code(word) for word in words) else "word"
    return "text"


def _sort_of_word(text: str, key: str) -> Sort:
    if _EMAIL.fullmatch(text) or _URL.fullmatch(text) or _is_code(text):
        return "id"
    if _CODE.search(text) and len(text) > 40:
        return "code"
    if key and _NAME_KEY.search(key) and any(map(str.isalpha, text)):
        return "name"
    if key and _ID_KEY.search(key) and any(map(str.isalnum, text)):
        return "id"
    return "word"


def _is_code(word: str) -> bool:
    """An id: letters with digits, or a short code in capitals, or a path."""
    if not any(char.isalnum() for char in word):
        return False
    if word.isdigit():
        return amount_of(word) is None
    if any(char.isdigit() for char in word):
        return amount_of(word) is None and not _ORDINARY.fullmatch(word.strip(".,;:()"))
    if "/" in word.strip("/") and len(word) > 4:
        return word.startswith(("/", "./", "~")) or "." in word
    return word.isalpha() and word.isupper() and 2 <= len(word) <= 6


def is_weak(value: Value, sort: Sort) -> bool:
    """Whether so short or common that it may stand somewhere by chance."""
    plain = "".join(char for char in folded(value.text) if char.isalnum())
    if len(plain) <= 2 or plain in _COMMON:
        return True
    amount = amount_of(value.text)
    if amount is not None:
        return len(amount.canonical.strip("-0.").replace(".", "")) < 3
    return sort == "word" and len(plain) <= 3


_COMMON = frozenset(
    [
        "true",
        "false",
        "null",
        "none",
        "yes",
        "no",
        "ok",
        "all",
        "any",
        "asc",
        "desc",
        "on",
        "off",
        "auto",
        "default",
        "other",
        "unknown",
        "low",
        "medium",
        "high",
        "first",
        "last",
        "new",
        "old",
        "json",
        "text",
        "string",
        "en",
        "us",
        "utc",
    ]
)
_NAME_KEY = re.compile(
    r"name|user|person|customer|passenger|author|recipient|contact|city|country|state|street"
    r"|address|company|email|phone",
    re.IGNORECASE,
)
_ID_KEY = re.compile(r"(?:^|_|\b)(?:id|ids|uuid|key|token|code|sku|ref|hash|number)$|I[dD]s?$")
_SENTENCE = re.compile(r"[.!?](?:\s|$)|\n")
_CODE = re.compile(
    r"^\s*(?:import |from \w+ import |def |class |select\b|with\b.*\bas\b|<\w+|#!|diff --git|---|```)"
    r"|[;{}]\s*$|\w+\(.*\)\s*$|^\s*\w+\s*=\s*\S",
    re.IGNORECASE | re.MULTILINE,
)
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_ORDINARY = re.compile(
    r"\d+(?:st|nd|rd|th|s|x|h|m|d|k|g|px|ms|am|pm|kg|km|cm|mm|mb|gb|min|%)|\d+(?:-\d+)?|[^\W\d_]\d"
    r"|(?-i:\d+(?:-[a-z]+)+|[a-z]+-\d{1,2}|[a-z]+-\d{4}s)",
    re.IGNORECASE,
)
"""Letters with digits that are no id: 3rd, 15kg, 1990s, 24-hour, mid-1980s."""
_QUOTED_KEY = re.compile(r'"\s{0,3}:')
"""JSON in a text: what stands in quotes there is no quotation."""
_URL = re.compile(r"https?://[^\s<>\"'`)\]}|\\]+")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_TIME = re.sub(r"\((?=\\d|\[)", "(?:", TIME.pattern)
_TELLING = re.compile(
    rf"""(?P<url>{_URL.pattern})
    |(?P<email>{_EMAIL.pattern})
    |(?P<date>{re.sub(r"[?]P<[a-z0-9]+>", "?:", DATE.pattern)})
    |(?P<time>{_TIME})
    |(?P<id>(?<![\w@./\\-])\#?(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9][\w-]*\w)
    |(?P<number>(?<![\w.,])-?[$€£]?\d+(?:,\d{{3}})*(?:\.\d+)?%?(?![\w]|[.,]\d))
    |(?P<quote>“[^”\n]{{8,300}}”|(?<![\w)\]"])"(?=\S)[^"\n]{{8,300}}(?<=\S)"(?!\w))
    """,
    re.VERBOSE | re.IGNORECASE,
)

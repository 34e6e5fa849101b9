"""Whether and where one piece holds a value, in which spelling. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tellwhy_collector.reconstruct.evidence.forms import (
    Amount,
    Moment,
    amount_of,
    canonical,
    days_in,
    folded,
    hundredth,
    numbers_in,
    times_in,
)
from tellwhy_collector.reconstruct.evidence.index import Piece
from tellwhy_collector.reconstruct.evidence.leaves import Leaf

FEW = 10_000
"""So many places inside longer words are looked at in one text."""

SAME_KEY, WHOLE, KEY, INSIDE, OTHERWISE, PART = range(6)
"""How well a place fits, the best first."""


class Value(NamedTuple):
    """What is looked for."""

    text: str
    """A string as it is, another scalar as JSON writes it."""
    is_text: bool = True
    key: str = ""
    """Name of the argument."""
    tool: str | None = None
    """The tool that is called with it."""


class Hit(NamedTuple):
    """One place that holds a value."""

    fit: int
    piece: Piece
    leaf: Leaf
    start: int | None = None
    """First character in the leaf's text; None when it is all of it."""
    end: int | None = None
    method: str | None = None
    """None when it stands there as it is."""


def in_piece(
    piece: Piece, value: Value, amount: Amount | None, method: str | None = None
) -> Iterator[Hit]:
    """The best place for a value, as it is or in another case, in one piece.

    Args:
        piece: Where to look.
        value: What for.
        amount: The number that the value is; it is not found inside a longer one.
        method: Says why this spelling is looked for; None for the value as it is.
    """
    if method is None and (places := piece.at.get(value.text)):
        yield _whole(piece, value, [piece.leaves[place] for place in places])
        return
    needle = folded(value.text)
    number = amount is not None and amount.bare
    best: Hit | None = None
    for leaf in piece.leaves:
        if leaf.is_key or len(leaf.text) < len(needle):
            continue
        for start, fit in _ranges(folded(leaf.text), needle, as_number=number):
            if not leaf.is_text and (fit == PART or len(needle) < len(leaf.text)):
                continue
            hit = _in_range(Hit(fit, piece, leaf, start, start + len(needle), method), value)
            if best is None or hit.fit < best.fit:
                best = hit
            if hit.fit == INSIDE or (method is not None and fit != PART):
                yield hit
                return
    if best is not None:
        yield best


def _whole(piece: Piece, value: Value, leaves: list[Leaf]) -> Hit:
    if piece.role != "tool_schema" or piece.name == value.tool:
        for leaf in leaves:
            if leaf.key == value.key and not leaf.is_key:
                return Hit(SAME_KEY, piece, leaf)
    for leaf in leaves:
        if not leaf.is_key:
            return Hit(WHOLE, piece, leaf)
    return Hit(KEY, piece, leaves[0], method="key")


def _in_range(hit: Hit, value: Value) -> Hit:
    """With the method that says in which other spelling the value stands there."""
    start, end = hit.start or 0, hit.end or 0
    stands, method = hit.leaf.text[start:end], hit.method
    if method is None and stands != value.text:
        method = "case" if stands.lower() == value.text.lower() else "unicode"
    fit = OTHERWISE if method is not None and hit.fit != PART else hit.fit
    return Hit(
        fit, hit.piece, hit.leaf, *_span(hit.leaf, start, end), "part" if fit == PART else method
    )


def _span(leaf: Leaf, start: int, end: int) -> tuple[int | None, int | None]:
    """Nothing for all of a leaf."""
    return (None, None) if start == 0 and end == len(leaf.text) else (start, end)


def _ranges(text: str, needle: str, *, as_number: bool) -> Iterator[tuple[int, int]]:
    """Where *needle* stands: as words of their own, or inside longer ones; at most a few of these."""
    at, parts = text.find(needle), 0
    while at >= 0 and parts < FEW:
        end = at + len(needle)
        if (
            (as_number and _in_number(text, at, end))
            or _open(text, at - 1, at)
            or _open(text, end, end - 1)
        ):
            parts += 1
            yield at, PART
        else:
            yield at, INSIDE
        at = text.find(needle, at + 1)


def _open(text: str, outside: int, inside: int) -> bool:
    """Whether a word goes on over the border between two characters."""
    if not 0 <= outside < len(text):
        return False
    out, within = text[outside], text[inside]
    if not (out.isalnum() or out == "_") or not (within.isalnum() or within == "_"):
        return False
    # Scripts without spaces have no words that could go on.
    return not (_unspaced(out) or _unspaced(within))


def _unspaced(char: str) -> bool:
    return char > "\u2e7f" and char.isalpha()


def _in_number(text: str, start: int, end: int) -> bool:
    """Whether the digits there go on as a longer number."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:].isdigit() or after[:1].isdigit():
        return True
    return (len(before) > 1 and before[-1] in ".," and before[0].isdigit()) or (
        len(after) > 1 and after[0] in ".," and after[1].isdigit()
    )


def number_in_piece(piece: Piece, value: Value, wanted: set[str]) -> Iterator[Hit]:
    """A number of one of these canonical spellings; under the same name rather than elsewhere."""
    best: Hit | None = None
    for leaf in piece.leaves:
        if leaf.is_key:
            continue
        for number in numbers_in(leaf.text):
            share = number.percent and hundredth(number.canonical) in wanted
            if number.canonical not in wanted and not share:
                continue
            method = "unit" if share or number.canonical != _canonical(value.text) else "number"
            hit = Hit(OTHERWISE, piece, leaf, *_span(leaf, number.start, number.end), method)
            if best is None or (leaf.key == value.key and best.leaf.key != value.key):
                best = hit
            break
    if best is not None:
        yield best


def _canonical(text: str) -> str:
    """The canonical number of a bare number; *text* itself otherwise."""
    amount = amount_of(text)
    return amount.canonical if amount is not None and amount.bare else canonical(text)


def day_in_piece(piece: Piece, value: Value, form: str) -> Iterator[Hit]:
    """A date, in whatever spelling; with its year rather than without."""
    best: Hit | None = None
    for leaf in piece.leaves:
        if leaf.is_key or len(leaf.text) < 4:
            continue
        for day in days_in(leaf.text):
            if not any(_same_day(form, other) for other in day.forms):
                continue
            hit = Hit(OTHERWISE, piece, leaf, *_span(leaf, day.start, day.end), "date")
            full = leaf.key == value.key or form in day.forms
            if best is None or full:
                best = hit
            if full:
                break
    if best is not None:
        yield best


def time_in_piece(piece: Piece, wanted: Moment) -> Iterator[Hit]:
    """A time of the day, on a clock of 12 or 24 hours."""
    for leaf in piece.leaves:
        for time in times_in(leaf.text) if ":" in leaf.text and not leaf.is_key else ():
            if time[:2] == wanted[:2]:
                yield Hit(OTHERWISE, piece, leaf, *_span(leaf, time.start, time.end), "time")
                return


def _same_day(one: str, other: str) -> bool:
    """Equal, or equal but for a year that one does not name."""
    return one == other or ("-" in (one[0], other[0]) and one[-5:] == other[-5:])


def loose_in_piece(piece: Piece, value: Value, pattern: re.Pattern[str]) -> Iterator[Hit]:
    """The words of a value with other signs between them, as *pattern* says."""
    for leaf in piece.leaves:
        match = None if leaf.is_key else pattern.search(folded(leaf.text))
        if match is None:
            continue
        stands = leaf.text[match.start() : match.end()]
        same = stands.split() == value.text.split()
        method = "whitespace" if same else "punctuation"
        yield Hit(OTHERWISE, piece, leaf, *_span(leaf, *match.span()), method)
        return

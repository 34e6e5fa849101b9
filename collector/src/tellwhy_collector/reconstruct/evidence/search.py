"""Where one value stands in what a call saw, the likeliest place first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tellwhy_collector.reconstruct.evidence.forms import (
    TOKEN,
    Amount,
    amount_of,
    canonical,
    day_of,
    days_in,
    folded,
    hundredth,
    numbers_in,
)
from tellwhy_collector.reconstruct.evidence.index import LONGEST_KEYED, Index, Piece
from tellwhy_collector.reconstruct.evidence.leaves import Leaf
from tellwhy_collector.reconstruct.evidence.seen import Seen

PIECES = 12
"""Pieces that hold a value are compared, of each of two groups: the model's own words, and others'."""
FEW = 64
"""So few candidates are looked into without making them fewer first."""
LONGEST_LOOSE = 12
"""Words of a value that is looked for with other signs between its words."""

ROLES = ("tool", "user", "document", "system", "tool_schema", "assistant")
"""From the best source to the poorest."""

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


class Search:
    """Looks values up in the index, in what one call saw."""

    def __init__(self, index: Index, seen: Seen) -> None:
        self._index, self._seen = index, seen

    def find(self, value: Value, best: int = 3) -> list[Hit]:
        """The best places of a value, at most one in each piece; empty when it stands nowhere."""
        amount = amount_of(value.text)
        steps = (
            self._verbatim(value, amount),
            self._numbers(value, amount),
            self._days(value),
            self._loose(value, amount),
            self._parts(value),
        )
        found: list[Hit] = []
        for place, hits in enumerate(steps):
            if found and place == len(steps) - 1:
                break
            found += hits
            if any(hit.piece.role != "assistant" for hit in found):
                break
        return self.ranked(found)[:best]

    def ranked(self, hits: Iterable[Hit]) -> list[Hit]:
        """The likeliest first: what the model wrote itself comes last."""
        kept: dict[int, Hit] = {}
        for hit in hits:
            before = kept.get(hit.piece.number)
            if before is None or hit.fit < before.fit:
                kept[hit.piece.number] = hit
        return sorted(kept.values(), key=self._rank)

    def whole(self, text: str) -> bool:
        """Whether a word stands somewhere as a word of its own."""
        return next(self._holding(folded(text)), None) is not None

    def _rank(self, hit: Hit) -> tuple[bool, int, int, int]:
        role = hit.piece.role
        return role == "assistant", hit.fit, ROLES.index(role), -self._seen.order(hit.piece.number)

    def _verbatim(self, value: Value, amount: Amount | None) -> Iterator[Hit]:
        index = self._index
        if len(value.text) <= LONGEST_KEYED and value.key:
            for piece in self._newest(index.keyed.get((value.key, value.text), ())):
                yield from _in_piece(piece, value, amount)
        for piece in self._newest(index.wholes.get(value.text, ())):
            yield from _in_piece(piece, value, amount)
        if value.is_text or amount is not None:
            for piece in self._grouped(self._holding(folded(value.text))):
                yield from (h for h in _in_piece(piece, value, amount) if h.fit != PART)

    def _numbers(self, value: Value, amount: Amount | None) -> Iterator[Hit]:
        if amount is None:
            return
        wanted = {amount.canonical}
        if amount.percent:
            wanted.add(hundredth(amount.canonical))
        for number in wanted:
            posted = self._index.numbers.get(number, ())
            if number.isdigit() and not amount.bare:
                posted = [*posted, *self._index.words.get(number, ())]
            for piece in self._newest(posted):
                yield from _number_in_piece(piece, value, wanted)
        if word := WORDS.get(amount.canonical):
            for piece in self._newest(self._index.words.get(word, ())):
                if piece.role == "user":
                    yield from _in_piece(piece, value._replace(text=word), None, method="number")

    def _days(self, value: Value) -> Iterator[Hit]:
        for form in day_of(value.text):
            posted = [*self._index.days.get(form, ())]
            other = "~" + form[5:] if form[0] == "-" else "--" + form[5:]
            if form[0] == "-":
                other = "~" + form[2:]
            posted += self._index.days.get(other, ())
            for piece in self._newest(posted):
                yield from _day_in_piece(piece, value, form)

    def _loose(self, value: Value, amount: Amount | None) -> Iterator[Hit]:
        """The same words with other signs between them."""
        words = TOKEN.findall(folded(value.text))
        if amount is not None or not words or len(words) > LONGEST_LOOSE:
            return
        if len(words) == 1 and len(words[0]) == len(value.text):
            return
        pattern = re.compile(r"(?<![^\W_])" + r"[\W_]*".join(words) + r"(?![^\W_])")
        for piece in self._grouped(self._with_words(words)):
            if pattern.search(piece.folded):
                yield from _loose_in_piece(piece, value, pattern)

    def _parts(self, value: Value) -> Iterator[Hit]:
        """Inside longer words."""
        if not value.is_text:
            return
        needle = folded(value.text)
        for piece in self._grouped(self._inside(needle)):
            yield from _in_piece(piece, value, None)

    def _newest(self, posted: Iterable[int]) -> Iterator[Piece]:
        """Pieces that the call saw, the newest first, some of each group."""
        seen = self._seen
        numbers = {number for number in posted if number in seen}
        ordered = sorted(numbers, key=lambda number: (seen.order(number), number), reverse=True)
        return self._grouped(ordered)

    def _grouped(self, numbers: Iterable[int]) -> Iterator[Piece]:
        left = {True: PIECES, False: PIECES}
        taken = set()
        for number in numbers:
            piece = self._index.pieces[number]
            own = piece.role == "assistant"
            if number not in taken and left[own] > 0:
                taken.add(number)
                left[own] -= 1
                yield piece
                if not left[False]:
                    return

    def _holding(self, needle: str) -> Iterator[int]:
        """Pieces with *needle* whose first and last word are words of their own there."""
        words = TOKEN.findall(needle)
        for number in self._with_words(words) if words else self._all():
            if needle in self._index.pieces[number].folded:
                yield number

    def _inside(self, needle: str) -> Iterator[int]:
        """Pieces with *needle*, also where its first and last word go on."""
        words = TOKEN.findall(needle)
        if not words:
            return
        known = self._index.words
        whole = words[1:-1]
        open_start = needle.startswith(words[0])
        open_end = needle.endswith(words[-1])
        if len(words) > 1:
            whole = words[0 if not open_start else 1 : len(words) - (1 if open_end else 0)]
        elif not (open_start or open_end):
            whole = words
        if whole:
            candidates: Iterable[int] = self._with_words(whole)
        else:
            ends = self._index.words_with(
                words[0], at_end=not open_end or len(words) > 1, at_start=not open_start
            )
            posted = {number for word in ends for number in known[word] if number in self._seen}
            candidates = sorted(posted, key=self._seen.order, reverse=True)
        for number in candidates:
            if needle in self._index.pieces[number].folded:
                yield number

    def _with_words(self, words: list[str]) -> list[int]:
        """Pieces that the call saw with all these words, the newest first."""
        postings = [self._index.words.get(word) for word in dict.fromkeys(words)]
        if not all(postings):
            return []
        known = sorted((posted for posted in postings if posted is not None), key=len)
        numbers = known[0]
        if len(numbers) > len(self._seen):
            numbers = [number for number in self._seen if number < len(self._index.pieces)]
        for posted in known[1:4]:
            if len(numbers) <= FEW:
                break
            both = set(posted)
            numbers = [number for number in numbers if number in both]
        seen = self._seen
        return sorted({n for n in numbers if n in seen}, key=seen.order, reverse=True)

    def _all(self) -> Iterator[int]:
        yield from self._seen.newest()
        yield from self._seen


def _in_piece(
    piece: Piece, value: Value, amount: Amount | None, method: str | None = None
) -> Iterator[Hit]:
    """The best place for a value, as it is or in another case, in one piece."""
    if method is None and (places := piece.at.get(value.text)):
        yield _whole(piece, value, [piece.leaves[place] for place in places])
        return
    needle = folded(value.text)
    exact = amount is not None and amount.bare
    best: Hit | None = None
    for leaf in piece.leaves:
        text = leaf.text if needle is value.text else folded(leaf.text)
        for start, fit in _ranges(text, needle, as_number=exact):
            if not leaf.is_text and (fit == PART or len(needle) < len(text)):
                continue
            hit = _range_hit(piece, leaf, start, value.text, fit, method)
            if best is None or (hit.fit, hit.method is not None) < (
                best.fit,
                best.method is not None,
            ):
                best = hit
            if fit != PART and hit.method == method:
                break
        if best is not None and best.fit <= INSIDE and best.method == method:
            break
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


def _range_hit(
    piece: Piece, leaf: Leaf, start: int, text: str, fit: int, method: str | None
) -> Hit:
    end = start + len(text)
    stands = leaf.text[start:end]
    if method is None and stands != text:
        method = "case" if stands.lower() == text.lower() else "unicode"
    whole = start == 0 and end == len(leaf.text)
    if fit == PART:
        method = "part"
    elif method is not None:
        fit = OTHERWISE
    return Hit(fit, piece, leaf, None if whole else start, None if whole else end, method)


def _ranges(text: str, needle: str, *, as_number: bool) -> Iterator[tuple[int, int]]:
    """Where *needle* stands: as words of their own, or inside longer ones; at most a few of these."""
    at, parts = text.find(needle), 0
    while at >= 0 and parts < FEW:
        end = at + len(needle)
        if as_number and _in_number(text, at, end):
            parts += 1
            yield at, PART
        elif _open(text, at - 1, at) or _open(text, end, end - 1):
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


def _number_in_piece(piece: Piece, value: Value, wanted: set[str]) -> Iterator[Hit]:
    best: Hit | None = None
    for leaf in piece.leaves:
        for number in numbers_in(leaf.text):
            share = number.percent and hundredth(number.canonical) in wanted
            if number.canonical not in wanted and not share:
                continue
            fit = OTHERWISE
            method = "unit" if share or number.canonical != canonical_or(value.text) else "number"
            end = number.end
            whole = number.start == 0 and end == len(leaf.text)
            span = (None, None) if whole else (number.start, end)
            hit = Hit(fit, piece, leaf, *span, method)
            if best is None or (leaf.key == value.key and best.leaf.key != value.key):
                best = hit
            break
    if best is not None:
        yield best


def canonical_or(text: str) -> str:
    """The canonical number of a bare number; *text* itself otherwise."""
    amount = amount_of(text)
    return amount.canonical if amount is not None and amount.bare else canonical(text)


def _day_in_piece(piece: Piece, value: Value, form: str) -> Iterator[Hit]:
    best: Hit | None = None
    for leaf in piece.leaves:
        if len(leaf.text) < 4:  # noqa: PLR2004 - no date is shorter
            continue
        for day in days_in(leaf.text):
            if not any(_same_day(form, other) for other in day.forms):
                continue
            whole = day.start == 0 and day.end == len(leaf.text)
            span = (None, None) if whole else (day.start, day.end)
            hit = Hit(OTHERWISE, piece, leaf, *span, "date")
            full = leaf.key == value.key or form in day.forms
            if best is None or full:
                best = hit
            if full:
                break
    if best is not None:
        yield best


def _same_day(one: str, other: str) -> bool:
    """Equal, or equal but for a year that one does not name."""
    return one == other or ("-" in (one[0], other[0]) and one[-5:] == other[-5:])


def _loose_in_piece(piece: Piece, value: Value, pattern: re.Pattern[str]) -> Iterator[Hit]:
    for leaf in piece.leaves:
        match = pattern.search(folded(leaf.text))
        if match is None:
            continue
        stands = leaf.text[match.start() : match.end()]
        same = stands.split() == value.text.split()
        whole = match.start() == 0 and match.end() == len(leaf.text)
        span = (None, None) if whole else (match.start(), match.end())
        yield Hit(OTHERWISE, piece, leaf, *span, "whitespace" if same else "punctuation")
        return


WORDS = dict(
    zip(
        map(str, range(1, 13)),
        "one two three four five six seven eight nine ten eleven twelve".split(),
        strict=True,
    )
)
"""Small numbers as people say them."""

"""Where one value stands in what a call saw, the likeliest place first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from tellwhy_collector.reconstruct.evidence.forms import (
    TOKEN,
    Amount,
    amount_of,
    day_of,
    folded,
    hundredth,
    times_in,
)
from tellwhy_collector.reconstruct.evidence.index import LONGEST_KEYED, Index, Piece
from tellwhy_collector.reconstruct.evidence.match import (
    PART,
    Hit,
    Value,
    day_in_piece,
    in_piece,
    loose_in_piece,
    number_in_piece,
    time_in_piece,
)
from tellwhy_collector.reconstruct.evidence.seen import Seen

PIECES = 12
"""Pieces that hold a value are compared, of each of two groups: the model's own words, and others'."""
RECENT = 2048
"""Of a common value so many of the newest pieces of the run are looked at first; where the call saw
none of them, all others are."""
LATER = -1
"""Stands between the two."""
FEW = 64
"""So few candidates are looked into without making them fewer first."""
LONGEST_LOOSE = 12
"""Words of a value that is looked for with other signs between its words."""

ROLES = ("tool", "user", "document", "system", "tool_schema", "assistant")
"""From the best source to the poorest."""

WORDS = dict(
    zip(
        map(str, range(1, 13)),
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        strict=True,
    )
)
"""Small numbers as people say them."""


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
            self._times(value),
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
        return any(number != LATER for number in self._holding(folded(text)))

    def _rank(self, hit: Hit) -> tuple[bool, int, int, int]:
        role = hit.piece.role
        return role == "assistant", hit.fit, ROLES.index(role), -self._seen.order(hit.piece.number)

    def _verbatim(self, value: Value, amount: Amount | None) -> Iterator[Hit]:
        index = self._index
        if len(value.text) <= LONGEST_KEYED and value.key:
            for piece in self._newest(index.keyed.get((value.key, value.text), ())):
                yield from in_piece(piece, value, amount)
        for piece in self._newest(index.wholes.get(value.text, ())):
            yield from in_piece(piece, value, amount)
        if value.is_text or amount is not None:
            signs = TOKEN.search(value.text) is None
            for piece in self._grouped(self._holding(folded(value.text))):
                yield from (h for h in in_piece(piece, value, amount) if signs or h.fit != PART)

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
                yield from number_in_piece(piece, value, wanted)
        if word := WORDS.get(amount.canonical):
            for piece in self._newest(self._index.words.get(word, ())):
                if piece.role == "user":
                    yield from in_piece(piece, value._replace(text=word), None, method="number")

    def _days(self, value: Value) -> Iterator[Hit]:
        for form in day_of(value.text):
            posted = [*self._index.days.get(form, ())]
            other = "~" + form[5:] if form[0] == "-" else "--" + form[5:]
            if form[0] == "-":
                other = "~" + form[2:]
            posted += self._index.days.get(other, ())
            for piece in self._newest(posted):
                yield from day_in_piece(piece, value, form)

    def _times(self, value: Value) -> Iterator[Hit]:
        wanted = next(times_in(value.text), None)
        if wanted is None or wanted.end - wanted.start != len(value.text):
            return
        minute = f"{wanted.minute:02}"
        # A minute may stand beside "pm": "00pm" is one word.
        hours = {f"{wanted.hour:02}", str(wanted.hour), str(wanted.hour % 12 or 12)}
        for hour in sorted(hours):
            for ending in ("", "pm" if wanted.hour > 11 else "am"):
                for piece in self._grouped(self._with_words([hour, minute + ending])):
                    yield from time_in_piece(piece, wanted)

    def _loose(self, value: Value, amount: Amount | None) -> Iterator[Hit]:
        """The same words with other signs between them."""
        words = TOKEN.findall(folded(value.text))
        if amount is not None or not words or len(words) > LONGEST_LOOSE:
            return
        if len(words) == 1 and len(words[0]) == len(value.text):
            return
        phrase = f" {' '.join(words)} "
        pieces = self._index.pieces
        holding = (n for n in self._with_words(words) if n == LATER or phrase in pieces[n].spaced)
        pattern = None
        for piece in self._grouped(holding):
            pattern = pattern or re.compile(r"(?<![^\W_])" + r"[\W_]+".join(words) + r"(?![^\W_])")
            yield from loose_in_piece(piece, value, pattern)

    def _parts(self, value: Value) -> Iterator[Hit]:
        """Inside longer words."""
        if not value.is_text:
            return
        needle = folded(value.text)
        for piece in self._grouped(self._inside(needle)):
            yield from in_piece(piece, value, None)

    def _newest(self, posted: Sequence[int]) -> Iterator[Piece]:
        """Pieces that the call saw, the newest first, some of each group."""
        return self._grouped(self._ordered(posted))

    def _ordered(self, posted: Sequence[int]) -> Iterator[int]:
        """Those that the call saw, the newest first; `LATER` stands before a longer look back."""
        recent = posted[-RECENT:]
        yield from self._seen_of(recent)
        if len(posted) > RECENT:
            yield LATER
            older = posted[:-RECENT]
            yield from self._seen_of(older)

    def _seen_of(self, numbers: Sequence[int]) -> list[int]:
        seen = self._seen
        if len(numbers) <= len(seen):
            both = {number for number in numbers if number in seen}
        else:
            posted = set(numbers)
            both = {number for number in seen if number in posted}
        return sorted(both, key=lambda number: (seen.order(number), number), reverse=True)

    def _grouped(self, numbers: Iterable[int]) -> Iterator[Piece]:
        left = {True: PIECES, False: PIECES}
        taken: set[int] = set()
        for number in numbers:
            if number == LATER:
                if taken:
                    return
                continue
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
            if number == LATER or needle in self._index.pieces[number].folded:
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
            candidates = self._ordered(sorted({n for word in ends for n in known[word]}))
        for number in candidates:
            if number == LATER or needle in self._index.pieces[number].folded:
                yield number

    def _with_words(self, words: list[str]) -> Iterator[int]:
        """Pieces that the call saw with all these words, the newest first."""
        postings = [self._index.words.get(word) for word in dict.fromkeys(words)]
        if not all(postings):
            return
        rarest, *others = sorted((posted for posted in postings if posted is not None), key=len)
        numbers = rarest
        for posted in others[:3]:
            if len(numbers) <= FEW:
                break
            both = set(posted)
            numbers = [number for number in numbers if number in both]
        yield from self._ordered(numbers)

    def _all(self) -> Iterator[int]:
        yield from self._seen.newest()
        yield from self._seen

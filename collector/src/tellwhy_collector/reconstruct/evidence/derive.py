"""Values that stand nowhere as they are, but follow from what does: pieces put together, arithmetic."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

from tellwhy_collector.reconstruct.evidence.forms import TOKEN, amount_of, folded
from tellwhy_collector.reconstruct.evidence.index import Index, Piece
from tellwhy_collector.reconstruct.evidence.leaves import Leaf
from tellwhy_collector.reconstruct.evidence.match import Hit, Value
from tellwhy_collector.reconstruct.evidence.search import Search
from tellwhy_collector.reconstruct.evidence.seen import Seen

MOST_PIECES = 12
"""A value is put together from so many words at most."""
CHANCE = 0.02
"""So many numbers are tried that a number which follows from none is hit as seldom as this."""
MOST_NUMBERS = 60
"""And never more than these, the newest first."""
DEAREST = 24
"""Pieces that are read for numbers."""


class Derived(NamedTuple):
    """How a value follows from one or several places."""

    method: str
    hits: list[Hit]
    told: str
    """The proof in words: ``54 + 77``, ``mia + li``."""
    weak: bool = False


def put_together(search: Search, value: Value) -> Derived | None:
    """A text all of whose words stand there, each as a word of its own; None when one does not."""
    words = list(dict.fromkeys(TOKEN.findall(folded(value.text))))
    if not 2 <= len(words) <= MOST_PIECES:
        return None
    telling = [word for word in words if len(word) > 2 and word not in _PLAIN]
    numbers = [word for word in words if word.isdigit()]
    if not telling or not all(search.whole(word) for word in {*telling, *numbers}):
        return None
    listed = _list_of(value.text)
    pieces = listed if len(listed) > 1 else telling
    hits = [hit for piece in pieces for hit in search.find(Value(piece), 1)]
    if len(hits) < len(pieces):
        return None
    method = "member" if len(listed) > 1 else "concatenation"
    return Derived(method, hits, " + ".join(pieces), weak=len(telling) == 1)


_PLAIN = frozenset(
    ["http", "https", "www", "com", "org", "net", "html", "the", "and", "for", "with", "from"]
)


def _list_of(text: str) -> list[str]:
    """The elements of a text that lists several."""
    for sign in ("\n", ";", ","):
        if sign in text:
            return [part.strip() for part in text.split(sign) if part.strip()]
    return []


class _Operand(NamedTuple):
    number: float
    piece: Piece
    leaf: Leaf


def calculated(index: Index, seen: Seen, value: Value) -> Derived | None:
    """A number that is the sum, difference, product, quotient or share of found ones."""
    amount = amount_of(value.text)
    if amount is None:
        return None
    wanted = float(amount.canonical)
    digits = len(amount.canonical.strip("-0.").replace(".", ""))
    if not 0 < abs(wanted) < math.inf or digits < 3:  # chance explains shorter ones
        return None
    pieces = [*itertools.islice(_told(index, seen), DEAREST)]
    if (whole := _column_sum(pieces, wanted, int(CHANCE * 10**digits))) is not None:
        return whole
    most = min(MOST_NUMBERS, int(math.sqrt(CHANCE * 10**digits / len(_OPERATIONS))))
    operands = {_near(o.number): o for o in itertools.islice(_operands(pieces), most)}
    found: Derived | None = None
    for one in operands.values():
        for method, sign, needed in _OPERATIONS:
            other = operands.get(_near(needed(one.number, wanted)))
            if other is None or other is one:
                continue
            told = f"{_written(one.number)} {sign} {_written(other.number)}"
            hits = [Hit(0, o.piece, o.leaf, method=method) for o in (one, other)]
            made = Derived(method, hits, told)
            # Two of the same piece explain more than two from anywhere.
            if one.piece is other.piece:
                return made
            found = found or made
    return found


def _told(index: Index, seen: Seen) -> Iterator[Piece]:
    """What others said, the newest first."""
    met = set()
    for number in seen.newest():
        piece = index.pieces[number]
        if piece.role in ("tool", "user", "document", "system") and number not in met:
            met.add(number)
            yield piece


def _operands(pieces: list[Piece]) -> Iterator[_Operand]:
    known = set()
    for piece in pieces:
        for number, leaf in piece.numbers:
            if number not in known and number not in (0.0, 1.0) and math.isfinite(number):
                known.add(number)
                yield _Operand(number, piece, leaf)


def _column_sum(pieces: list[Piece], wanted: float, most: int) -> Derived | None:
    """All numbers under one name in one list; so many lists are tried at most."""
    for piece in pieces:
        for total, column in piece.columns:
            most -= 1
            if most < 0:
                return None
            if math.isclose(total, wanted, rel_tol=1e-9):
                told = " + ".join(_written(number) for number, _ in column[:20])
                more = f" + … ({len(column)} numbers)" if len(column) > 20 else ""
                hits = [Hit(0, piece, leaf, method="sum") for _, leaf in column[:3]]
                return Derived("sum", hits, told + more)
    return None


def _near(number: float) -> str:
    """Equal for numbers that differ by rounding only."""
    return f"{number:.10g}"


def _written(number: float) -> str:
    return f"{number:g}" if number % 1 else f"{number:.0f}"


_OPERATIONS: tuple[tuple[str, str, Callable[[float, float], float]], ...] = (
    ("sum", "+", lambda one, wanted: wanted - one),
    ("difference", "-", lambda one, wanted: one - wanted),
    ("product", "*", lambda one, wanted: wanted / one),
    ("quotient", "/", lambda one, wanted: one / wanted),
    ("percentage", "% of", lambda one, wanted: wanted * 100 / one),
)
"""Name, sign, and the other number that makes the wanted one."""

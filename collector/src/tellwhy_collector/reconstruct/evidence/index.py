"""All that the model calls of one run saw, each piece once, and which words stand in which.

A piece is one part of a message, one instruction, one offered tool, one result. Requests repeat the
history, so there are far fewer pieces than parts; each is read once, and a look-up touches only the
pieces that hold the rarest word of a value.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from functools import cached_property
from typing import Any

import orjson

from tellwhy_collector.reconstruct.evidence.forms import (
    TOKEN,
    days_in,
    folded,
    hundredth,
    numbers_in,
)
from tellwhy_collector.reconstruct.evidence.leaves import Leaf, leaves_of

LONGEST_WHOLE = 200
"""Longer values are found by their words only. Characters."""
LONGEST_KEYED = 24
"""Values that are looked for under the same name are short. Characters."""

_NOT_SAID = {
    "tool_schema": frozenset(["type"]),
    "part": frozenset(["type", "signature", "encrypted_content", "encrypted", "thoughtSignature"]),
    "binary": frozenset(["type", "content", "data", "mime_type", "modality", "source"]),
}
"""Keys of parts whose values no model reads as text."""
_BINARY = frozenset(["blob", "image", "audio", "video", "file", "image_url", "input_image"])


class Piece:
    """One part of what was said, by whom, with its leaves."""

    def __init__(
        self, number: int, role: str, value: Any, call_id: str | None, *, part: bool
    ) -> None:
        self.number = number
        self.role = role
        self.call_id = call_id
        """The tool call that it is the result of."""
        self.name = value.get("name") if isinstance(value, dict) else None
        """Of the tool that is offered or called."""
        self.leaves = tuple(leaves_of(value, skip=_skipped(role, value) if part else None))
        self.text = "\n".join(leaf.text for leaf in self.leaves)
        """All its texts; for asking whether anything in it holds something."""
        self.folded = folded(self.text)
        if self.folded == self.text:
            self.folded = self.text

    @cached_property
    def at(self) -> dict[str, list[int]]:
        """Places in *leaves* by the text that stands there."""
        found: dict[str, list[int]] = {}
        for place, leaf in enumerate(self.leaves):
            if len(leaf.text) <= LONGEST_WHOLE:
                found.setdefault(leaf.text, []).append(place)
        return found

    @cached_property
    def spaced(self) -> str:
        """Its words with one space between them and around."""
        return f" {' '.join(TOKEN.findall(self.folded))} "

    @cached_property
    def numbers(self) -> tuple[tuple[float, Leaf], ...]:
        """Numbers in it, each with its leaf, for arithmetic."""
        return tuple(
            (float(number.canonical), leaf)
            for leaf in self.leaves
            if not leaf.is_key and len(leaf.text) <= LONGEST_WHOLE * 10
            for number in numbers_in(leaf.text)
        )

    @cached_property
    def columns(self) -> tuple[tuple[float, tuple[tuple[float, Leaf], ...]], ...]:
        """Sums of the numbers under one name in one list, with the numbers."""
        found: dict[tuple[str, str], list[tuple[float, Leaf]]] = {}
        for leaf in self.leaves:
            place = f"{leaf.path}{leaf.inner or ''}"
            if leaf.is_text or leaf.is_key or "[" not in place or leaf.text[-1:] in "eln":
                continue
            head, _, tail = place.rpartition("[")
            column = found.setdefault((head, tail.partition("]")[2]), [])
            column.append((float(leaf.text), leaf))
        many = [tuple(column) for column in found.values() if len(column) > 1]
        return tuple((math.fsum(number for number, _ in column), column) for column in many)


class Index:
    """Pieces of one run, and the words, numbers, dates and whole values in them."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.words: dict[str, list[int]] = {}
        self.wholes: dict[str, list[int]] = {}
        self.keyed: dict[tuple[str, str], list[int]] = {}
        self.numbers: dict[str, list[int]] = {}
        self.days: dict[str, list[int]] = {}
        self._known: dict[bytes, int] = {}
        self._vocabulary: list[str] = []

    def add(self, role: str, value: Any, *, call_id: str | None = None, part: bool = True) -> int:
        """The number of a piece; the same for one that was said before in the same role.

        Args:
            role: Who said it.
            value: A part of a message, an offered tool; or what a step took or gave.
            call_id: The tool call that it is the result of.
            part: False for what a step took or gave: its keys were said as well.
        """
        packed = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
        known = hashlib.blake2b(packed, digest_size=16, person=role.encode()[:16]).digest()
        number = self._known.get(known)
        if number is None:
            number = self._known[known] = len(self.pieces)
            self._enter(Piece(number, role, value, call_id, part=part))
        return number

    def words_with(self, part: str, *, at_end: bool, at_start: bool) -> set[str]:
        """Known words that hold *part*: anywhere, at their end, or at their start."""
        needle = ("\n" if at_start else "") + part + ("\n" if at_end else "")
        found: set[str] = set()
        for chunk in self._vocabulary:
            at = chunk.find(needle)
            while at >= 0:
                start = at + 1 if at_start else chunk.rfind("\n", 0, at) + 1
                end = chunk.index("\n", start)
                found.add(chunk[start:end])
                at = chunk.find(needle, end)
        return found

    def _enter(self, piece: Piece) -> None:
        number = piece.number
        self.pieces.append(piece)
        words = set(TOKEN.findall(piece.folded))
        _post(self.words, words, number, self._learn)
        wholes, keyed = set(), set()
        for leaf in piece.leaves:
            if len(leaf.text) <= LONGEST_WHOLE:
                wholes.add(leaf.text)
                if not leaf.is_key and len(leaf.text) <= LONGEST_KEYED:
                    keyed.add((leaf.key, leaf.text))
        _post(self.wholes, wholes, number)
        _post(self.keyed, keyed, number)
        _post(self.numbers, _number_forms(piece.text, words), number)
        _post(self.days, _day_forms(piece.text), number)

    def _learn(self, words: list[str]) -> None:
        """Words in texts that double in length, so that few texts hold them all."""
        chunks = self._vocabulary
        chunks.append("\n" + "\n".join(words) + "\n")
        while len(chunks) > 1 and len(chunks[-2]) < 2 * len(chunks[-1]):
            last = chunks.pop()
            chunks[-1] += last[1:]


def _post(into: dict[Any, list[int]], keys: Iterable[Any], number: int, on_new: Any = None) -> None:
    new = []
    for key in keys:
        if key in into:
            into[key].append(number)
        else:
            into[key] = [number]
            new.append(key)
    if on_new is not None and new:
        on_new(new)


def _number_forms(text: str, words: set[str]) -> set[str]:
    """Numbers that are spelled otherwise than the word that the index knows anyway."""
    forms: set[str] = set()
    for number in numbers_in(text):
        if number.canonical not in words:
            forms.add(number.canonical)
        if number.percent and len(number.canonical) < LONGEST_KEYED:
            forms.add(hundredth(number.canonical))
    return forms


def _day_forms(text: str) -> set[str]:
    forms: set[str] = set()
    for day in days_in(text):
        forms.update(day.forms)
        forms.update("~" + form[5:] for form in day.forms if form[0] != "-")
    return forms


def _skipped(role: str, value: Any) -> frozenset[str]:
    if role == "tool_schema":
        return _NOT_SAID["tool_schema"]
    binary = isinstance(value, dict) and value.get("type") in _BINARY
    return _NOT_SAID["binary" if binary else "part"]

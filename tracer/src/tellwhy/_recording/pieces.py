"""A request's body in pieces that are kept once: every turn repeats the whole conversation.

A body is split only between the elements of its long lists, so that joining gives the same text. A
*reference* is ``=text`` for text that stands there itself, ``#hash`` for a kept text, ``@hash`` for
a kept list, which is JSON text of the references of its elements, joined by commas. A list that
begins with all of the one before refers to it, so that a run of n turns takes n pieces, not n².
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

LISTS = frozenset({"messages", "input", "tools", "system"})
"""Fields of a request whose elements come again with the next."""

SHORTEST_PIECE = 64
"""Characters below which a text stands for itself: a reference to it is 33 long."""

HASH_CHARACTERS = 32
"""Of a SHA-256 in lower-case hex: 128 bits."""

MAX_TRACES = 128
"""Traces whose kept pieces are remembered; the one that was quiet longest begins anew."""

MAX_PIECES = 20_000
"""Pieces that are remembered in one trace; with more, all are sent again."""

MAX_LISTS = 16
"""Lists that are remembered in one trace, to be continued: one for each agent at work."""


class Kept:
    """What one trace has told already, so that each piece goes out once in it."""

    __slots__ = ("hashes", "lists")

    def __init__(self) -> None:
        self.hashes: set[str] = set()
        self.lists: OrderedDict[tuple[str, ...], str] = OrderedDict()
        """References of the elements of a list -> reference of that list."""


_lock = threading.Lock()
_traces: OrderedDict[int, Kept] = OrderedDict()


def hash_of(text: str) -> str:
    """The name of a kept text."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:HASH_CHARACTERS]


def keep(
    trace_id: int, fields: Sequence[tuple[str, str | list[str]]]
) -> tuple[list[str], Mapping[str, str]]:
    """References for a JSON object, and what of it this trace has not told before.

    Args:
        trace_id: The trace; pieces are kept once in each.
        fields: Names, and values as JSON text; lists in `LISTS` as the texts of their elements.

    Returns:
        The references whose texts joined are the object; hash -> text of the new pieces.
    """
    with _lock:
        kept = _traces.get(trace_id)
        if kept is None:
            kept = _traces[trace_id] = Kept()
            if len(_traces) > MAX_TRACES:
                _traces.popitem(last=False)
        _traces.move_to_end(trace_id)
        if len(kept.hashes) > MAX_PIECES:
            kept.hashes.clear()
            kept.lists.clear()
        return _keep(kept, fields)


def keep_apart(fields: Sequence[tuple[str, str | list[str]]]) -> tuple[list[str], dict[str, str]]:
    """`keep` for one object alone, with every piece."""
    return _keep(Kept(), fields)


def keep_text(trace_id: int, text: str) -> tuple[str, Mapping[str, str]]:
    """The reference of one text, and the piece if it is new."""
    if len(text) < SHORTEST_PIECE:
        return f"={text}", {}
    name = hash_of(text)
    with _lock:
        kept = _traces.get(trace_id)
        if kept is None or name not in kept.hashes:
            if kept is not None:
                kept.hashes.add(name)
            return f"#{name}", {name: text}
    return f"#{name}", {}


def forget() -> None:
    """Tell every piece again."""
    global _lock  # noqa: PLW0603 - after a fork a thread that is gone may hold it
    _lock = threading.Lock()
    _traces.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)


def _keep(
    kept: Kept, fields: Sequence[tuple[str, str | list[str]]]
) -> tuple[list[str], dict[str, str]]:
    new: dict[str, str] = {}
    found: list[str] = []
    plain = "{"
    for place, (name, value) in enumerate(fields):
        plain += f"{',' if place else ''}{json.dumps(name, ensure_ascii=False)}:"
        if isinstance(value, str):
            if len(value) < SHORTEST_PIECE:
                plain += value
                continue
            found += (f"={plain}", _reference(kept, value, new))
            plain = ""
            continue
        found += (f"={plain}[", _list(kept, value, new))
        plain = "]"
    return [*found, f"={plain}}}"], new


def _reference(kept: Kept, text: str, new: dict[str, str]) -> str:
    if len(text) < SHORTEST_PIECE:
        return f"={text}"
    name = hash_of(text)
    if name not in kept.hashes:
        kept.hashes.add(name)
        new[name] = text
    return f"#{name}"


def _list(kept: Kept, elements: list[str], new: dict[str, str]) -> str:
    references = tuple(_reference(kept, each, new) for each in elements)
    if not references:
        return "="
    known = kept.lists.get(references)
    if known is not None:
        return known
    begin = next((each for each in reversed(kept.lists) if references[: len(each)] == each), ())
    written = [kept.lists[begin], *references[len(begin) :]] if begin else list(references)
    text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
    name = hash_of(text)
    if name not in kept.hashes:
        kept.hashes.add(name)
        new[name] = text
    kept.lists[references] = f"@{name}"
    if len(kept.lists) > MAX_LISTS:
        kept.lists.popitem(last=False)
    return f"@{name}"


def joined(references: Sequence[str], contents: Mapping[str, str]) -> str:
    """The text that *references* stand for.

    Raises:
        KeyError: A piece is not there.
    """
    return "".join(_text(each, contents) for each in references)


def _text(reference: str, contents: Mapping[str, str]) -> str:
    kind, rest = reference[:1], reference[1:]
    if kind == "=":
        return rest
    if kind == "#":
        return contents[rest]
    return ",".join(_text(each, contents) for each in _flat(rest, contents))


def _flat(name: str, contents: Mapping[str, str]) -> Iterator[str]:
    """The elements of a list and of those that it continues, without a call for each of them."""
    later: list[list[Any]] = []
    while True:
        references = json.loads(contents[name])
        if not references or references[0][:1] != "@":
            later.append(references)
            break
        later.append(references[1:])
        name = references[0][1:]
    for references in reversed(later):
        yield from references

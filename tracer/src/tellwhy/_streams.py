"""What a generator yielded, written down while it passes, in bounded memory.

A secret may pass in pieces: text is searched again when it is whole, as it stands in the texts
themselves, or in the same place of one object after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tellwhy import _attributes as names
from tellwhy._capture import SLACK, to_json
from tellwhy._guard import guarded
from tellwhy._open_step import OpenStep
from tellwhy._redact import by_default
from tellwhy._settings import current as current_settings


class Yielded:
    """Text pieces are joined, as a streamed answer is; other items become a list."""

    __slots__ = ("_count", "_items", "_left", "_only_text", "_step")

    def __init__(self, step: OpenStep) -> None:
        self._step = step
        self._count = 0
        self._items: list[str] = []
        self._only_text = True
        recording = step.span.is_recording() and current_settings().captures_content
        self._left = current_settings().max_value_bytes if recording else 0
        if step.kept is not None:
            step.kept.yields()

    def add(self, item: Any) -> None:
        """Note one item; it is read now, because the caller may change it afterwards."""
        self._count += 1
        if self._step.kept is not None:
            with guarded("keeping a yielded item"):
                self._step.kept.item(item)
        if self._left <= 0:
            return
        with guarded("recording a yielded item"):
            is_text = type(item) is str
            if not is_text and self._only_text:
                # Searched one by one now, and once more when all are here.
                self._items = [to_json(text) for text in self._items]
                self._only_text = False
            # More than is kept: at the cut no half of a secret may stay.
            piece = item[: self._left + SLACK] if is_text and self._only_text else to_json(item)
            self._left -= len(piece) + 1
            self._items.append(piece)

    def finish(self, returned: Any = None, *, left_early: bool = False) -> None:
        """Write the output on the step's span."""
        with guarded("recording what was yielded"):
            span = self._step.span
            if not span.is_recording():
                return
            span.set_attribute(names.ITEMS, self._count)
            if left_early:
                span.set_attribute(names.LEFT_EARLY, value=True)
            if not self._items and returned is not None:
                self._step.result(returned)
            elif self._items:
                self._step.result_json(self._as_json())
                if self._step.kept is not None and returned is not None:
                    self._step.kept.returned(returned)

    def _as_json(self) -> str:
        missing = self._count - len(self._items)
        if self._only_text:
            text = "".join(self._items)
            # Once more as a whole: a secret may have come in two pieces.
            return to_json(f"{text}… [{missing:,} more items]" if missing else text)
        items = _joined([json.loads(each) for each in self._items])
        return to_json([*items, f"… [{missing:,} more items]"] if missing else items)


def _joined(items: list[Any]) -> list[Any]:
    """*items*, with a text that is a secret only together in one piece, replaced, in the first."""
    by_place: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
    for at, item in enumerate(items):
        for place, holder, key in _texts(item, items, at):
            by_place.setdefault(place, []).append((holder, key))
    for places in by_place.values():
        whole = "".join(holder[key] for holder, key in places)
        clean = by_default(whole)
        if len(places) > 1 and clean != whole:
            for holder, key in places:
                holder[key] = ""
            holder, key = places[0]
            holder[key] = clean
    return items


def _texts(item: Any, holder: Any, key: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Every text in *item*: its place, and where to put another one."""
    waiting: list[tuple[tuple[Any, ...], Any, Any, Any]] = [((), item, holder, key)]
    while waiting:
        place, value, holder, key = waiting.pop()
        if isinstance(value, str):
            yield place, holder, key
        elif isinstance(value, dict | list):
            inside = value.items() if isinstance(value, dict) else enumerate(value)
            waiting += [((*place, at), each, value, at) for at, each in inside]

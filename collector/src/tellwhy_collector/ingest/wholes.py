"""Requests that were told as what is new in them, put together again before they are stored.

A session of an agent's program is one conversation: to send all of it with every call makes an import
grow with the square of its length. So importers send the messages that are new, with the call whose
messages come first. Every step has the whole all the same: what a model saw is read in one place.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import orjson

from tellwhy_collector.ingest.columns import STEPS, Row
from tellwhy_collector.records import Record, Span

FROM, KEPT = "tellwhy.input.goes_on_from", "tellwhy.input.kept"
"""Attributes of a model call: the span whose messages come first, and how many of them."""

HELD_BYTES = 67_108_864
"""So much of the newest requests is held; others are read in the database. About, in characters."""

_AT = {name: STEPS.names.index(name) for name in STEPS.names}
_SPAN_ID, _START, _INPUT = _AT["span_id"], _AT["start_ns"], _AT["input_messages"]
_FRAMING = (_AT["system_instructions"], _AT["tools_offered"])


class GoesOn(NamedTuple):
    """Where the beginning of a request is."""

    span_id: str
    kept: int
    """So many messages from the front of what that call saw."""


class Cursor(Protocol):
    """As much of a DuckDB connection as is used here."""

    def execute(self, query: str, parameters: Any = None, /) -> Any:
        """Run one statement."""


class _Whole(NamedTuple):
    """What one call saw, as JSON texts."""

    messages: str
    length: int | None
    """How many messages; None when nobody has counted."""
    framing: tuple[str | None, ...]
    """System instructions and offered tools."""


def goes_on_of(record: Record) -> GoesOn | None:
    """Where the beginning of the request stands that *record* tells of; None for a whole one."""
    if not isinstance(record, Span):
        return None
    span_id, kept = record.attributes.get(FROM), record.attributes.get(KEPT)
    if not isinstance(span_id, str) or type(kept) is not int or kept < 0:
        return None
    return GoesOn(span_id, kept)


class Wholes:
    """Puts requests together, in the order in which they come. For one thread."""

    def __init__(self, held_bytes: int = HELD_BYTES) -> None:
        self._limit = held_bytes
        self._size = 0
        self._held: OrderedDict[str, _Whole] = OrderedDict()

    def complete(self, cursor: Cursor, rows: list[Row], goes_on: Mapping[str, GoesOn]) -> list[Row]:
        """*rows*, each with its whole request.

        Args:
            cursor: Where the steps are that came before.
            rows: In the order of `STEPS`, as they came.
            goes_on: By span id, of the rows whose request is not whole.
        """
        if not goes_on:
            return rows
        starts = {each.span_id for each in goes_on.values()}
        completed = []
        for row in rows:
            span_id, new = row[_SPAN_ID], row[_INPUT]
            mine = goes_on.get(span_id)
            if new is None or (mine is None and span_id not in starts):
                completed.append(row)
                continue
            whole = row if mine is None else self._completed(cursor, row, mine)
            # Counted in what is new: to read the whole each time is the square again.
            self._hold(whole, len(orjson.loads(new)) + (0 if mine is None else mine.kept))
            completed.append(whole)
        return completed

    def _completed(self, cursor: Cursor, row: Row, goes_on: GoesOn) -> Row:
        before = self._held.get(goes_on.span_id) or _stored(cursor, goes_on.span_id, row[_START])
        made = list(row)
        if before is None:
            made[_INPUT] = _joined(_missing(goes_on), row[_INPUT])
            return tuple(made)
        front = before.messages
        if goes_on.kept != before.length:
            front = orjson.dumps(orjson.loads(front)[: goes_on.kept]).decode()
        made[_INPUT] = _joined(front, row[_INPUT])
        for place, text in zip(_FRAMING, before.framing, strict=True):
            made[place] = text if row[place] is None else row[place]
        return tuple(made)

    def _hold(self, row: Row, count: int) -> None:
        self._drop(row[_SPAN_ID])
        text = row[_INPUT]
        framing = tuple(row[place] for place in _FRAMING)
        self._held[row[_SPAN_ID]] = _Whole(text, count, framing)
        self._size += len(text)
        while self._size > self._limit and len(self._held) > 1:
            self._drop(next(iter(self._held)))

    def _drop(self, span_id: str) -> None:
        known = self._held.pop(span_id, None)
        if known is not None:
            self._size -= len(known.messages)


def _stored(cursor: Cursor, span_id: str, before_ns: int) -> _Whole | None:
    """What is stored of a call that went before, whatever trace it was put into since."""
    rows = cursor.execute(
        "SELECT input_messages, system_instructions, tools_offered FROM steps"
        " WHERE start_ns <= ? AND span_id = ? AND input_messages IS NOT NULL LIMIT 1",
        [before_ns, span_id],
    ).fetchall()
    return _Whole(rows[0][0], None, tuple(rows[0][1:])) if rows else None


def _joined(front: str, back: str) -> str:
    """Two lists in JSON as one."""
    if front == "[]" or back == "[]":
        return back if front == "[]" else front
    return f"{front[:-1]},{back[1:]}"


def _missing(goes_on: GoesOn) -> str:
    """A message that says what is not here: a reader must not take the rest for all."""
    words = (
        f"[{goes_on.kept:,} earlier messages are not stored here: they stood in the call "
        f"{goes_on.span_id}. Import the session again.]"
    )
    part = {"type": "text", "content": words}
    return orjson.dumps([{"role": "system", "parts": [part]}]).decode()

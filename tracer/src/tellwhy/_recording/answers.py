"""A response's body without secrets, with the places where it was cut while it came.

Mostly there is nothing to hide, and the bytes are kept as they came. A secret may have come in
pieces, a few characters with each event: then events are written anew, with the whole text of a
place, replaced, in the first event that has some of it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from tellwhy import _capture, _redact
from tellwhy._plain_json import compact

Chunk = tuple[float, bytes]
"""Milliseconds since the request went out, and bytes."""

NUMBERS = ("index", "output_index", "content_index", "summary_index", "choice")
"""Fields that tell which of several texts an event goes on with."""


class Answer(NamedTuple):
    """What is kept of a body."""

    text: str
    is_base64: bool
    """The body is no text."""
    cuts: list[int | float]
    """Milliseconds and bytes of each chunk, in turn."""


def answer_of(chunks: list[Chunk], kind: str, *, is_clean: bool) -> Answer:
    """The body as it may be told.

    Args:
        chunks: As they came, unpacked.
        kind: The content type.
        is_clean: Whether what was read out of the body holds no secret.
    """
    raw = b"".join(data for _, data in chunks)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        # Frames of events, or pictures: no rule can look into them.
        return Answer(base64.b64encode(raw).decode(), True, _cuts(chunks))
    if is_clean and _redact.hook() is None:
        return Answer(text, False, _cuts(chunks))
    clean = _clean_events(text) if "event-stream" in kind else _clean_body(text)
    if clean == text:
        return Answer(text, False, _cuts(chunks))
    return Answer(clean, False, _cuts_of_events(chunks, text, clean))


def _cuts(chunks: list[Chunk]) -> list[int | float]:
    return [each for at_ms, data in chunks for each in (round(at_ms, 2), len(data))]


def _clean_body(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return _redact.text(text)
    clean = _capture.to_json(found, len(text) * 2)
    return text if json.loads(clean) == found else clean


def _clean_events(text: str) -> str:
    lines = text.split("\n")
    events: dict[int, Any] = {}
    for at, line in enumerate(lines):
        if line.startswith("data:"):
            try:
                events[at] = json.loads(line[5:])
            except ValueError:
                lines[at] = _redact.text(line)
    before = {at: json.dumps(event) for at, event in events.items()}
    _join_secrets(list(events.values()))
    for at, event in events.items():
        clean = json.loads(_capture.to_json(event))
        if json.dumps(clean) != before[at]:
            end = "\r" if lines[at].endswith("\r") else ""
            lines[at] = f"data: {compact(clean)}{end}"
    return "\n".join(lines)


def _join_secrets(events: list[Any]) -> None:
    """Put a text that is a secret only together into the first event that has some of it."""
    places: dict[tuple[Any, ...], list[tuple[Any, Any]]] = {}
    for event in events:
        for place, holder, key in _texts(event):
            places.setdefault(place, []).append((holder, key))
    for found in places.values():
        whole = "".join(holder[key] for holder, key in found)
        clean = _redact.text(whole, str(found[0][1]))
        if len(found) > 1 and clean != whole:
            for holder, key in found:
                holder[key] = ""
            holder, key = found[0]
            holder[key] = clean


def _texts(event: Any) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Every text in *event*: which of several it goes on with, and where to put another one."""
    numbers = tuple(event.get(name) for name in NUMBERS) if isinstance(event, dict) else ()
    waiting: list[tuple[tuple[Any, ...], Any]] = [(numbers, event)]
    while waiting:
        place, holder = waiting.pop()
        inside: Any = holder.items() if isinstance(holder, dict) else enumerate(holder)
        for key, value in inside:
            if isinstance(value, str):
                yield (*place, key), holder, key
            elif isinstance(value, dict | list):
                mark = value.get("index") if isinstance(value, dict) else None
                waiting.append(((*place, key if mark is None else mark), value))


def _cuts_of_events(chunks: list[Chunk], text: str, clean: str) -> list[int | float]:
    """One chunk for each event, at the time at which its end had come."""
    ends = _event_ends(text)
    wanted = _event_ends(clean)
    times: list[float] = []
    came, waiting = 0, iter(chunks)
    at_ms = 0.0
    for end in ends:
        size = len(text[:end].encode())
        while came < size:
            at_ms, data = next(waiting)
            came += len(data)
        times.append(at_ms)
    cuts: list[int | float] = []
    for number, (begin, end) in enumerate(pairwise([0, *wanted])):
        size = len(clean[begin:end].encode())
        cuts += (round(times[min(number, len(times) - 1)], 2), size)
    return cuts


def _event_ends(text: str) -> list[int]:
    """Behind each blank line, and at the end."""
    ends, at = [], 0
    while (at := text.find("\n\n", at)) >= 0:
        at += 2
        ends.append(at)
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]

"""An explanation as a page for a terminal: sentences with marks, then what the marks mean. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from tellwhy_collector.shell.table import visible

HEADINGS = {
    "asked": "Asked",
    "saw": "What it saw",
    "could": "What it could do",
    "chose": "What it chose",
    "stated": "Stated reason (its own words, not a tested cause)",
    "came_from": "Where the values came from",
    "gate": "Approval",
    "happened": "What happened",
    "followed": "What followed",
    "path": "The way",
    "turned": "Where it turned",
    "ended": "How it ended",
    "cost": "What it took",
    "found": "Findings",
    "tested": "Tested causes",
}

MOST_MARKS = 6
"""Most marks behind one sentence; the list has all."""

LEAST = 40
"""Columns that are used on the narrowest terminal."""

LAYERS = {"fact": "recorded", "stated": "stated", "tested": "tested"}


def page(told: dict[str, Any], width: int) -> Iterator[str]:
    """Lines of at most *width* columns, citations excepted."""
    width = max(width, LEAST)
    head = f"Decision {told['decision_id']} of run" if told["decision_id"] else "Run"
    yield visible(f"{head} {told['run_id']}")
    if not told["complete"]:
        text = (
            "This run still changes or waits to be looked at as a whole: sources and findings may "
            "be missing. Ask again in a moment."
        )
        yield from textwrap.wrap(text, width)
    marks: dict[str, int] = {}
    if "told" in told:
        yield from _told(told, width, marks)
    else:
        yield from _sentences(told["sentences"], width, marks)
    yield ""
    for text, mark in marks.items():
        yield visible(f"[{mark}] {text}")


def _sentences(sentences: list[dict[str, Any]], width: int, marks: dict[str, int]) -> Iterator[str]:
    before = None
    for one in sentences:
        if one["part"] != before:
            before = one["part"]
            yield ""
            yield HEADINGS.get(before, before)
        numbers = [marks.setdefault(place(cited), len(marks) + 1) for cited in one["citations"]]
        yield from _wrapped(one["text"], numbers, width)


def _told(told: dict[str, Any], width: int, marks: dict[str, int]) -> Iterator[str]:
    by_id = {one["id"]: one for one in told["sentences"]}
    before = None
    for one in told["told"]:
        if one["layer"] != before:
            before = one["layer"]
            yield ""
            yield LAYERS[before].capitalize()
        texts = [f"{by_id[cited]['text']}" for cited in one["cites"]]
        numbers = [marks.setdefault(text, len(marks) + 1) for text in texts]
        yield from _wrapped(one["text"], numbers, width)
    yield ""
    dropped = len(told["dropped"])
    count = f"{dropped} sentence{'' if dropped == 1 else 's'}"
    yield f"Told by {told['model']}. {count} without a proof dropped."
    for one in told["dropped"]:
        yield from textwrap.wrap(f"dropped: {visible(one['why'])}", width, initial_indent="  ")


def _wrapped(text: str, numbers: list[int], width: int) -> list[str]:
    marks = "".join(f"[{number}]" for number in numbers[:MOST_MARKS])
    more = "…" if len(numbers) > MOST_MARKS else ""
    return textwrap.wrap(
        visible(f"{text} {marks}{more}"),
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )


def place(cited: dict[str, Any]) -> str:
    """A citation as a line: the table, the column, the path, the characters, the step."""
    if cited["table"] == "runs":
        return f"runs.{cited['column']}"
    if cited["table"] in ("proofs", "causes"):
        row = f"proof_id = '{cited['proof_id']}'"
        row += f" and place = {cited['place']}" if "place" in cited else ""
        return f"{cited['table']}.{cited['column']} where {row}"
    parts = [f"steps.{cited['column']}"]
    if "path" in cited:
        parts.append(cited["path"])
    if "inner_path" in cited:
        parts.append(f"in it {cited['inner_path']}")
    if "from" in cited:
        parts.append(f"characters {cited['from']} to {cited['to']}")
    return f"{' '.join(parts)} where span_id = '{cited['span_id']}'"

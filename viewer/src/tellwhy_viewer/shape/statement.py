"""A question as an address, and where the collector found fault with it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

MOST_CHARS = 6_000
"""Longest question in an address, percent-encoded: proxies commonly take 8 KiB for all of it."""

_AT = re.compile(r"^LINE (\d+): (.*)\n( *)(\^+)", re.MULTILINE)
_NAMED = re.compile(r'(?:column "|Function with name |Table with name |alias ")([A-Za-z_]\w*)')


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a text went wrong, for the editor to mark."""

    line: int
    """From 1."""
    column: int | None
    """From 1; None when only the line is known."""
    chars: int
    said: str


def fits(text: str) -> bool:
    """Tell whether *text* is short enough for an address."""
    return len(quote(text, safe="")) <= MOST_CHARS


def fault(message: str, text: str) -> Fault | None:
    """Find the place in *text* that the database's *message* speaks of; None when it tells none.

    A place is drawn below ``LINE n:`` of the message. Where it is missing, a name that the message
    calls unknown is looked for; it counts when it stands in the text once.
    """
    said = message.partition("\n")[0]
    if drawn := _AT.search(message):
        return _drawn(drawn, said, text.split("\n"))
    named = _NAMED.search(message)
    if named is None:
        return None
    found = list(re.finditer(rf"\b{re.escape(named[1])}\b", text, re.IGNORECASE))
    if len(found) != 1:
        return None
    before = text[: found[0].start()]
    line_start = before.rfind("\n") + 1
    return Fault(before.count("\n") + 1, len(before) - line_start + 1, len(named[1]), said)


def _drawn(drawn: re.Match[str], said: str, lines: list[str]) -> Fault | None:
    line, shown = int(drawn[1]), drawn[2]
    if line > len(lines):
        return None
    # Of a long line the message shows a part, with an ellipsis in place of what was cut.
    start = lines[line - 1].find(shown.strip("…"))
    if start < 0:
        return Fault(line, None, 0, said)
    lead = len(f"LINE {line}: ") + len(shown) - len(shown.lstrip("…"))
    column = start + len(drawn[3]) - lead
    word = re.match(r"\w*", lines[line - 1][max(column, 0) :])
    return Fault(line, column + 1, max(len(drawn[4]), len(word[0]) if word else 0), said)

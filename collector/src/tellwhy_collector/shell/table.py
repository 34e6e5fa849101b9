"""Rows as text for people: aligned, cut to the terminal's width, without control characters."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from prompt_toolkit.utils import get_cwidth

LEAST_WIDTH = 8
"""A column is not made narrower than this; when it does not help, rows are written one under another."""

MAX_CELL = 2_000
"""Most characters of a value that are looked at when no width limits it."""

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str) -> str:
    """*text* with every character written out that could steer or deceive a terminal.

    Control characters, bidirectional overrides and line separators become escapes. The joiner of
    emoji stays.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        _escaped(sign) if sign != "\u200d" and unicodedata.category(sign) in _HIDDEN else sign
        for sign in text
    )


def _escaped(sign: str) -> str:
    code = ord(sign)
    return _NAMED.get(sign) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def cell(value: Any) -> str:
    """A value of a JSON answer as one line."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return visible(value)
    return visible(json.dumps(value, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int = 0) -> Iterator[str]:
    """Lines of an aligned table.

    Args:
        columns: Names.
        rows: Values as JSON gives them.
        width: Cells of the terminal; 0 for no limit.
    """
    limit = width or MAX_CELL
    names = [cut(visible(name), limit) for name in columns]
    texts = [[cut(cell(value), limit) for value in row] for row in rows]
    widths = [
        max([get_cwidth(name), *(get_cwidth(row[i]) for row in texts)])
        for i, name in enumerate(names)
    ]
    if width and not _shrink(widths, width):
        yield from stacked(columns, rows, width)
        return
    right = [_is_number({type(row[i]) for row in rows}) for i in range(len(names))]
    yield _line(names, widths, right)
    yield "┼".join("─" * (size + 2) for size in widths)
    for row in texts:
        yield _line(row, widths, right)


def _is_number(kinds: set[type]) -> bool:
    return bool(kinds & {int, float}) and kinds <= {int, float, type(None)}


def _shrink(widths: list[int], total: int) -> bool:
    """Take from the widest columns until the line fits; whether it could be done."""
    over = sum(widths) + 3 * len(widths) - 1 - total
    while over > 0:
        widest = max(range(len(widths)), key=widths.__getitem__)
        others = [size for i, size in enumerate(widths) if i != widest]
        floor = max([LEAST_WIDTH, *(size for size in others if size < widths[widest])])
        step = min(over, max(widths[widest] - floor, 1))
        if widths[widest] <= LEAST_WIDTH:
            return False
        widths[widest] -= step
        over -= step
    return True


def _line(texts: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for text, size, flush in zip(texts, widths, right, strict=True):
        short = cut(text, size)
        space = " " * (size - get_cwidth(short))
        padded.append(space + short if flush else short + space)
    return (" " + " │ ".join(padded)).rstrip()


def stacked(columns: Sequence[str], rows: Sequence[Sequence[Any]], width: int = 0) -> Iterator[str]:
    """Each row as a block of ``name │ value`` lines, for rows that are too wide."""
    names = [cut(visible(name), (width or MAX_CELL) // 2) for name in columns]
    size = max(map(get_cwidth, names), default=0)
    room = max(width - size - 4, 1) if width else MAX_CELL
    for number, row in enumerate(rows, 1):
        head = f"─[ {number} ]".ljust(size + 2, "─") + "┬" + "─" * min(room, 20)
        yield head[: width or len(head)]
        for name, value in zip(names, row, strict=True):
            yield f" {name}{' ' * (size - get_cwidth(name))} │ {cut(cell(value), room)}"


def markdown(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """A GitHub table; pipes, backticks and markup characters are escaped."""
    yield "| " + " | ".join(map(_plain, columns)) + " |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield "| " + " | ".join(_plain(cell(value)) for value in row) + " |"


def _plain(text: str) -> str:
    return "".join("\\" + sign if sign in "\\|`*_[]<>#" else sign for sign in visible(text))


def cut(text: str, width: int) -> str:
    """The beginning of *text* that takes at most *width* cells; ``…`` at the end tells that more was."""
    if len(text) * 2 <= width or get_cwidth(text[: width * 2]) <= width >= len(text):
        return text
    kept, used = "", 0
    for sign in text:
        size = get_cwidth(sign)
        if used + size > width - 1:
            return kept + "…"
        kept += sign
        used += size
    return text

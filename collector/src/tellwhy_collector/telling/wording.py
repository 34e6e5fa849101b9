"""Values as words: quoted, bounded, harmless. Pure.

What agents wrote may try to look like our own sentences, to move the cursor or to fill the screen:
a quoted text has no line break, no control character, no closing quote of ours, and a bound.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

QUOTE = 160
"""Most characters of one quoted text."""

NAME = 80
"""Most characters of a name."""

MOST_FIELDS = 8
"""Most fields of an object that are told."""

_OURS = str.maketrans({"“": '"', "”": '"', "`": "'"})


def visible(text: str) -> str:
    """*text* in one line, with what a terminal or a browser would obey shown instead."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else _shown(ord(sign)) for sign in line)


def _shown(code: int) -> str:
    return f"⟨{code:02X}⟩" if code < 0x100 else f"⟨U+{code:04X}⟩"


def quoted(text: str, limit: int = QUOTE) -> str:
    """*text* between “ and ”, its end cut where it is long."""
    # Cut before it is cleaned: a text of megabytes costs no more than its beginning.
    line = visible(text[: 4 * limit].translate(_OURS))
    if len(line) <= limit and len(text) <= 4 * limit:
        return f"“{line}”"
    return f"“{line[:limit].rstrip()}…” ({len(text):,} characters)"


def named(name: Any) -> str:
    """The name of a tool, a model or a field between backticks."""
    line = visible(str(name)[: 4 * NAME].translate(_OURS))
    return f"`{line[:NAME]}…`" if len(line) > NAME else f"`{line}`"


def valued(value: Any, limit: int = QUOTE) -> str:
    """A JSON value: text quoted, numbers as they were written, structures as their JSON."""
    if isinstance(value, str):
        return quoted(value, limit)
    if value is None or isinstance(value, bool | int | float):
        return {None: "null", True: "true", False: "false"}.get(value) or str(value)  # type: ignore[arg-type]
    return quoted(json.dumps(value, ensure_ascii=False, default=str), limit)


def fields(value: Any, limit: int = QUOTE, most: int = MOST_FIELDS) -> str:
    """The fields of an object as ``name value, name value and name value``; else `valued`."""
    if not isinstance(value, dict) or not value:
        return valued(value, limit)
    told = [f"{bare(name)} {valued(inner, limit // 2)}" for name, inner in value.items()]
    return listed(told, most)


def bare(name: Any) -> str:
    """A field's name without marks, where they would be in the way."""
    line = visible(str(name)[: 4 * NAME].translate(_OURS))
    return line[:NAME] or '""'


def listed(items: Sequence[str], most: int = 6) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b and 7 more``."""
    shown = list(items)
    if len(shown) > most:
        shown = [*shown[: most - 1], f"{len(shown) - most + 1:,} more"]
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """``1 message``, ``1,204 messages``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def times(count: int) -> str:
    """``once``, ``twice``, ``14 times``."""
    return {1: "once", 2: "twice"}.get(count) or f"{count:,} times"


def took(ns: int) -> str:
    """``812 ms``, ``4.4 s``, ``18 min 41 s``, ``2 h 5 min``."""
    if ns < 1_000_000:
        return "less than 1 ms"
    if ns < 999_500_000:
        return f"{round(ns / 1e6)} ms"
    if ns < 59_950_000_000:
        seconds = ns / 1e9
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    seconds = round(ns / 1e9)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def dollars(usd: float) -> str:
    """``$1.24``, ``$0.053``, ``$0.0004``."""
    if usd == 0:
        return "$0"
    if usd < 0.001:
        return f"${usd:.6f}".rstrip("0")
    return f"${usd:,.2f}" if usd >= 1 else f"${usd:.4f}".rstrip("0")


def moment(ns: int) -> str:
    """``2026-11-20 at 09:03:12 UTC``."""
    return datetime.fromtimestamp(ns // 10**9, UTC).strftime("%Y-%m-%d at %H:%M:%S UTC")


def sentence(text: str) -> str:
    """*text* with a capital letter in front and a stop behind."""
    begun = text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "?”", ".”", "!”")) else begun + "."

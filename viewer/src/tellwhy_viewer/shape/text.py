"""Untrusted text made visible, bounded and readable."""

from __future__ import annotations

import json
import re
from typing import Any

CLIP = 4_000
"""Most characters of one text that travel with a decision; the rest is fetched on demand."""

ONE_LINE = 88
"""JSON up to so many characters stays in one line."""

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def visible(text: str) -> str:
    """Give *text* with direction overrides and control characters shown instead of obeyed."""
    marked = _BIDI.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
    return _CONTROL.sub(lambda found: f"⟨{ord(found[0]):02X}⟩", marked)


def parsed(text: Any) -> Any:
    """Give the value of a JSON-text column; text that is not JSON stays text."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def readable(value: Any) -> str:
    """Give *value* as a person reads it: text as it is, short JSON in one line, long JSON indented."""
    if isinstance(value, str):
        return value
    short = json.dumps(value, ensure_ascii=False)
    return short if len(short) <= ONE_LINE else json.dumps(value, ensure_ascii=False, indent=2)


def clipped(value: Any, limit: int = CLIP) -> dict[str, Any] | None:
    """Give ``{"text", "chars", "clipped"}`` of *value*, at most *limit* characters long."""
    if value is None:
        return None
    text = readable(value)
    return {"text": text[:limit], "chars": len(text), "clipped": len(text) > limit}


def one_line(value: Any, limit: int = 120) -> str:
    """Give *value* squeezed into one short line; objects as ``name value · name value``."""
    if isinstance(value, dict):
        pairs = (f"{name} {_scalar(inner)}" for name, inner in value.items())
        text = " · ".join(pairs)
    else:
        text = _scalar(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*("(?:[^"\\]|\\.)*"?|[^,{}\[\]"]+)')


def glance(preview: str | None, limit: int = 120) -> str:
    """Give one line for the first characters of a JSON text, which may be cut in the middle."""
    if not preview:
        return ""
    value = parsed(preview)
    if isinstance(value, str) and preview.lstrip()[:1] in "{[":
        pairs = [f"{name} {rest.strip().strip(chr(34))}" for name, rest in _PAIR.findall(preview)]
        value = " · ".join(pairs) or preview
    return one_line(value, limit)

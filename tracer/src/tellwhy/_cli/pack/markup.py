"""Elements of a page as text; what an agent wrote can only become text in them."""

from __future__ import annotations

import html
import json
import re
from typing import Any

_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Characters that turn text around, hide it or end a line where none ends."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def shown(value: Any) -> str:
    """Give *value* as text for a page: escaped, and with marks where characters would act."""
    if isinstance(value, Markup):
        return value
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    marked = _HIDDEN.sub(lambda found: f"\u27e8U+{ord(found[0]):04X}\u27e9", text)
    return html.escape(marked)


def tag(name: str, *inside: Any, cls: str = "", **attributes: str) -> Markup:
    """Give an element; ``None`` inside is nothing."""
    named = {"class": cls, **attributes}
    told = "".join(f' {key}="{shown(value)}"' for key, value in named.items() if value)
    return Markup(
        f"<{name}{told}>{''.join(shown(part) for part in inside if part is not None)}</{name}>"
    )


def many(parts: Any) -> Markup:
    """Give elements one behind the other."""
    return Markup("".join(shown(part) for part in parts))


def pretty(text: Any) -> str:
    """Give JSON text with its fields on lines of their own; other text as it is."""
    if not isinstance(text, str):
        return json.dumps(text, ensure_ascii=False, indent=2)
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)


def data(text: str) -> Markup:
    """Give JSON for a data block: nothing in it can end the block."""
    safe = text.translate({ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"})
    return Markup(re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", safe))

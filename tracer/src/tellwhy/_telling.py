"""What a span is told after its start, without the SDK's look at each value.

The SDK asks every value eight times what it is, and takes it in by itself. What the client hook
tells at the end of a call is some twenty texts and numbers of its own making: put into the span at
once they cost a third. Whatever is not sure to be fine goes the public way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.trace import Span

PLAIN = frozenset({str, int, float, bool})
"""Types of the values that need no look: exactly these, none derived from them."""

_EXPECTED = {"_dict", "_lock", "maxlen", "max_value_len"} <= vars(BoundedAttributes()).keys()
"""Whether the SDK at hand keeps attributes where we know."""


def tell(span: Span, found: Mapping[str, Any]) -> None:
    """Add *found* to the attributes of *span*, as ``span.set_attributes`` does."""
    held: Any = getattr(span, "_attributes", None)
    if (
        not _EXPECTED
        or type(held) is not BoundedAttributes
        or held.max_value_len is not None
        or (held.maxlen is not None and len(held) + len(found) > held.maxlen)
        or not span.is_recording()
    ):
        span.set_attributes(found)
        return
    plain, others = {}, {}
    for name, value in found.items():
        if type(value) in PLAIN:
            plain[name] = value
        elif type(value) is list and all(type(item) is str for item in value):
            plain[name] = tuple(value)
        else:
            others[name] = value
    with held._lock:  # noqa: SLF001
        held._dict.update(plain)  # noqa: SLF001
    if others:
        span.set_attributes(others)

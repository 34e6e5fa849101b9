"""Texts that every call of an agent repeats, its instructions and its tools: read once.

To find such a text again takes a tenth of the time that reading it takes.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from tellwhy_collector.records import Repeated

MAX_HELD = 4_000_000
"""Characters of all texts that one reading holds; then it begins anew."""

MAX_TEXT = 200_000
"""Characters of a text that is held."""

Parts = list[dict[str, Any]]
Reading = Callable[[Any], Parts | None]


def repeated(read: Reading) -> Reading:
    """*read*, which gives for an equal text the same object again. Nobody may change that object."""
    unread: Any = object()
    known: dict[str, Parts | None] = {}
    held = 0

    @wraps(read)
    def reading(value: Any) -> Parts | None:
        nonlocal held
        if type(value) is not str or len(value) > MAX_TEXT:
            return read(value)
        found: Parts | None = known.get(value, unread)
        if found is not unread:
            return found
        found = read(value)
        if found is not None:
            found = Repeated(found)
        if held > MAX_HELD:
            known.clear()
            held = 0
        held += len(value)
        known[value] = found
        return found

    return reading

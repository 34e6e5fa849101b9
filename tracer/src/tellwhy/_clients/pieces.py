"""Texts that arrive in pieces. Joined once at the end: adding each piece copies all before it."""

from __future__ import annotations

from typing import Any


class Pieces(list[str]):
    """A text that still grows."""


def grow(into: dict[str, Any], name: str, piece: str) -> None:
    """Add *piece* to the text ``into[name]``, which may be missing or None."""
    known = into.get(name)
    if not isinstance(known, Pieces):
        known = into[name] = Pieces([known] if known else [])
    known.append(piece)


def joined(value: Any) -> Any:
    """*value* with every growing text in it, at any depth, as a string."""
    if isinstance(value, Pieces):
        return "".join(value)
    if isinstance(value, dict):
        return {name: joined(item) for name, item in value.items()}
    if isinstance(value, list):
        return [joined(item) for item in value]
    return value

"""Which attributes go into the VARIANT column: those whose names repeat from span to span.

DuckDB makes a column of its own of every attribute name it meets in a row group ("shredding"),
which is what makes `attributes."app.tenant"` fast. Names that do not repeat turn this against us:
measured on 2.0.0 with 20,000 rows, 2,000 names make the checkpoint take 13 s, during which nothing
is stored, and 20,000 names, one span's worth, exhaust 1.8 GiB and invalidate the database.
"""

from __future__ import annotations

import re
from typing import Any

LIMIT = 256
"""Names that one process lets in: under one second of a checkpoint."""

MAX_NAME = 256
"""Characters of a name that may be let in."""

REMEMBERED = 10_000
"""Names of which we remember that they stay out."""

POSITION = re.compile(r"(?:^|\.)\d+(?:\.|$)")
"""A list that was flattened into names: ``llm.input_messages.0.message.role``."""


class Names:
    """The names let in so far, first come first served. Shared by threads; a few more do no harm."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._inside: set[str] = set()
        self._outside: set[str] = set()

    def split(self, attributes: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """*attributes* in two: for the VARIANT column, and the rest."""
        if attributes.keys() <= self._inside and _PLAIN.issuperset(map(type, attributes.values())):
            return attributes, {}
        inside: dict[str, Any] = {}
        rest: dict[str, Any] = {}
        known = self._inside
        for name, value in attributes.items():
            kind = type(value)
            if kind is dict or (kind is list and _nests(value)):
                # Names inside of values are shredded like names of attributes.
                rest[name] = value
            elif name in known or self._admit(name):
                inside[name] = value
            else:
                rest[name] = value
        return inside, rest

    def _admit(self, name: str) -> bool:
        if name in self._outside:
            return False
        if len(self._inside) < self._limit and len(name) <= MAX_NAME and not POSITION.search(name):
            self._inside.add(name)
            return True
        if len(self._outside) < REMEMBERED:
            self._outside.add(name)
        return False


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _nests(values: list[Any]) -> bool:
    return any(type(item) in {dict, list} for item in values)

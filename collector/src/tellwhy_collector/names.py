"""Column names that do not repeat, for forms in which a name can stand only once."""

from __future__ import annotations

from collections.abc import Sequence


def distinct(names: Sequence[str]) -> list[str]:
    """Names made unique as DuckDB does it: ``a``, ``a_1``, ``a_2``."""
    given: dict[str, None] = {}
    for name in names:
        other, number = name, 0
        while other in given:
            number += 1
            other = f"{name}_{number}"
        given[other] = None
    return list(given)

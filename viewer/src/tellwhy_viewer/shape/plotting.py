"""What of an answer can be drawn: the kind of each column, and points out of rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from tellwhy_viewer.shape.text import visible

MOST_POINTS = 5_000
"""More marks than this are not drawn: nobody could tell them apart."""

MOST_SERIES = 12
"""A column with more values than this gets no colours."""

Kind = Literal["number", "time", "name"]

_NUMBERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "FLOAT", "DOUBLE", "DECIMAL")


def kind(type_name: str) -> Kind:
    """Tell how a column of the database's *type_name* is drawn."""
    plain = type_name.upper()
    if plain.endswith("]"):
        return "name"
    if plain.startswith(("TIMESTAMP", "DATE")):
        return "time"
    return "number" if plain.removeprefix("U").startswith(_NUMBERS) else "name"


def series(rows: Sequence[Sequence[Any]], types: Sequence[str]) -> list[int]:
    """Give the columns that can colour a chart: names, of which there are few."""
    return [
        at
        for at, type_name in enumerate(types)
        if kind(type_name) == "name" and len({str(row[at]) for row in rows}) <= MOST_SERIES
    ]


def points(
    rows: Sequence[Sequence[Any]], types: Sequence[str], x: int, y: int, by: int | None
) -> list[dict[str, Any]]:
    """Give a point for each row that has both values: ``x``, ``y``, ``series``.

    Args:
        rows: Of the answer.
        types: The database's types of its columns.
        x: Column of the horizontal axis; times become milliseconds since 1970, UTC.
        y: Column of the vertical axis; a number.
        by: Column of the colour; one colour when None.
    """
    found = []
    for row in rows:
        across, up = _value(row[x], kind(types[x])), _value(row[y], "number")
        if across is None or up is None:
            continue
        name = "" if by is None else visible("NULL" if row[by] is None else str(row[by]))
        found.append({"x": across, "y": up, "series": name})
        if len(found) == MOST_POINTS:
            break
    return found


def _value(value: Any, as_kind: Kind) -> Any:
    """Turn a cell into what a chart takes; None when it cannot."""
    if value is None:
        return None
    if as_kind == "name":
        return visible(str(value))
    try:
        if as_kind == "number":
            number = float(value)
            return number if math.isfinite(number) else None
        told = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError):
        return None
    return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp() * 1000

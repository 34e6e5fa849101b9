"""Many rows of the same names as columns: a third of the bytes, and of the time to write and read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

REPEATED = 4
"""A text column is a list of its different values when each stands there so often on average."""


LOOKED_AT = 256
"""Values of a column that tell whether it is worth looking at all of them."""


def packed(names: Iterable[str], rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """Give *rows* as ``{"rows": how many, "columns": name → column}``.

    A column is a list, or ``{"all": value}`` where every row has the same, or ``{"of": values,
    "at": index}`` where few texts repeat. `columns.js` makes rows of it again.
    """
    columns = zip(*rows, strict=True) if rows else ()
    told = {name: _column(values) for name, values in zip(names, columns, strict=bool(rows))}
    return {"rows": len(rows), "columns": told}


def _column(values: Sequence[Any]) -> Any:
    try:
        some = values[:LOOKED_AT]
        if len(values) > LOOKED_AT and len(set(some)) * REPEATED > LOOKED_AT:
            return values
        place = {value: at for at, value in enumerate(dict.fromkeys(values))}
    except TypeError:  # lists and objects
        return values
    if len(place) == 1:
        return {"all": values[0]}
    if len(place) * REPEATED <= len(values) and any(isinstance(value, str) for value in place):
        return {"of": list(place), "at": [place[value] for value in values]}
    return values


def first(told: dict[str, Any], name: str) -> Any:
    """Give the first value of a column of `packed`; None where there is no row."""
    if not told["rows"]:
        return None
    column = told["columns"][name]
    if isinstance(column, dict):
        return column["all"] if "all" in column else column["of"][column["at"][0]]
    return column[0]

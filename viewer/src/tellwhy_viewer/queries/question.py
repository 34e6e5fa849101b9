"""A question: SQL text with its parameters named."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Query:
    """One question: a name, what it is for, the text, and the names of ``$1``, ``$2``, … in order."""

    name: str
    purpose: str
    params: tuple[str, ...]
    sql: str

    def written(self, **values: Any) -> str:
        """Give the text with its *values* written in, for a person who wants to go on from it.

        Raises:
            TypeError: as `bind`.
        """
        bound = self.bind(**values)
        return re.sub(r"\$(\d+)", lambda at: _literal(bound[int(at[1]) - 1]), self.sql).strip()

    def bind(self, **values: Any) -> list[Any]:
        """Give the parameter list for *values*.

        Raises:
            TypeError: a parameter is missing or unknown; the caller is wrong.
        """
        if set(values) != set(self.params):
            raise TypeError(f"{self.name} takes {self.params}, got {tuple(values)}.")
        return [values[name] for name in self.params]


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"

"""A question: SQL text with its parameters named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Query:
    """One question: a name, what it is for, the text, and the names of ``$1``, ``$2``, … in order."""

    name: str
    purpose: str
    params: tuple[str, ...]
    sql: str

    def bind(self, **values: Any) -> list[Any]:
        """Give the parameter list for *values*.

        Raises:
            TypeError: a parameter is missing or unknown; the caller is wrong.
        """
        if set(values) != set(self.params):
            raise TypeError(f"{self.name} takes {self.params}, got {tuple(values)}.")
        return [values[name] for name in self.params]

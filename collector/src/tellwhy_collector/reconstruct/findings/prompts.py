"""Reads what prompts say, each text once: calls of one run share their instructions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tellwhy_collector.reconstruct.contexts import Context
from tellwhy_collector.reconstruct.turns import plain

ASKING = ("user", "system", "developer")
"""Roles whose messages instruct."""


class Prompts:
    """What *read* finds in the texts that instruct the models of one run."""

    def __init__(self, read: Callable[[str], Iterable[str]]) -> None:
        self._read = read
        self._known: dict[int, list[str]] = {}

    def of(self, context: Context | None) -> list[str]:
        """What is found in the instructions of a call and in its new messages."""
        if context is None:
            return []
        parts = [p for m in context.new if m.get("role") in ASKING for p in m.get("parts") or ()]
        return [*self._found(parts), *self._in_instructions(context.system)]

    def _in_instructions(self, system: Any) -> list[str]:
        if not isinstance(system, list):
            return []
        if id(system) not in self._known:
            self._known[id(system)] = self._found(system)
        return self._known[id(system)]

    def _found(self, parts: Iterable[Any]) -> list[str]:
        texts = (p for p in parts if isinstance(p, dict) and p.get("type", "text") == "text")
        return [one for part in texts for one in self._read(plain(part.get("content")))]

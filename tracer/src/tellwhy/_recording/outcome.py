"""What a tool gave back, so that a replay can give it back again without running the tool."""

from __future__ import annotations

import json
from typing import Any

from tellwhy import _settings
from tellwhy._recording.lane import number as lane_number
from tellwhy._recording.values import CannotKeep, kept


class Outcome:
    """Of one call of a tool."""

    __slots__ = ("_found", "_items", "_lane", "_left")

    def __init__(self, *, is_block: bool = False) -> None:
        """Begin with the call.

        Args:
            is_block: It is a ``with`` block, whose body no replay can leave out.
        """
        self._lane = lane_number()
        self._left = _settings.current().max_exchange_bytes
        self._found: dict[str, str] = {"block": "true"} if is_block else {}
        self._items: list[str] | None = None

    def yields(self) -> None:
        """It is a generator."""
        self._items = []

    def item(self, value: Any) -> None:
        """A generator yields *value*; read now, because the caller may change it."""
        text = self._kept(value)
        if text is not None and self._items is not None:
            self._items.append(text)

    def returned(self, value: Any, shown: str | None = None) -> None:
        """It gave *value*; *shown* is what the step says of it, which may be enough."""
        text = self._kept(value)
        if text is not None:
            # The same text need not be kept twice.
            self._found["value"] = '{"$":"shown"}' if text == shown and len(text) > 32 else text

    def failed(self, error: BaseException) -> None:
        """It raised *error*."""
        text = self._kept(error)
        if text is not None:
            self._found["error"] = text

    def told(self) -> str:
        """JSON text: ``lane``, and ``value``, ``error``, ``items``, ``block`` or ``unkept``."""
        found = {"lane": str(self._lane), **self._found}
        if self._items is not None:
            found["items"] = f"[{','.join(self._items)}]"
        return "{" + ",".join(f'"{name}":{text}' for name, text in found.items()) + "}"

    def _kept(self, value: Any) -> str | None:
        if "unkept" in self._found:
            return None
        try:
            text = kept(value, self._left)
        except CannotKeep as reason:
            self._found["unkept"] = json.dumps(str(reason), ensure_ascii=False)
            return None
        self._left -= len(text)
        return text

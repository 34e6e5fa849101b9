"""What a generator yielded, written down while it passes, in bounded memory."""

from __future__ import annotations

import json
from typing import Any

from tellwhy import _attributes as names
from tellwhy._capture import to_json
from tellwhy._guard import guarded
from tellwhy._settings import current as current_settings
from tellwhy._spans import OpenStep


class Yielded:
    """Text pieces are joined, as a streamed answer is; other items become a list."""

    __slots__ = ("_count", "_items", "_left", "_only_text", "_step")

    def __init__(self, step: OpenStep) -> None:
        self._step = step
        self._count = 0
        self._items: list[str] = []
        self._only_text = True
        recording = step.span.is_recording() and current_settings().captures_content
        self._left = current_settings().max_value_bytes if recording else 0

    def add(self, item: Any) -> None:
        """Note one item; it is read now, because the caller may change it afterwards."""
        self._count += 1
        if self._left <= 0:
            return
        with guarded("recording a yielded item"):
            is_text = type(item) is str
            if not is_text and self._only_text:
                self._items = [json.dumps(text, ensure_ascii=False) for text in self._items]
                self._only_text = False
            piece = item[: self._left] if is_text and self._only_text else to_json(item)
            self._left -= len(piece) + 1
            self._items.append(piece)

    def finish(self, returned: Any = None, *, left_early: bool = False) -> None:
        """Write the output on the step's span."""
        with guarded("recording what was yielded"):
            span = self._step.span
            if not span.is_recording():
                return
            span.set_attribute(names.ITEMS, self._count)
            if left_early:
                span.set_attribute(names.LEFT_EARLY, value=True)
            if not self._items and returned is not None:
                self._step.result(returned)
            elif self._items:
                self._step.result_json(self._as_json())

    def _as_json(self) -> str:
        missing = self._count - len(self._items)
        if self._only_text:
            text = "".join(self._items)
            # Once more as a whole: a secret may have come in two pieces.
            return to_json(f"{text}… [{missing:,} more items]" if missing else text)
        more = [json.dumps(f"… [{missing:,} more items]", ensure_ascii=False)] if missing else []
        return f"[{','.join([*self._items, *more])}]"

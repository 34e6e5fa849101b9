"""What a call was asked, told as what is new since the call before in the same file.

Every request repeats the conversation so far. To tell all of it with each call would make an import
grow with the square of a session's length, and cut what is longest where it is newest: at its end.
The collector puts the whole together again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from tellwhy import _attributes as names


class Since(NamedTuple):
    """Which part of a request is told."""

    kept: int
    """So many messages from the front stand in the call before; 0 when all are told."""
    same_framing: bool
    """Whether system prompt and tools are those of the call before, and are not told again."""
    attributes: dict[str, Any]
    """What says so."""


WHOLE = Since(0, same_framing=False, attributes={})


class GoingOn:
    """The call that was told last."""

    def __init__(self) -> None:
        self._span_id: str | None = None
        self._messages: Sequence[Any] = ()
        self._framing: Sequence[Any] = ()

    def since(self, span_id: str, messages: Sequence[Any], framing: Sequence[Any]) -> Since:
        """What of a request is to be told, which is the last one from now on.

        Args:
            span_id: The call that is about to be told.
            messages: All that it was asked; a message is known again by being the same object.
            framing: System prompt and tools.
        """
        before, old, frame = self._span_id, self._messages, self._framing
        self._span_id, self._messages, self._framing = span_id, messages, framing
        kept = 0
        for one, other in zip(old, messages[:-1], strict=False):
            if one is not other:
                break
            kept += 1
        same = list(frame) == list(framing)
        # What is absent is taken from the call before, so nothing can be told to be gone.
        gone = any(was and not now for was, now in zip(frame, framing, strict=False))
        if before is None or not kept or gone:
            return WHOLE
        found = {names.INPUT_GOES_ON_FROM: before, names.INPUT_KEPT: kept}
        return Since(kept, same, found)

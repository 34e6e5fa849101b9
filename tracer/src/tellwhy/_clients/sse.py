"""Server-sent events out of a byte stream that may be cut at any byte.

Source: WHATWG HTML, "Server-sent events", parsing an event stream. Only the data of an event is
given: the providers repeat an event's name inside it.
"""

from __future__ import annotations

MAX_EVENT_BYTES = 64 * 1024 * 1024
"""An event that grows past this is given up; a stream that never ends one may not fill memory."""


class EventReader:
    """Feed it chunks as they arrive; it gives the data of the events that are complete."""

    __slots__ = ("_held", "_size", "overflowed")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self.overflowed = False
        """Whether an event was given up because it was too large."""

    def feed(self, chunk: bytes) -> list[str]:
        """The data of every event that *chunk* completes, in order."""
        self._held.append(chunk)
        self._size += len(chunk)
        # An event ends at an empty line: without a line end there is nothing to look for, and
        # joining only then keeps a large event in small chunks linear.
        if b"\n" not in chunk and b"\r" not in chunk:
            if self._size > MAX_EVENT_BYTES:
                self._held, self._size, self.overflowed = [], 0, True
            return []
        text = b"".join(self._held)
        held_back = b""
        if b"\r" in text:
            if text.endswith(b"\r"):  # its \n may be the first byte of the next chunk
                text, held_back = text[:-1], b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *blocks, rest = text.split(b"\n\n")
        self._held = [rest + held_back]
        self._size = len(self._held[0])
        return [data for block in blocks if (data := _data(block)) is not None]

    def flush(self) -> list[str]:
        """The data of a last event whose empty line never came."""
        text = b"".join(self._held).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        self._held, self._size = [], 0
        data = _data(text)
        return [] if data is None else [data]


def _data(block: bytes) -> str | None:
    """The ``data`` lines of one event, joined; None when it has none."""
    found: list[bytes] = []
    for line in block.split(b"\n"):
        if line.startswith(b"data:"):
            found.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            found.append(b"")
    return b"\n".join(found).decode("utf-8", "replace") if found else None

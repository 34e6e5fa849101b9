"""Events out of Amazon's binary framing, in which Bedrock streams a model's answer.

Source: "Amazon event stream encoding" of the AWS documentation: total length, header length and a
checksum (4 bytes each, big-endian), headers, payload, checksum. The payload of a model that was
invoked is ``{"bytes": base64 of one event}``; Converse has the event itself, and its kind in a header.
"""

from __future__ import annotations

import base64
import json

PRELUDE = 12
"""Bytes before the headers."""

CHECKSUM = 4
"""Bytes behind the payload. The host's own decoder verifies it; we only watch."""

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A length past this is no frame: the rest of the stream is not read."""


class FrameReader:
    """Feed it chunks as they arrive; it gives the events that are complete, as JSON text."""

    __slots__ = ("_broken", "_held")

    def __init__(self) -> None:
        self._held = b""
        self._broken = False

    def feed(self, chunk: bytes) -> list[str]:
        """The JSON of every event that *chunk* completes, in order."""
        found: list[str] = []
        self._held += b"" if self._broken else chunk
        while len(self._held) >= PRELUDE:
            total = int.from_bytes(self._held[:4], "big")
            if not PRELUDE + CHECKSUM <= total <= MAX_FRAME_BYTES:
                self._broken, self._held = True, b""
                break
            if len(self._held) < total:
                break
            frame, self._held = self._held[:total], self._held[total:]
            headers = int.from_bytes(frame[4:8], "big")
            found.append(
                _event(
                    frame[PRELUDE + headers : -CHECKSUM], _texts(frame[PRELUDE : PRELUDE + headers])
                )
            )
        return found

    def flush(self) -> list[str]:
        """Nothing: a frame that is not whole holds no event."""
        self._held = b""
        return []


SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Type of a header's value -> bytes of it; 6 and 7 have their length in front."""

TEXT = 7
"""Type of a header whose value is a text."""


def _texts(data: bytes) -> dict[str, str]:
    """The headers of an event that are texts; as far as they can be read."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        end = at + 1 + data[at]
        name, kind = (
            data[at + 1 : end].decode("utf-8", "replace"),
            data[end] if end < len(data) else -1,
        )
        at = end + 1
        if kind in SIZES:
            at += SIZES[kind]
            continue
        if kind not in (6, TEXT):
            break
        length = int.from_bytes(data[at : at + 2], "big")
        if kind == TEXT:
            found[name] = data[at + 2 : at + 2 + length].decode("utf-8", "replace")
        at += 2 + length
    return found


def _event(payload: bytes, headers: dict[str, str]) -> str:
    """The event inside a payload; Bedrock's exceptions in the shape of an error event."""
    try:
        outer = json.loads(payload)
        if "bytes" in outer:
            return base64.b64decode(outer["bytes"]).decode("utf-8", "replace")
        if headers.get(":event-type", "chunk") != "chunk" and isinstance(outer, dict):
            return json.dumps({**outer, "type": headers[":event-type"]})
    except (ValueError, TypeError):
        return ""
    kind = headers.get(":exception-type", "bedrock_exception")
    message = str(outer.get("message") or outer) if isinstance(outer, dict) else str(outer)
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}})

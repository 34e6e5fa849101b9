"""Events out of Amazon's binary framing, in which Bedrock streams a model's answer.

Source: "Amazon event stream encoding" of the AWS documentation: total length, header length and a
checksum (4 bytes each, big-endian), headers, payload, checksum. Bedrock's payload is
``{"bytes": base64 of one event}``.
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
            found.append(_event(frame[PRELUDE + headers : -CHECKSUM]))
        return found

    def flush(self) -> list[str]:
        """Nothing: a frame that is not whole holds no event."""
        self._held = b""
        return []


def _event(payload: bytes) -> str:
    """The event inside a payload; Bedrock's exceptions in the shape of an error event."""
    try:
        outer = json.loads(payload)
        if "bytes" in outer:
            return base64.b64decode(outer["bytes"]).decode("utf-8", "replace")
    except (ValueError, TypeError):
        return ""
    message = str(outer.get("message") or outer) if isinstance(outer, dict) else str(outer)
    return json.dumps({"type": "error", "error": {"type": "bedrock_exception", "message": message}})

"""Reads a copy of a response body while the host reads it: JSON or events, packed or not."""

from __future__ import annotations

import json
import sys
import zlib
from typing import Any

from tellwhy._clients.aws_events import FrameReader
from tellwhy._clients.openai_chat import Assembler as ChatAssembler
from tellwhy._clients.routes import Format
from tellwhy._clients.sse import EventReader
from tellwhy._guard import guarded
from tellwhy._recording.exchange import Exchange

_unpacking = guarded("reading a refusal")

MAX_JSON_BYTES = 64 * 1024 * 1024
"""A JSON body that the host streams is kept up to this; past it, it is not read."""


class Body:
    """One streamed response body."""

    __slots__ = ("_assembler", "_events", "_held", "_size", "_unpack", "broke", "unread")

    def __init__(self, spoken: Format, headers: Any, library: str) -> None:
        """Take the body of a response with *headers*, made by *library* (httpx or httpx2)."""
        kind = headers.get("content-type", "")
        self._assembler = spoken.assembler() if spoken.assembler else None
        self._events: EventReader | FrameReader | None = None
        if self._assembler is not None and "event-stream" in kind:
            self._events = EventReader()
        elif self._assembler is not None and "amazon.eventstream" in kind:
            self._events = FrameReader()
        self._unpack = _decoder(headers.get("content-encoding", ""), library)
        self._held: list[bytes] = []
        self._size = 0
        self.broke = False
        """Whether an error came in place of an event: nothing follows it."""
        self.unread = 0
        """Events that are not shaped as the provider documents them."""

    @property
    def done(self) -> bool:
        """Whether the whole answer was seen; the connection may still be open."""
        return self._events is not None and self._assembler is not None and self._assembler.done

    def is_unpacked(self) -> None:
        """The bytes that come have been unpacked already."""
        self._unpack = None

    def feed(self, chunk: bytes) -> bytes:
        """Take the next raw bytes; gives them unpacked."""
        if self._unpack is not None:
            unpacked = self._unpack.decode(chunk)
            # httpx gives bytes, httpx2 an iterator of them.
            chunk = unpacked if isinstance(unpacked, bytes) else b"".join(unpacked)
        if self._events is not None:
            for data in self._events.feed(chunk):
                self._event(data)
        elif self._size <= MAX_JSON_BYTES:
            self._held.append(chunk)
            self._size += len(chunk)
        return chunk

    def finish(self) -> bool:
        """No more bytes come; True when the answer is whole all the same."""
        if self._events is None or self._assembler is None:
            return self._size <= MAX_JSON_BYTES and self.result() is not None
        for data in self._events.flush():
            self._event(data)
        return self._assembler.whole

    def result(self) -> dict[str, Any] | None:
        """The answer so far, as the JSON body that would hold it; None when it cannot be read."""
        if self._events is not None and self._assembler is not None:
            return self._assembler.result()
        try:
            found = json.loads(b"".join(self._held))
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _event(self, data: str) -> None:
        if data.startswith("[DONE]"):
            if isinstance(self._assembler, ChatAssembler):
                self._assembler.end()
            return
        try:
            event = json.loads(data)
            if isinstance(event, dict) and self._assembler is not None:
                self._assembler.add(event)
                self.broke = self.broke or event.get("type") == "error"
        except (ValueError, TypeError, LookupError, AttributeError):
            self.unread += 1


class UnpackedExchange:
    """Hands the chunks of a packed body to an exchange, unpacked."""

    def __init__(self, exchange: Exchange, headers: Any, library: str) -> None:
        self._exchange = exchange
        self._unpack = _decoder(headers.get("content-encoding", ""), library)

    @property
    def ended(self) -> bool:
        """Nothing is to be done for a stream that is dropped."""
        return True

    def chunk(self, data: bytes) -> None:
        """Raw bytes pass by."""
        with _unpacking:
            if self._unpack is not None:
                unpacked = self._unpack.decode(data)
                data = unpacked if isinstance(unpacked, bytes) else b"".join(unpacked)
            self._exchange.chunk(data)

    def stream_ended(self, error: BaseException | None = None) -> None:
        """The body has ended."""
        if error is not None:
            self._exchange.failed(error)


class _Zlib:
    """gzip and deflate without the HTTP library."""

    def __init__(self, encoding: str) -> None:
        bits = zlib.MAX_WBITS | 16 if encoding == "gzip" else zlib.MAX_WBITS
        self._inflate = zlib.decompressobj(bits)

    def decode(self, data: bytes) -> bytes:
        return self._inflate.decompress(data)


def _decoder(encoding: str, library: str) -> Any:
    """What unpacks a body; None for one that is not packed."""
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return None
    # The library knows brotli and zstd if the host has them; it asked for what it knows.
    decoders = getattr(sys.modules.get(f"{library}._decoders"), "SUPPORTED_DECODERS", {})
    made = decoders.get(encoding)
    return made() if made is not None else _Zlib(encoding)

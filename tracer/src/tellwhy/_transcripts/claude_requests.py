"""The exact requests of Claude Code, put together again from the pieces in its transcripts.

2.1.330 writes what system prompt and tools were (``api-request-shape``), each message once under its
hash (``api-request-blob``), and for each request which messages of an earlier one it keeps and which
follow (``api-request``). 2.1.197 writes none of it: then the conversation so far is all that is known.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any, NamedTuple

Line = dict[str, Any]

NEWEST = 16
"""Requests whose messages are held as a list; one that goes on mostly does so from the last."""

KEPT = ("base", "keep", "tail", "params", "shapeHash", "requestDigest")
"""What is held of every line of a request."""

EXACT, CONVERSATION = "exact", "conversation"
"""How well a request is known: byte for byte in its meaning, or from what was said before it."""


class Request(NamedTuple):
    """One request as it was sent."""

    body: dict[str, Any]
    """Of ``POST /v1/messages``."""
    known: str
    """`EXACT` or `CONVERSATION`."""
    start_ns: int | None
    """When its first attempt was sent."""


def hash_of(message: Any) -> str:
    """The hash under which Claude Code refers to a message."""
    text = json.dumps(message, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class Requests:
    """Everything that a transcript has said of requests so far."""

    def __init__(self) -> None:
        self._shapes: dict[str, dict[str, Any]] = {}
        self._blobs: dict[str, Any] = {}
        self._lines: dict[str, Line] = {}
        self._hashes: dict[str, list[str]] = {}
        """Of the newest requests; each of all would be the square of the session."""
        self._first_ns: dict[str, int] = {}

    def shape(self, line: Line) -> None:
        """System prompt and tools, under their hash."""
        shape, key = line.get("shape"), line.get("shapeHash")
        if isinstance(shape, dict) and isinstance(key, str):
            self._shapes[key] = shape

    def blob(self, line: Line) -> None:
        """One message, under its hash."""
        message, key = line.get("message"), line.get("hash")
        if isinstance(message, dict) and isinstance(key, str):
            self._blobs[key] = message

    def message(self, role: str, content: Any) -> None:
        """A message of the conversation itself: it is a blob that is not written again."""
        forms = [content]
        if isinstance(content, str):
            forms.append([{"type": "text", "text": content}])
        for form in forms:
            message = {"role": role, "content": form}
            self._blobs.setdefault(hash_of(message), message)

    def request(self, line: Line, time_ns: int | None) -> None:
        """One attempt of one request."""
        own = line.get("id")
        if not isinstance(own, str):
            return
        self._lines[own] = {key: line.get(key) for key in KEPT}
        self._hashes[own] = self._hashes_of(own)
        if len(self._hashes) > NEWEST:
            del self._hashes[next(iter(self._hashes))]
        before = self._lines.get(str(line.get("base")))
        again = before is not None and before.get("requestDigest") == line.get("requestDigest")
        first = self._first_ns.get(str(line.get("base"))) if again else None
        if first is None:
            first = time_ns
        if first is not None:
            self._first_ns[own] = first

    def _hashes_of(self, own: str) -> list[str]:
        """Its messages: what each request on the way back to a known one has put in front."""
        way: list[Line] = []
        at: str | None = own
        while at is not None and at not in self._hashes and at in self._lines:
            way.append(self._lines[at])
            before = way[-1]["base"]
            at = before if isinstance(before, str) and len(way) <= len(self._lines) else None
        found = self._hashes.get(at, []) if at is not None else []
        for line in reversed(way):
            keep, tail = line["keep"], line["tail"]
            front = found[: keep if isinstance(keep, int) else 0]
            found = front + (list(map(str, tail)) if isinstance(tail, list) else [])
        return found

    def of(self, reference: Any, conversation: list[Line]) -> Request:
        """The request with that id; the *conversation* in its place where it is not known."""
        line = self._lines.get(reference) if isinstance(reference, str) else None
        if line is None:
            return Request({"messages": list(conversation)}, CONVERSATION, None)
        hashes = self._hashes.get(reference) or self._hashes_of(reference)
        body = dict(line.get("params") or {}) | self._shapes.get(str(line.get("shapeHash")), {})
        start_ns = self._first_ns.get(reference)
        if all(each in self._blobs for each in hashes):
            body["messages"] = [self._blobs[each] for each in hashes]
            return Request(body, EXACT, start_ns)
        body["messages"] = list(conversation)
        return Request(body, CONVERSATION, start_ns)

"""Bytes, images and base64 text → a line that says what they were, without their content."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

MAX_HASHED_BYTES = 16_777_216
"""Longer ones are described without a hash, to keep the agent moving."""

SHORTEST_BASE64 = 512
"""Shorter text is kept as it is."""

MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"PK\x03\x04", "application/zip"),
)
"""First bytes -> media type."""

_BASE64_MAGIC = (
    "UklGR",  # RIFF: WebP and WAV
    *(base64.b64encode(magic).decode()[: len(magic) * 4 // 3] for magic, _ in MAGIC),
)
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}\s*")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*;base64,")


def blob(data: bytes | bytearray | memoryview, mime_type: str | None = None) -> dict[str, Any]:
    """Type, length and hash of *data*, in the shape of a GenAI ``blob`` part without content.

    Returns:
        ``{"type": "blob", "mime_type", "modality", "bytes", "sha256"}``; *sha256* is lower-case
        hex and absent above `MAX_HASHED_BYTES`.
    """
    head = bytes(data[:16]) if not isinstance(data, memoryview) else data[:16].tobytes()
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    mime_type = mime_type or _sniff(head)
    described: dict[str, Any] = {
        "type": "blob",
        "mime_type": mime_type,
        "modality": _modality(mime_type),
        "bytes": size,
    }
    if size <= MAX_HASHED_BYTES:
        described["sha256"] = hashlib.sha256(data).hexdigest()
    return described


def as_blob(
    text: str, mime_type: str | None = None, *, is_base64: bool = False
) -> dict[str, Any] | None:
    """The `blob` that *text* encodes: a ``data:`` address or base64 of a known file type.

    Args:
        text: Any text.
        mime_type: What it is, if somebody said so.
        is_base64: Whether it stands where only base64 stands, so that its type need not be known.

    Returns:
        None when *text* is text.
    """
    if len(text) < SHORTEST_BASE64:
        return None
    start = 0
    if text.startswith("data:"):
        address = _DATA_URL.match(text)
        if address is None:
            return None
        mime_type, start = mime_type or address[1], address.end()
    elif not is_base64 and not text.startswith(_BASE64_MAGIC):
        return None
    if _BASE64.fullmatch(text, start) is None:
        return None
    return _decoded(text[start:].strip(), mime_type)


def _decoded(text: str, mime_type: str | None) -> dict[str, Any] | None:
    if len(text) > MAX_HASHED_BYTES * 4 // 3:
        kind = mime_type or "application/octet-stream"
        size = len(text) * 3 // 4
        return {"type": "blob", "mime_type": kind, "modality": _modality(kind), "bytes": size}
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        data = base64.b64decode(padded.translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        return None
    return blob(data, mime_type)


_URL_SAFE = str.maketrans("-_", "+/")


def _sniff(head: bytes) -> str:
    if head[:4] == b"RIFF":
        return "image/webp" if head[8:12] == b"WEBP" else "audio/wav"
    return next((kind for magic, kind in MAGIC if head.startswith(magic)), _OCTETS)


_OCTETS = "application/octet-stream"


def _modality(mime_type: str) -> str:
    family = mime_type.partition("/")[0]
    return family if family in {"image", "audio", "video"} else "document"

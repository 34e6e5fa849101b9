"""What makes two calls the same: exactly, or but for ids, times and temporary paths."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from typing import Any

NEVER_STEER = frozenset({"metadata", "user", "prompt_cache_key", "safety_identifier"})
"""Fields of a request that say who asks or what to cache, and never what comes of it."""

MASKS: tuple[tuple[str, str], ...] = (
    ("uuid", r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
    (
        "time",
        r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?",
    ),
    ("clock", r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b"),
    ("epoch", r"\b1[5-9]\d{8}(?:\d{3}|\d{6}|\d{9})?(?:\.\d+)?\b"),
    ("hex", r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{16,}\b"),
    (
        "path",
        rf"(?:{re.escape(tempfile.gettempdir())}|/tmp|/var/tmp|/var/folders)/[^\s\"'\\<>|]+",
    ),
    ("address", r"\b0x[0-9a-f]{6,16}\b"),
)
"""Name and pattern of what differs from run to run and says nothing."""

_MASKED = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in MASKS))


def canonical(body: Any) -> str:
    """A request's body or a tool's arguments in the one way to write it."""
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in NEVER_STEER}
    return canonical_json(body)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def exact(*parts: str) -> str:
    """The hash of a call."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()


def masked(text: str) -> str:
    """*text* with what differs from run to run replaced by what it is."""
    return _MASKED.sub(lambda found: f"<{found.lastgroup}>", text)

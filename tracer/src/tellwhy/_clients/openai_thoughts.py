"""What the model thought, as servers that speak chat completions say it: each in its own way.

DeepSeek, vLLM and Groq put a text beside the content (``reasoning_content`` or ``reasoning``).
OpenRouter adds ``reasoning_details``: pieces with signatures, or encrypted ones without text.
Mistral mixes thinking into the content, in whole answers and in the pieces of a stream.
"""

from __future__ import annotations

from typing import Any

from tellwhy._clients.messages import Part, reasoning_part
from tellwhy._clients.pieces import grow

TEXTS = ("text", "summary", "data")
"""Fields of a detail that grow in a stream."""


def thought_parts(message: dict[str, Any]) -> list[Part]:
    """The reasoning of a message, without what stands in its content."""
    text = message.get("reasoning_content") or message.get("reasoning") or ""
    details = message.get("reasoning_details") or ()
    if not text and not details:
        return []
    details = [each for each in details if isinstance(each, dict)]
    signed = [each for each in details if each.get("signature")]
    if len(signed) > 1:
        # A signature vouches for its own piece only.
        parts = [reasoning_part(_text(each), each.get("signature")) for each in details]
        parts = [part for part in parts if part["content"] or "signature" in part]
    else:
        said = str(text) or "".join(_text(each) for each in details)
        parts = [reasoning_part(said, signed[0]["signature"] if signed else None)]
    hidden = sum(len(each.get("data") or "") for each in details)
    if hidden:
        parts[-1]["encrypted_bytes"] = hidden
    return [part for part in parts if part["content"] or len(part) > 2]


def thinking_part(part: dict[str, Any]) -> Part:
    """A piece of thinking in the content of a message (Mistral)."""
    return reasoning_part(_inner(part))


def grow_content(message: dict[str, Any], content: list[Any]) -> None:
    """Add the pieces of a streamed content that is a list; texts and thinking each grow together."""
    for part in content:
        if not isinstance(part, dict):
            continue
        if part.get("type") == "thinking":
            grow(message, "reasoning", _inner(part))
        elif isinstance(part.get("text"), str):
            grow(message, "content", part["text"])


def grow_details(message: dict[str, Any], pieces: list[Any]) -> None:
    """Add streamed ``reasoning_details``; pieces of one index and type are one detail."""
    details = message.setdefault("reasoning_details", [])
    for piece in pieces:
        if not isinstance(piece, dict):
            continue
        last = details[-1] if details else None
        if last is None or any(last.get(key) != piece.get(key) for key in ("index", "type")):
            details.append({**piece})
            continue
        for key, value in piece.items():
            if key in TEXTS and isinstance(value, str):
                grow(last, key, value)
            elif value is not None:
                last[key] = value


def _text(detail: dict[str, Any]) -> str:
    return str(detail.get("text") or detail.get("summary") or "")


def _inner(part: dict[str, Any]) -> str:
    inner = part.get("thinking") or []
    if isinstance(inner, str):
        return inner
    return "".join(str(each.get("text") or "") for each in inner if isinstance(each, dict))

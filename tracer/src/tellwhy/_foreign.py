"""Spans of other instrumentors, redacted as ours are before they leave the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tellwhy import _redact


def attributes(said: Mapping[str, Any]) -> dict[str, Any]:
    """*said* without secrets."""
    return {name: _value(name, value) for name, value in said.items()}


def text(said: str) -> str:
    """*said* without secrets."""
    return _redact.text(said)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        last = name.rpartition(".")[2]
        if _redact.hides(last, value):
            return _redact.REPLACED
        clean = _redact.text(value, last)
        return value if clean == value else clean
    if isinstance(value, Mapping):
        return {key: _value(str(key), item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_value(name, item) for item in value]
    return value

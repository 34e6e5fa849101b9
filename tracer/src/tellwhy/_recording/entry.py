"""Which function a run began with, and what it was given: how a test calls it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tellwhy import _attributes as names
from tellwhy import _provider, _recording, _settings
from tellwhy._recording.values import CannotKeep, kept


def tell_entry(
    span: Any, function: Callable[..., Any], arguments: Mapping[str, Any] | None
) -> None:
    """Say of an outermost agent's span which function it is."""
    if not _recording.is_on():
        return
    code = getattr(function, "__code__", None)
    address = f"{function.__module__}:{getattr(function, '__qualname__', '')}"
    said = {"function": json.dumps(address), "file": json.dumps(getattr(code, "co_filename", ""))}
    try:
        limit = _settings.current().max_exchange_bytes
        said["arguments"] = kept(dict(arguments or {}), limit)
    except CannotKeep as reason:
        said["unkept"] = json.dumps(str(reason), ensure_ascii=False)
    text = ",".join(f'"{name}":{value}' for name, value in said.items())
    _provider.tell_aside(span, {names.ENTRY: f"{{{text}}}"})

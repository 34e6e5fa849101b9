"""One span that a transcript tells of, and its OTLP bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from tellwhy import _attributes as names
from tellwhy import _otlp, _redact
from tellwhy._capture import bounded, to_json
from tellwhy._settings import current as current_settings
from tellwhy._version import __version__

SCOPE = "tellwhy.transcript"
"""Instrumentation scope of these spans; the collector's dialect ``transcript`` reads them."""

INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions"
TOOL_DEFINITIONS = "gen_ai.tool.definitions"

CONTENT = frozenset(
    [
        names.INPUT,
        names.OUTPUT,
        INPUT_MESSAGES,
        OUTPUT_MESSAGES,
        SYSTEM_INSTRUCTIONS,
        TOOL_DEFINITIONS,
        names.TOOL_CALL_ARGUMENTS,
        names.TOOL_CALL_RESULT,
        names.REQUEST_PARAMETERS,
    ]
)
"""Attributes that are left out where content is not recorded."""

_ERROR = 2


class Failure(NamedTuple):
    """How a step failed."""

    kind: str
    message: str


class Told(NamedTuple):
    """One finished step."""

    trace_id: str
    span_id: str
    parent_id: str | None
    name: str
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Any]
    """Texts, numbers and lists of texts; values of `CONTENT` are any JSON."""
    failure: Failure | None = None


def derived_id(*parts: object, size_bytes: int = 8) -> str:
    """An id in lower-case hex that hangs on *parts* alone.

    The collector derives ids of events without a trace in the same way: what both tell of one prompt
    stands in one trace. A contract test proves it.
    """
    told = "\x1f".join("" if part is None else str(part) for part in parts)
    digest = hashlib.blake2b(told.encode(errors="replace"), digest_size=size_bytes)
    return digest.hexdigest()


def nanoseconds(timestamp: Any) -> int | None:
    """An ISO time as Unix nanoseconds; None for anything else."""
    if not isinstance(timestamp, str):
        return None
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    # In two parts: a float holds no nanoseconds of today.
    return int(moment.replace(microsecond=0).timestamp()) * 10**9 + moment.microsecond * 1000


def request_bytes(told: Iterable[Told], service: str, version: str | None) -> bytes:
    """One ``ExportTraceServiceRequest``.

    Args:
        told: The spans.
        service: Name of the program that wrote the transcript.
        version: Its version.
    """
    resource = {"service.name": service, "telemetry.distro.name": "tellwhy"}
    if version:
        resource["service.version"] = version
    head: list[bytes] = []
    _otlp.attributes(head, b"\x0a", resource)
    scope = _otlp.text(b"\x0a", SCOPE) + _otlp.text(b"\x12", __version__)
    spans = b"".join(_otlp.message(b"\x12", _span(each)) for each in told)
    inner = _otlp.message(b"\x0a", b"".join(head)) + _otlp.message(
        b"\x12", _otlp.message(b"\x0a", scope) + spans
    )
    return _otlp.message(b"\x0a", inner)


def _span(told: Told) -> bytes:
    parts = [
        b"\x0a\x10", bytes.fromhex(told.trace_id), b"\x12\x08", bytes.fromhex(told.span_id),
    ]  # fmt: skip
    if told.parent_id:
        parts += [b"\x22\x08", bytes.fromhex(told.parent_id)]
    parts += [_otlp.text(b"\x2a", bounded(told.name, 256)), b"\x30\x01"]
    parts += [b"\x39", _otlp.fixed(told.start_ns), b"\x41", _otlp.fixed(told.end_ns)]
    _otlp.attributes(parts, b"\x4a", _recordable(told.attributes))
    if told.failure is not None:
        words = bounded(told.failure.message, name="message")
        shown = words if current_settings().captures_content else ""
        _otlp.attributes(parts, b"\x4a", {names.ERROR_TYPE: _redact.label(told.failure.kind)})
        parts.append(_otlp.message(b"\x7a", _otlp.status(_ERROR, shown or told.failure.kind)))
    return b"".join(parts)


def _recordable(found: Mapping[str, Any]) -> dict[str, Any]:
    """Redacted and bounded; without content where that is not to be recorded."""
    shows = current_settings().captures_content
    kept: dict[str, Any] = {}
    for name, value in found.items():
        if value is None or (name in CONTENT and not shows):
            continue
        if name in CONTENT:
            kept[name] = to_json(value)
        elif isinstance(value, str):
            kept[name] = bounded(value, 4_096, name)
        else:
            kept[name] = value
    return kept

"""Spans of other instrumentors, redacted as ours are before they leave the process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Status

from tellwhy import _redact


def redacted(span: ReadableSpan) -> ReadableSpan:
    """*span* itself when it holds no secret, else a copy without them."""
    attributes = _without_secrets(span.attributes or {})
    events = [_event(event) for event in span.events]
    name = _redact.text(span.name)
    status = _status(span.status)
    if attributes is None and not any(events) and status is span.status and name == span.name:
        return span
    return ReadableSpan(
        name=name,
        context=span.get_span_context(),
        parent=span.parent,
        resource=span.resource,
        attributes=_bounded(attributes or span.attributes, span.dropped_attributes),
        events=[changed or event for changed, event in zip(events, span.events, strict=True)],
        links=span.links,
        kind=span.kind,
        status=status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_secrets(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """A copy with every secret replaced; None when there is none."""
    changed = {}
    for name, value in attributes.items():
        clean = _value(name, value)
        if clean is not value:
            changed[name] = clean
    return {**attributes, **changed} if changed else None


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        last = name.rpartition(".")[2]
        if _redact.hides(last, value):
            return _redact.REPLACED
        clean = _redact.text(value, last)
        return value if clean == value else clean
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        items = [_value(name, item) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def _event(event: Event) -> Event | None:
    attributes = _without_secrets(event.attributes or {})
    if attributes is None:
        return None
    return Event(event.name, _bounded(attributes, event.dropped_attributes), event.timestamp)


def _status(status: Status) -> Status:
    """*status* itself, or one whose description, mostly an exception's text, holds no secret."""
    said = status.description
    clean = _redact.text(said) if said else said
    return status if clean == said else Status(status.status_code, clean)


def _bounded(attributes: Mapping[str, Any] | None, dropped: int) -> BoundedAttributes:
    """*attributes* with the SDK's own count of what it had to drop."""
    kept = BoundedAttributes(attributes=dict(attributes or {}))
    kept.dropped = dropped
    return kept

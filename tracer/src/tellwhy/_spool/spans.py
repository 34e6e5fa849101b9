"""A span as OTLP bytes in two parts: what is known when it starts, and what is new when it ends.

Protobuf takes a message that is followed by further fields of it as one message: the last value of
a single field holds, repeated fields grow. So an end is its start with something behind it, a lost
step is its start with an end behind it, and what only a tellwhy collector may see is put behind a
span when it is sent. Nothing is ever parsed.

Source:
    opentelemetry-proto 1.11, trace.proto; protobuf encoding, "Last One Wins".
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import Link, SpanContext

from tellwhy import _attributes as names
from tellwhy import _foreign, _otlp

_START_HEAD = struct.Struct("<I")
_END_HEAD = struct.Struct("<IQ")

KEY_BYTES = 28
"""A span message begins with its trace id and span id: so long are the two fields."""

NAME, END_TIME, ATTRIBUTE = b"\x2a", b"\x41", b"\x4a"
EVENT, LINK, STATUS = b"\x5a", b"\x6a", b"\x7a"
DROPPED_ATTRIBUTES, DROPPED_EVENTS, DROPPED_LINKS = b"\x50", b"\x60", b"\x70"

UNENDED = END_TIME + bytes(8)
"""How an aside begins of a span that has no end yet: nobody else is sent the span."""

HAS_ASIDE = 1 << 31
"""Bit of the carrier number that an end record begins with: an aside stands behind the span."""

_ASIDE_SIZE = struct.Struct("<I")
_ERROR = b"\x18\x02"
_ABSENT = object()


class Begun:
    """The start of a span, and what of it is needed when it ends."""

    __slots__ = ("attributes", "dropped", "links", "message", "name", "ours")

    def __init__(self, span: ReadableSpan, *, before: Begun | None = None) -> None:
        self.ours = is_ours(span)
        self.name = span.name
        # Who renames a span of ours is somebody else.
        named_by_us = self.ours and (before is None or before.name == self.name)
        self.attributes = {} if before else attributes_of(span)
        parts = _identity(span, _foreign.name(self.name, is_ours=named_by_us))
        self.dropped = _otlp.attributes(parts, ATTRIBUTE, self._clean(self.attributes))
        _otlp.count(parts, DROPPED_ATTRIBUTES, self.dropped)
        self.links = 0
        if links := _links_of(span):
            self.links = len(links)
            parts += self._links(links)
        self.message = b"".join(parts)
        """An OTLP span without end."""

    def ended(self, span: ReadableSpan) -> bytes:
        """The whole span, now that it has ended."""
        now, before = attributes_of(span), self.attributes
        new = {name: value for name, value in now.items() if before.get(name, _ABSENT) is not value}
        if len(now) != len(before) + len(new) or not new.keys().isdisjoint(before):
            # A name must not stand twice: with a changed value all are written anew.
            return Begun(span, before=self).followed_by_end(span, now)
        return self.followed_by_end(span, new)

    def followed_by_end(self, span: ReadableSpan, new: Mapping[str, Any]) -> bytes:
        """The start and behind it what is *new*, with the end."""
        parts = [self.message]
        if span.name != self.name:
            parts.append(_otlp.text(NAME, _foreign.text(span.name)))
        parts += (END_TIME, _otlp.fixed(span.end_time or 0))
        dropped = _otlp.attributes(parts, ATTRIBUTE, self._clean(new)) + self.dropped
        _otlp.count(parts, DROPPED_ATTRIBUTES, dropped + span.dropped_attributes)
        parts += [_otlp.message(EVENT, self._event(each)) for each in span.events]
        links = _links_of(span)
        if len(links) > self.links:
            parts += self._links(links[self.links :])
        _otlp.count(parts, DROPPED_EVENTS, span.dropped_events)
        _otlp.count(parts, DROPPED_LINKS, span.dropped_links)
        said = span.status.description
        if said:
            said = _foreign.message(said, new.get(names.ERROR_TYPE))
        parts.append(_otlp.message(STATUS, _otlp.status(span.status.status_code.value, said)))
        return b"".join(parts)

    def _event(self, event: Event) -> bytes:
        is_ours = self.ours and event.name == names.ATTEMPT_EVENT
        name = event.name if is_ours else _foreign.text(event.name)
        said = event.attributes or {}
        said = said if is_ours else _foreign.attributes(said)
        return _otlp.event(name, event.timestamp, said, event.dropped_attributes)

    def _links(self, links: Sequence[Link]) -> list[bytes]:
        return [
            _otlp.message(
                LINK,
                _otlp.link(
                    each.context,
                    self._clean(each.attributes),
                    each.dropped_attributes,
                    _state(each.context),
                ),
            )
            for each in links
        ]

    def _clean(self, attributes: Any) -> Any:
        if not attributes:
            return attributes
        return _foreign.on_ours(attributes) if self.ours else _foreign.attributes(attributes)


def is_ours(span: ReadableSpan) -> bool:
    """Whether *span* was redacted when it was made."""
    scope = span.instrumentation_scope
    return scope is not None and scope.name == names.SCOPE


def attributes_of(span: ReadableSpan) -> dict[str, Any]:
    """A copy of what *span* says now; its values are the span's own."""
    held = getattr(getattr(span, "_attributes", None), "_dict", None)
    # Copying a plain dict is one step, whatever other threads set meanwhile.
    return dict(held) if held is not None else dict(span.attributes or {})


def _links_of(span: ReadableSpan) -> Sequence[Link]:
    # Most spans have none, and the SDK's list takes half a microsecond to copy.
    held: Any = getattr(span, "_links", None)
    return span.links if held is None or len(held) else ()


def start_payload(carrier: int, message: bytes) -> bytes:
    """The payload of a start record."""
    return _START_HEAD.pack(carrier) + message


def end_payload(carrier: int, sequence: int, message: bytes, aside: bytes = b"") -> bytes:
    """The payload of an end record; *aside* is for tellwhy collectors alone."""
    if not aside:
        return _END_HEAD.pack(carrier, sequence) + message
    head = _END_HEAD.pack(carrier | HAS_ASIDE, sequence)
    return b"".join((head, _ASIDE_SIZE.pack(len(aside)), message, aside))


def started(payload: bytes) -> tuple[int, bytes]:
    """Carrier and message of a start record."""
    return _START_HEAD.unpack_from(payload)[0], payload[_START_HEAD.size :]


def ended(payload: bytes) -> tuple[int, int, bytes]:
    """Carrier, sequence number and message of an end record, without its aside."""
    carrier, sequence = _END_HEAD.unpack_from(payload)
    if not carrier & HAS_ASIDE:
        return carrier, sequence, payload[_END_HEAD.size :]
    (size,) = _ASIDE_SIZE.unpack_from(payload, _END_HEAD.size)
    begin = _END_HEAD.size + _ASIDE_SIZE.size
    return carrier ^ HAS_ASIDE, sequence, payload[begin : len(payload) - size]


def aside_of(payload: bytes) -> bytes:
    """What an end record holds for tellwhy collectors alone: attributes, as fields of the span."""
    carrier, _ = _END_HEAD.unpack_from(payload)
    if not carrier & HAS_ASIDE:
        return b""
    (size,) = _ASIDE_SIZE.unpack_from(payload, _END_HEAD.size)
    return payload[len(payload) - size :]


def aside(attributes: Mapping[str, Any]) -> bytes:
    """Attributes as fields that may stand behind a span."""
    parts: list[bytes] = []
    _otlp.attributes(parts, ATTRIBUTE, attributes)
    return b"".join(parts)


def key_of(message: bytes) -> bytes:
    """What tells a span from others."""
    return message[:KEY_BYTES]


def lost(message: bytes, reason: str, at_ns: int) -> bytes:
    """The final message of a span whose process ended before it did.

    Args:
        message: Its start.
        reason: ``killed``, ``exit`` or the name of a signal.
        at_ns: The last time at which the process was known to live.
    """
    said = f"The process ended before this step did ({reason})."
    status = _otlp.text(b"\x12", said) + _ERROR
    parts = [message, END_TIME, _otlp.fixed(at_ns), _otlp.message(STATUS, status)]
    facts = {names.ERROR_TYPE: "process_died", names.LOST: True, names.LOST_REASON: reason}
    _otlp.attributes(parts, ATTRIBUTE, facts)
    return b"".join(parts)


def left_open() -> bytes:
    """What stands behind a span that another process ends; for tellwhy collectors alone."""
    return UNENDED + aside({names.PENDING: True})


def with_attributes(message: bytes, attributes: Mapping[str, Any]) -> bytes:
    """*message* with more said about the span."""
    parts = [message]
    _otlp.attributes(parts, ATTRIBUTE, attributes)
    return b"".join(parts)


def request(spans: Iterable[tuple[int, bytes]], carriers: Mapping[int, bytes]) -> bytes:
    """One ``ExportTraceServiceRequest``.

    Args:
        spans: Carrier number and message of each.
        carriers: Carrier payloads by number; a span of an unknown one goes without resource.
    """
    by_carrier: dict[int, list[bytes]] = {}
    for carrier, message in spans:
        by_carrier.setdefault(carrier, []).append(_otlp.message(b"\x12", message))
    by_resource: dict[bytes, list[bytes]] = {}
    for carrier, messages in by_carrier.items():
        resource, scope = _parts_of(carriers.get(carrier, b""))
        scoped = _otlp.message(b"\x12", b"".join([scope, *messages]))
        by_resource.setdefault(resource, []).append(scoped)
    return b"".join(
        _otlp.message(b"\x0a", b"".join([resource, *scopes]))
        for resource, scopes in by_resource.items()
    )


def carrier_payload(number: int, span: ReadableSpan) -> bytes:
    """The payload of a carrier record: resource and scope of *span*."""
    resource, scope = span.resource, span.instrumentation_scope
    said: list[bytes] = []
    if resource is not None:
        clean = _foreign.resource(resource.attributes)
        _otlp.count(said, b"\x10", _otlp.attributes(said, b"\x0a", clean))
    first = [_otlp.message(b"\x0a", b"".join(said))]
    if resource is not None and resource.schema_url:
        first.append(_otlp.text(b"\x1a", resource.schema_url))
    told: list[bytes] = []
    if scope is not None:
        told += [_otlp.text(b"\x0a", _foreign.text(scope.name))] if scope.name else []
        told += [_otlp.text(b"\x12", scope.version)] if scope.version else []
        clean = _foreign.attributes(scope.attributes or {})
        _otlp.count(told, b"\x20", _otlp.attributes(told, b"\x1a", clean))
    second = [_otlp.message(b"\x0a", b"".join(told))]
    if scope is not None and scope.schema_url:
        second.append(_otlp.text(b"\x1a", scope.schema_url))
    fields = b"".join(first)
    return b"".join([struct.pack("<II", number, len(fields)), fields, *second])


def carrier_number(payload: bytes) -> int:
    """The number that later records call the carrier by."""
    return int.from_bytes(payload[:4], "little")


def resource_of(carrier: bytes) -> bytes:
    """The resource fields of a carrier, as ``ResourceSpans`` and ``ResourceLogs`` have them."""
    return _parts_of(carrier)[0]


def _parts_of(payload: bytes) -> tuple[bytes, bytes]:
    end = 8 + int.from_bytes(payload[4:8], "little")
    return payload[8:end], payload[end:]


def _state(context: SpanContext) -> str:
    return _foreign.text(_otlp.trace_state(context)) if context.trace_state else ""


def _identity(span: ReadableSpan, name: str) -> list[bytes]:
    context, parent = span.get_span_context(), span.parent
    if context is None:
        raise ValueError("The span has no context.")
    parts = _otlp.ids(context)
    if state := _state(context):
        parts.append(_otlp.text(b"\x1a", state))
    if parent is not None:
        parts += (b"\x22\x08", parent.span_id.to_bytes(8))
    return [
        *parts,
        _otlp.text(NAME, name),
        b"\x30",
        _otlp.varint(span.kind.value + 1),
        b"\x39",
        _otlp.fixed(span.start_time or 0),
        _otlp.FLAGS[parent is not None and parent.is_remote],
    ]
